package signature

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Keys of RFC 9421 appendix B.1.
const (
	rsaPSS = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`
	p256 = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----`
	ed = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`
)

func key(t testing.TB, text string) any {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// message is test-request of RFC 9421 appendix B.2, with a signature.
func message(input, value string) *Message {
	return &Message{Method: "POST", Scheme: "https", Authority: "example.com", Target: "/foo?param=Value&Pet=dog", Header: http.Header{
		"Date": {"Tue, 20 Apr 2021 02:07:55 GMT"}, "Content-Type": {"application/json"}, "Content-Length": {"18"},
		"Content-Digest":  {"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"},
		"Signature-Input": {input}, "Signature": {value}}}
}

func one(t *testing.T, m *Message) *Signature {
	t.Helper()
	list, err := Parse(m.Header)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return &list[0]
}

func verify(s *Signature, m *Message, key any) error {
	base, err := s.Base(m)
	if err != nil {
		return err
	}
	return s.Verify(base, key)
}

var vectors = []struct{ name, key, input, value string }{
	{"B.2.1", rsaPSS, `sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`, `sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:`},
	{"B.2.2", rsaPSS, `sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"`, `sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==:`},
	{"B.2.3", rsaPSS, `sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`, `sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:`},
	{"B.2.6", ed, `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`, `sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:`},
}

func TestVectorsOfTheRFC(t *testing.T) {
	for _, v := range vectors {
		m := message(v.input, v.value)
		s := one(t, m)
		if err := verify(s, m, key(t, v.key)); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if v.name != "B.2.1" { // which signs nothing of the message
			m.Authority = "example.org"
			if verify(s, m, key(t, v.key)) == nil {
				t.Errorf("%s: it is good for another host", v.name)
			}
		}
		m = message(strings.Replace(v.input, "1618884473", "1618884474", 1), v.value)
		if verify(one(t, m), m, key(t, v.key)) == nil {
			t.Errorf("%s: it is good for another time", v.name)
		}
	}
}

// B.2.4 signs a response: its base is that of the RFC, its signature ours to verify.
func TestECDSAVectorOfTheRFC(t *testing.T) {
	const base = `"@status": 200
"content-type": application/json
"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
"content-length": 23
"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`
	m := message(`sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`,
		"sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:")
	s := one(t, m)
	if err := s.Verify(base, key(t, p256)); err != nil {
		t.Error(err)
	}
	if s.Verify(base+" ", key(t, p256)) == nil || s.Verify(base, key(t, ed)) == nil {
		t.Error("it is good for anything")
	}
	if verify(s, m, key(t, p256)) == nil {
		t.Error("a request has a status")
	}
}

// Vectors of draft-meunier-web-bot-auth-architecture: appendix A.2 and the file that it points to.
func TestVectorsOfWebBotAuth(t *testing.T) {
	const common = `;created=1735689600;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";expires=`
	for _, v := range []struct{ name, agent, input, value string }{
		{"v2 1", "", `sig1=("@authority")` + common + `4889289600;nonce="zIW8+cdmA3vdYagbxojpONwa/l0EKJ/O3/wD486VvsQjO/RxPaSt6ZxvQaMcQzNnqKN/mQ6hpGiFro2L2qkz5A==";tag="web-bot-auth"`,
			`sig1=:QKN4fTdIYfh82fvoZCQiQA1weuozfCS/Led2zTMbewMMqH8PI2Wsy/5c4ao6B6D09nraNQdBNOADg8aM1MqfCg==:`},
		{"v2 2", `agent2="https://signature-agent.test"`, `sig2=("@authority" "signature-agent";key="agent2")` + common + `4889289600;nonce="n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA==";tag="web-bot-auth"`,
			`sig2=:RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==:`},
		{"A.2.3", `"https://signature-agent.test"`, `sig2=("@authority" "signature-agent")` + common + `1735693200;nonce="e8N7S2MFd/qrd6T2R3tdfAuuANngKI7LFtKYI/vowzk4lAZYadIX6wW25MwG7DCT9RUKAJ0qVkU0mEeLElW1qg==";tag="web-bot-auth"`,
			`sig2=:jdq0SqOwHdyHr9+r5jw3iYZH6aNGKijYp/EstF4RQTQdi5N5YYKrD+mCT1HA1nZDsi6nJKuHxUi/5Syp3rLWBA==:`},
	} {
		m := message(v.input, v.value)
		m.Header["Signature-Agent"] = []string{v.agent}
		s := one(t, m)
		if err := verify(s, m, key(t, ed)); err != nil || s.Tag != "web-bot-auth" || s.Created != 1735689600 {
			t.Errorf("%s: %v %+v", v.name, err, s)
		}
		if v.agent == "" {
			continue
		}
		m.Header["Signature-Agent"] = []string{strings.Replace(v.agent, "agent.test", "agent.evil", 1)}
		if verify(s, m, key(t, ed)) == nil {
			t.Errorf("%s: it is good for another agent", v.name)
		}
	}
}

func TestWhatIsNoSignature(t *testing.T) {
	good := `sig=("@authority");created=1`
	for name, c := range map[string][2]string{
		"no value": {good, ""}, "other label": {good, "gis=:AAAA:"}, "text": {good, `sig="AAAA"`}, "twice": {good + ", " + good, "sig=:AAAA:"},
		"no list": {`sig="@authority"`, "sig=:AAAA:"}, "open list": {`sig=("@authority"`, "sig=:AAAA:"}, "number": {`sig=();created="1"`, "sig=:AAAA:"},
		"decimal": {`sig=();created=1.5`, "sig=:AAAA:"}, "key id": {`sig=();keyid=abc`, "sig=:AAAA:"}, "parameter twice": {good + ";created=2", "sig=:AAAA:"},
		"comma": {good + ",", "sig=:AAAA:"}, "base64": {good, "sig=:A\x01AA:"}, "glued": {`sig=("a""b")`, "sig=:AAAA:"},
		"many": {`a=(),b=(),c=(),d=(),e=()`, "a=:AAAA:"}, "long": {good + `;tag="` + strings.Repeat("x", MaxField) + `"`, "sig=:AAAA:"},
		"covers much": {"sig=(" + strings.Repeat(`"a" `, 17) + ")", "sig=:AAAA:"}, "many parameters": {"sig=()" + strings.Repeat(";a", 17), "sig=:AAAA:"},
		"many members": {manyMembers(65), "sig=:AAAA:"}, "16 digits": {"sig=();created=1000000000000000", "sig=:AAAA:"},
	} {
		if list, err := Parse(message(c[0], c[1]).Header); err == nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
	for name, covered := range map[string]string{
		"no field": `"x-none"`, "upper case": `"Date"`, "twice": `"date" "date"`, "sf": `"date";sf`, "bs": `"date";bs`, "req": `"@method";req`, "unknown": `"@other"`, "token": `date`,
		"long field": `"x-long";key="k0"`, "many members": `"x-many";key="k0"`,
		"no parameter": `"@query-param";name="pet"`, "no member": `"content-digest";key="sha-256"`, "no dictionary": `"date";key="a"`,
	} {
		m := message("sig=("+covered+");created=1", "sig=:AAAA:")
		m.Header["X-Long"], m.Header["X-Many"] = []string{"k0=" + strings.Repeat("a", MaxField)}, []string{manyMembers(65)}
		if base, err := one(t, m).Base(m); err == nil {
			t.Errorf("%s: %s", name, base)
		}
	}
	m := message("", "")
	delete(m.Header, "Signature")
	delete(m.Header, "Signature-Input")
	if list, err := Parse(m.Header); list != nil || err != nil {
		t.Error(list, err)
	}
}

func manyMembers(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("k%d", i))
	}
	return strings.Join(list, ",")
}

// What is signed at most costs little to make: the key id is public, so anybody can ask for it.
func BenchmarkCostlyBase(b *testing.B) {
	var covered []string
	for i := range 16 {
		covered = append(covered, fmt.Sprintf(`"x-long";key="k%d"`, i))
	}
	m := message("sig=("+strings.Join(covered, " ")+")", "sig=:AAAA:")
	m.Header["X-Long"] = []string{manyMembers(63) + ",z=" + strings.Repeat("a", MaxField-300)}
	list, err := Parse(m.Header)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := list[0].Base(m); err != nil {
			b.Fatal(err)
		}
	}
}

// Examples of RFC 9421 section 2.2.
func TestComponents(t *testing.T) {
	m := &Message{Method: "GET", Scheme: "https", Authority: "WWW.Example.com:443", Target: "/path?param=value&foo=bar&baz=bat%2Dman&var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something",
		Header: http.Header{"X-Ows-Header": {"  Leading and trailing whitespace.  "}, "Cache-Control": {"max-age=60", "   must-revalidate"}, "X-Empty-Header": {""}, "Example-Dict": {" a=1,    b=2;x=1;y=2,   c=(a   b   c), d"}}}
	for id, want := range map[string]string{
		`"@authority"`: "www.example.com", `"@scheme"`: "https", `"@path"`: "/path", `"@target-uri"`: "https://www.example.com" + m.Target, `"@request-target"`: m.Target,
		`"@query-param";name="baz"`: "bat-man", `"@query-param";name="var"`: "this%20is%20a%20big%0Amultiline%20value", `"@query-param";name="bar"`: "with%20plus%20whitespace", `"@query-param";name="fa%C3%A7ade%22%3A%20"`: "something",
		`"x-ows-header"`: "Leading and trailing whitespace.", `"cache-control"`: "max-age=60, must-revalidate", `"x-empty-header"`: "",
		`"example-dict";key="a"`: "1", `"example-dict";key="d"`: "?1", `"example-dict";key="b"`: "2;x=1;y=2", `"example-dict";key="c"`: "(a b c)",
	} {
		m.Header["Signature-Input"], m.Header["Signature"] = []string{"s=(" + id + ")"}, []string{"s=:AAAA:"}
		base, err := one(t, m).Base(m)
		if got, _, _ := strings.Cut(strings.TrimPrefix(base, id+": "), "\n"); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", id, got, err, want)
		}
	}
}

// Strangers' bytes: what parses is written in one way, which parses to the same.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.input, v.value)
	}
	f.Add(`a=(b;c=?0 :AA==: -1;d "\"");e=1`, "a=:AAAA:;x")
	f.Fuzz(func(t *testing.T, input, value string) {
		m := message(input, value)
		list, err := Parse(m.Header)
		if err != nil {
			return
		}
		for _, s := range list {
			again, err := parseDictionary(s.Label + "=" + s.params)
			if err != nil || len(again) != 1 || again[0].text() != s.params {
				t.Fatalf("%q is written as %q: %v", input, s.params, err)
			}
			_ = verify(&s, m, key(t, ed))
		}
	})
}
