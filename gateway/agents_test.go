package gateway

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/exchange"
)

// Over real sockets: a signature is judged by the host that the client asked for, once, before anything else is asked; and what it
// proves nothing by stands in the record.
func TestAgentsSign(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(nil)
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	keys := writeFile(t, "keys.json", fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public)))
	g := newGate(t, `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/x":{"get":{"security":[],"responses":{"200":{"description":"ok"}}}}}}`,
		h2cServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), "",
		`abuse: { agents: { signatures: draft-ietf-webbotauth-httpsig-protocol-00, signers: [ { name: friend, url: "https://agent.test", keys: "file:`+keys+`" } ] } }`).open(t)
	var seen []*exchange.Agent
	door := g.current.Load().apis[0].door
	for i := range door.phases[exchange.OnConnect] {
		if s := &door.phases[exchange.OnConnect][i]; s.guard.Name == "limit.agent" {
			check := s.guard.Check
			s.guard.Check = func(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
				v, err := check(ctx, e)
				seen = append(seen, e.Agent)
				return v, err
			}
		}
	}
	now := time.Now().Unix()
	params := fmt.Sprintf(`("@authority" "@method" "@path" "signature-agent";key="me");created=%d;expires=%d;keyid=%q;nonce="n";tag="web-bot-auth"`, now, now+60, base64.RawURLEncoding.EncodeToString(sum))
	base := "\"@authority\": " + g.url[len("http://"):] + "\n\"@method\": GET\n\"@path\": /x\n\"signature-agent\";key=\"me\": \"https://agent.test\"\n\"@signature-params\": " + params
	value := base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(base)))
	for i, want := range []struct{ who, note string }{{"friend", ""}, {"", "signature.invalid"}} {
		r, _ := http.NewRequest("GET", g.url+"/x", nil)
		r.Header.Set("Signature-Input", "me="+params)
		r.Header.Set("Signature", "me=:"+value+":")
		r.Header.Set("Signature-Agent", `me="https://agent.test"`)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		rec, who, note := g.record(t), "", ""
		if len(rec.Findings) > 0 {
			note = rec.Findings[0].Rule
		}
		if len(seen) != i+1 {
			t.Fatal("the guard was not asked")
		}
		if seen[i] != nil {
			who = seen[i].Name
		}
		if resp.StatusCode != 200 || who != want.who || note != want.note {
			t.Errorf("%d: %d, %q, noted %q: %+v", i, resp.StatusCode, who, note, rec.Findings)
		}
	}
}
