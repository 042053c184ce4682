package signature

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answer is one to a request for the directory of a host.
func answer(host, input, value, digest string) *Message {
	m := &Message{Status: 200, Header: http.Header{}, Request: &Message{Method: "GET", Scheme: "https", Authority: host, Target: WellKnown, Header: http.Header{"Accept": {DirectoryType}}}}
	for name, text := range map[string]string{"Signature-Input": input, "Signature": value, "Content-Digest": digest} {
		if text != "" {
			m.Header[name] = []string{text}
		}
	}
	return m
}

// The example of RFC 9421 section 2.4: an answer that is bound to its request.
func TestVectorOfAnAnswer(t *testing.T) {
	m := &Message{Status: 503, Request: message("", ""), Header: http.Header{
		"Date": {"Tue, 20 Apr 2021 02:07:56 GMT"}, "Content-Type": {"application/json"}, "Content-Length": {"62"},
		"Content-Digest":  {"sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:"},
		"Signature-Input": {`reqres=("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256"`},
		"Signature":       {"reqres=:dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==:"}}}
	if err := verify(one(t, m), m, key(t, p256)); err != nil {
		t.Error(err)
	}
	for i, change := range []func(){func() { m.Status = 200 }, func() { m.Status, m.Request.Method = 503, "PUT" }, func() { m.Request = nil }} {
		if change(); verify(one(t, m), m, key(t, p256)) == nil {
			t.Errorf("it is good for another status, another request, or none: %d", i)
		}
	}
}

// Parameters say of which message a component is; an answer has no authority of its own.
func TestComponentsOfAnAnswer(t *testing.T) {
	for covered, want := range map[string]string{
		`"@authority";req`: "a.test", `"@path";req`: WellKnown, `"@target-uri";req`: "https://a.test" + WellKnown, `"accept";req`: DirectoryType, `"@status"`: "200",
		`"x-of";key="b";req`: "", `"@authority"`: "", `"@method"`: "", `"@path"`: "", `"accept"`: "", `"@status";req`: "", `"@authority";req=?0`: "", `"@authority";req=1`: "", `"@authority";req;tr`: "", `"@query-param";name="a"`: "",
	} {
		m := answer("A.test:443", "s=("+covered+")", "s=:AAAA:", "")
		base, err := one(t, m).Base(m)
		got, _, _ := strings.Cut(strings.TrimPrefix(base, covered+": "), "\n")
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%s: %q %v, want %q", covered, got, err, want)
		}
	}
	m := message(`s=("@authority";req)`, "s=:AAAA:")
	if base, err := one(t, m).Base(m); err == nil {
		t.Errorf("a request answers nothing: %s", base)
	}
}

// Directories that others have signed, with the key of the RFC, of which ServedDirectory would not hear: the example of the draft's
// appendix, and what Cloudflare's example server said on 13 September 2026, without a digest.
func TestProofsOfOthers(t *testing.T) {
	const id = `keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"`
	for _, v := range []struct {
		host, input, value, digest, body string
		from, until                      int64
	}{
		{"signature-agent.test", `binding=("@authority";req "content-digest");created=1735689600;expires=4889289600;` + id + `;tag="http-message-signatures-directory"`,
			"binding=:l6P8R67tm3kujAxbHWio7ll01qrEZ0dKD/WWlGhNYEmTnFZM8Wt0VQ9zqGfvo7T/UMkBxsigzChM1Gpz7gOVBg==:", "sha-256=:CADMT2aBdV/rqQr/NIru64ERQkCobVvllA4V0fLFDu0=:",
			`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs","use":"sig"}]}`, 1735689600, 4889289600},
		{"http-message-signatures-example.research.cloudflare.com", `binding0=("@authority";req);created=1789289934;` + id + `;alg="ed25519";expires=1789290234;tag="http-message-signatures-directory"`,
			"binding0=:LMSL6/1OnK3uVZGyxaaEPiRKS4lv3WhkFvOpcUk+aUjy5AsnepcsQqTtzZR/rmqjs8/hZ+epdAA/eqjGTsTdAQ==:", "", "", 1789289934, 1789290234},
	} {
		proves := func(host, body string, at int64) error {
			m := answer(host, v.input, v.value, v.digest)
			return one(t, m).proves(key(t, ed), m, []byte(body), time.Unix(at, 0))
		}
		for _, at := range []int64{v.from - 29, v.from, v.until + 29} {
			if err := proves(v.host, v.body, at); err != nil {
				t.Errorf("%s at %d: %v", v.host, at, err)
			}
		}
		if proves("mirror.test", v.body, v.from) == nil || proves(v.host, v.body, v.from-31) == nil || proves(v.host, v.body, v.until+31) == nil {
			t.Errorf("%s: it is good for another host or time", v.host)
		}
		if v.digest != "" && proves(v.host, v.body+" ", v.from) == nil {
			t.Errorf("%s: it is good for other keys", v.host)
		}
	}
}

// A proof is what a directory signs itself with, as a test changes it. Bases are written here by hand.
type proof struct{ seed, covered, base, params string }

func proofBy(seed byte, id string, now int64) proof {
	return proof{seed: strings.Repeat(string(rune('a'+seed)), 32), covered: `("@authority";req)`, base: "\"@authority\";req: agent.test\n",
		params: fmt.Sprintf(`;created=%d;expires=%d;keyid=%q;tag="http-message-signatures-directory"`, now, now+300, id)}
}

func (p proof) sign(label string) (input, value string) {
	input = p.covered + p.params
	sum := ed25519.Sign(ed25519.NewKeyFromSeed([]byte(p.seed)), []byte(p.base+`"@signature-params": `+input))
	return label + "=" + input, label + "=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}

func TestServedDirectory(t *testing.T) {
	const now = 1_800_000_000
	a, aid := jwk(t, 0)
	b, bid := jwk(t, 1)
	body := []byte(`{"keys":[` + a + `},` + b + `}]}`)
	sum := sha256.Sum256(body)
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	digesting := func(of string) func(*proof) {
		return func(p *proof) {
			p.covered, p.base = `("@authority";req "content-digest")`, p.base+`"content-digest": `+of+"\n"
		}
	}
	param := func(old, new string) func(*proof) {
		return func(p *proof) { p.params = strings.Replace(p.params, old, new, 1) }
	}
	created, expires := fmt.Sprintf("created=%d", now), fmt.Sprintf("expires=%d", now+300)
	for _, c := range []struct {
		name, host, digest string
		change             func(*proof)
		at                 int64
		want               bool
	}{
		{"good", "agent.test", "", nil, 0, true},
		{"default port", "AGENT.test:443", "", nil, 0, true},
		{"of its content", "agent.test", digest, digesting(digest), 0, true},
		{"algorithm", "agent.test", "", param(";tag", `;alg="ed25519";nonce="n";tag`), 0, true},
		{"mirrored", "mirror.test", "", nil, 0, false},
		{"another port", "agent.test:8443", "", nil, 0, false},
		{"signed for the mirror's source", "agent.test", "", func(p *proof) { p.base = "\"@authority\";req: mirror.test\n" }, 0, false},
		{"by another key", "agent.test", "", func(p *proof) { p.seed = strings.Repeat("z", 32) }, 0, false},
		{"of other content", "agent.test", "sha-256=:AAAA:", digesting("sha-256=:AAAA:"), 0, false},
		{"of one of two contents", "agent.test", digest + ", sha-512=:AAAA:", digesting(digest + ", sha-512=:AAAA:"), 0, false},
		{"of unknown content", "agent.test", "unixsum=:AAAA:", digesting("unixsum=:AAAA:"), 0, false},
		{"of no content", "agent.test", "", digesting(digest), 0, false},
		{"no host", "agent.test", "", func(p *proof) { p.covered, p.base = "()", "" }, 0, false},
		{"only the path", "agent.test", "", func(p *proof) { p.covered, p.base = `("@path";req)`, `"@path";req: `+WellKnown+"\n" }, 0, false},
		{"host of no request", "agent.test", "", func(p *proof) { p.covered, p.base = `("@authority")`, "\"@authority\": agent.test\n" }, 0, false},
		{"not understood", "agent.test", "", func(p *proof) { p.covered = `("@authority";req "date";bs)` }, 0, false},
		{"expired", "agent.test", "", nil, 331, false},
		{"just over", "agent.test", "", nil, 329, true},
		{"from the future", "agent.test", "", nil, -31, false},
		{"no created", "agent.test", "", param(created+";", ""), 0, false},
		{"no expires", "agent.test", "", param(expires+";", ""), 0, false},
		{"another algorithm", "agent.test", "", param(";tag", `;alg="rsa-pss-sha512";tag`), 0, false},
		// These are not about the key, which nobody has to prove.
		{"another tag", "mirror.test", "", param(`tag="http-message-signatures-directory"`, `tag="web-bot-auth"`), 0, true},
		{"no tag", "mirror.test", "", param(`;tag="http-message-signatures-directory"`, ""), 0, true},
		{"unknown key", "mirror.test", "", param(aid, "whatever"), 0, true},
	} {
		p := proofBy(0, aid, now)
		if c.change != nil {
			c.change(&p)
		}
		input, value := p.sign("p")
		d, err := ServedDirectory(body, answer(c.host, input, value, c.digest), time.Unix(now+c.at, 0))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := d.Key(aid, time.Unix(now, 0)) != nil; got != c.want || (len(d.Unusable) == 0) != c.want {
			t.Errorf("%s: the key is there: %v, want %v; %q", c.name, got, c.want, d.Unusable)
		}
		if d.Key(bid, time.Unix(now, 0)) == nil {
			t.Errorf("%s: a key without a signature is lost", c.name)
		}
	}
}

func TestManyProofs(t *testing.T) {
	const now = 1_800_000_000
	a, aid := jwk(t, 0)
	body := []byte(`{"keys":[` + a + `}]}`)
	in, value := proofBy(0, aid, now).sign("a")
	of := func(inputs, values []string) (*Directory, error) {
		m := answer("agent.test", "", "", "")
		m.Header["Signature-Input"], m.Header["Signature"] = inputs, values
		return ServedDirectory(body, m, time.Unix(now, 0))
	}
	// One that is good is enough, wherever it stands: signers may mean verifiers of two drafts.
	bad := strings.Replace(in, "a=", "b=", 1)
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		inputs, values := []string{in, bad}, []string{value, "b=:AAAA:"}
		d, err := of([]string{inputs[order[0]], inputs[order[1]]}, []string{values[order[0]], values[order[1]]})
		if err != nil || d.Len() != 1 || d.Unusable != nil {
			t.Error(d, err)
		}
	}
	// One for each key is read, and what cannot be read is no directory.
	var inputs, values []string
	for i := range maxKeys {
		inputs, values = append(inputs, strings.Replace(in, "a=", fmt.Sprintf("a%d=", i), 1)), append(values, strings.Replace(value, "a=", fmt.Sprintf("a%d=", i), 1))
	}
	if d, err := of(inputs, values); err != nil || d.Len() != 1 {
		t.Error(d, err)
	}
	for name, c := range map[string][2]string{
		"too many": {strings.Join(inputs, ",") + ",z=()", strings.Join(values, ",") + ",z=:AAAA:"}, "no value": {in, ""}, "no input": {"b=()", value}, "no dictionary": {"a=(", "a=:AAAA:"},
		"long": {in + `;x="` + strings.Repeat("x", maxProofs) + `"`, value},
	} {
		if d, err := of([]string{c[0]}, []string{c[1]}); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// Strangers' bytes: whatever is said of signatures and digests, no key comes that the directory does not have.
func FuzzServedDirectory(f *testing.F) {
	a, aid := jwk(f, 0)
	input, value := proofBy(0, aid, 1_800_000_000).sign("a")
	f.Add(input, value, "sha-256=:AAAA:", "agent.test")
	f.Add(strings.Replace(input, "req", `req "content-digest"`, 1), value, "sha-256=:AAAA:, x=1", "agent.test")
	f.Fuzz(func(t *testing.T, input, value, digest, host string) {
		d, err := ServedDirectory([]byte(`{"keys":[`+a+`}]}`), answer(host, input, value, digest), time.Unix(1_800_000_000, 0))
		if err == nil && d.Len()+len(d.Unusable) != 1 {
			t.Fatalf("%+v", d)
		}
	})
}
