package agent

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

func TestSigned(t *testing.T) {
	k, other := newPair(t), newPair(t)
	at := noon
	m := NewMemory(Options{Now: func() time.Time { return at }})
	a := agents(t, m, config.Agents{Signers: []config.Signer{
		{Name: "friend", URL: "https://AGENT.test:443/", Keys: file(t, directoryOf(k))},
		{Name: "someone", URL: "https://someone.test", Keys: file(t, directoryOf(other))},
	}})
	param := func(old, new string) func(*draft) {
		return func(d *draft) {
			if !strings.Contains(d.params, old) {
				t.Fatalf("%s is not in %s", old, d.params)
			}
			d.params = strings.Replace(d.params, old, new, 1)
		}
	}
	created, expires := fmt.Sprintf("created=%d", noon.Unix()), fmt.Sprintf("expires=%d", noon.Unix()+60)
	for i, c := range []struct {
		name   string
		change func(*draft)
		by     *pair
		at     time.Duration
		who    string
		note   string
	}{
		{"good", nil, k, 0, "friend", ""},
		{"legacy", func(d *draft) {
			d.agent, d.covered = `"https://agent.test"`, `("@authority" "signature-agent")`
			d.base = "\"@authority\": shop.test\n\"signature-agent\": \"https://agent.test\"\n"
		}, k, 0, "friend", ""},
		{"target-uri", func(d *draft) {
			d.covered = `("@target-uri" "signature-agent";key="sig")`
			d.base = "\"@target-uri\": https://shop.test/orders?x=1\n\"signature-agent\";key=\"sig\": \"https://agent.test\"\n"
		}, k, 0, "friend", ""},
		{"other tag", param("web-bot-auth", "payment"), k, 0, "", ""},
		{"no tag", param(`;tag="web-bot-auth"`, ""), k, 0, "", ""},
		{"other key", nil, other, 0, "", "signature.invalid"},
		{"other host", func(d *draft) { d.host = "else.test" }, k, 0, "", "signature.invalid"},
		{"no agent", func(d *draft) { d.agent = "" }, k, 0, "", "signature.invalid"},
		{"agent not covered", func(d *draft) { d.covered, d.base = `("@authority")`, "\"@authority\": shop.test\n" }, k, 0, "", "signature.invalid"},
		{"host not covered", func(d *draft) {
			d.covered, d.base = `("signature-agent";key="sig")`, "\"signature-agent\";key=\"sig\": \"https://agent.test\"\n"
		}, k, 0, "", "signature.invalid"},
		{"nobody we know", func(d *draft) {
			d.agent, d.base = `sig="https://evil.test"`, strings.Replace(d.base, "agent.test", "evil.test", 1)
		}, k, 0, "", "signature.unknown"},
		{"key of another signer", func(d *draft) { d.params = strings.Replace(d.params, k.id, other.id, 1) }, other, 0, "", "signature.unknown"},
		{"in another's name", func(d *draft) {
			d.agent, d.base = `sig="https://someone.test"`, strings.Replace(d.base, "agent.test", "someone.test", 1)
		}, k, 0, "", "signature.unknown"},
		{"another algorithm", param(`"ed25519"`, `"rsa-pss-sha512"`), k, 0, "", "signature.invalid"},
		{"shared secret", param(`"ed25519"`, `"hmac-sha256"`), k, 0, "", "signature.invalid"},
		{"no created", param(created+";", ""), k, 0, "", "signature.invalid"},
		{"no expires", param(expires+";", ""), k, 0, "", "signature.invalid"},
		{"expires before created", param(expires, fmt.Sprintf("expires=%d", noon.Unix()-1)), k, 0, "", "signature.invalid"},
		{"holds for two days", param(expires, fmt.Sprintf("expires=%d", noon.Unix()+2*86400)), k, 0, "", "signature.invalid"},
		{"from the future", nil, k, -time.Minute, "", "signature.invalid"},
		{"from soon", nil, k, -29 * time.Second, "friend", ""},
		{"just over", nil, k, 89 * time.Second, "friend", ""},
		{"over", nil, k, 91 * time.Second, "", "signature.invalid"},
		{"old", param(expires, fmt.Sprintf("expires=%d", noon.Unix()+86400)), k, 331 * time.Second, "", "signature.invalid"},
		{"no signature", func(d *draft) { d.covered = `("@authority` }, k, 0, "", "signature.unread"},
	} {
		at = noon.Add(c.at)
		d := signing(k, fmt.Sprint("nonce", i))
		if c.change != nil {
			c.change(&d)
		}
		e := d.signed(c.by)
		note := ask(t, a, e)
		who := ""
		if e.Agent != nil {
			who = e.Agent.Name
		}
		if who != c.who || note != c.note {
			t.Errorf("%s: %q is verified, want %q; noted %q, want %q: %+v", c.name, who, c.who, note, c.note, e.Findings)
		}
	}
}

// Whoever has seen a signature cannot use it, also where it has no nonce, and after a reload.
func TestSignaturesAreGoodOnce(t *testing.T) {
	k := newPair(t)
	m := NewMemory(Options{Now: func() time.Time { return noon }})
	c := config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: file(t, directoryOf(k))}}}
	for _, nonce := range []string{"a", ""} {
		d := signing(k, nonce)
		d.params = strings.Replace(d.params, `;nonce=""`, "", 1)
		e, again := d.signed(k), d.signed(k)
		if note := ask(t, agents(t, m, c), e); note != "" || e.Agent == nil {
			t.Errorf("%q: %+v", nonce, e.Findings)
		}
		if note := ask(t, agents(t, m, c), again); note != "signature.invalid" || again.Agent != nil || !strings.Contains(again.Findings[0].Message, "used before") {
			t.Errorf("%q: used twice: %+v", nonce, again.Findings)
		}
	}
	same := signing(k, "a")
	same.params = strings.Replace(same.params, "expires=", "expires=0", 1) // another signature with the same nonce
	if e := same.signed(k); ask(t, agents(t, m, c), e) != "signature.invalid" || e.Agent != nil {
		t.Errorf("%+v", e.Findings)
	}
}

// Whoever cannot sign uses up nothing of what is remembered.
func TestForgeriesUseNothingUp(t *testing.T) {
	k, forger := newPair(t), newPair(t)
	m := NewMemory(Options{Now: func() time.Time { return noon }})
	a := agents(t, m, config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: file(t, directoryOf(k))}}})
	for range 10 {
		if e := signing(k, "seen by somebody").signed(forger); ask(t, a, e) != "signature.invalid" || e.Agent != nil {
			t.Fatalf("%+v", e)
		}
	}
	if e := signing(k, "seen by somebody").signed(k); ask(t, a, e) != "" || e.Agent == nil {
		t.Errorf("%+v", e.Findings)
	}
}

// More signatures than are judged order no work, and hide nothing that is wrong before them.
func TestManySignatures(t *testing.T) {
	k := newPair(t)
	m := NewMemory(Options{Now: func() time.Time { return noon }})
	a := agents(t, m, config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: file(t, directoryOf(k))}}})
	e := signing(k, "n").signed(k)
	forged := strings.Replace(e.Request.Header["Signature-Input"][0], "sig=", "a=", 1)
	e.Request.Header["Signature-Input"] = []string{forged, strings.Replace(forged, "a=", "b=", 1), e.Request.Header["Signature-Input"][0]}
	e.Request.Header["Signature"] = []string{"a=:AAAA:", "b=:AAAA:", e.Request.Header["Signature"][0]}
	if note := ask(t, a, e); note != "signature.invalid signature.invalid" || e.Agent != nil {
		t.Errorf("%s %+v", note, e.Agent)
	}
}

func TestSettings(t *testing.T) {
	k := file(t, directoryOf(newPair(t)))
	for setting, s := range map[string]config.Signer{
		"signers[1].url: ": {URL: "https://agent.test/"}, "signers[1].url:": {URL: "http://agent.test", Keys: k}, "signers[1].keys: ": {URL: "https://b.test", Keys: "file:nowhere"},
		"signers[1].keys:": {URL: "https://b.test", Keys: file(t, "{}")}, "signers[1].keys": {URL: "https://b.test", Keys: "http://127.0.0.1:1/"},
	} {
		_, err := NewMemory(Options{}).Agents(config.Agents{Signers: []config.Signer{{Name: "a", URL: "https://agent.test", Keys: k}, s}})
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(setting)) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if g := (*Agents)(nil).Guard(); g.Check != nil {
		t.Error("nobody has a guard")
	}
	a := agents(t, NewMemory(Options{}), config.Agents{})
	if g := a.Guard(); g.Check != nil {
		t.Error("nobody has a guard")
	}
}

func FuzzSigned(f *testing.F) {
	k := newPair(f)
	a := agents(f, NewMemory(Options{Now: func() time.Time { return noon }}), config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: file(f, directoryOf(k))}}})
	e := signing(k, "n").signed(k)
	f.Add(e.Request.Header["Signature-Input"][0], "sig=:AAAA:", `sig="https://agent.test"`)
	f.Fuzz(func(t *testing.T, input, value, agent string) {
		e := &exchange.Exchange{Request: httptest.NewRequest("GET", "/", nil)}
		e.Request.Header["Signature-Input"], e.Request.Header["Signature"], e.Request.Header["Signature-Agent"] = []string{input}, []string{value}, []string{agent}
		if ask(t, a, e); e.Agent != nil {
			t.Fatal("a forgery")
		}
	})
}

// What a request costs that has no signature, and one that has.
func BenchmarkGuard(b *testing.B) {
	k := newPair(b)
	m := NewMemory(Options{Now: func() time.Time { return noon }})
	a := agents(b, m, config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: file(b, directoryOf(k))}},
		Crawlers: []config.Crawler{{Name: "Googlebot", Domains: []string{"googlebot.com"}}, {Name: "bingbot", Domains: []string{"search.msn.com"}}}})
	check := a.Guard().Check
	plain := signing(k, "n").signed(k)
	for _, f := range []string{"Signature", "Signature-Input", "Signature-Agent"} {
		plain.Request.Header.Del(f)
	}
	plain.Request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36")
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = check(b.Context(), plain)
		}
	})
	forged := signing(k, "n").signed(newPair(b))
	b.Run("forged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			forged.Findings = forged.Findings[:0]
			_, _ = check(b.Context(), forged)
		}
	})
}
