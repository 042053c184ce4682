package agent

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A pair is a key of a signer.
type pair struct {
	private ed25519.PrivateKey
	id      string // thumbprint
	jwk     string
}

func newPair(t testing.TB) *pair {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{private, base64.RawURLEncoding.EncodeToString(sum), fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, base64.RawURLEncoding.EncodeToString(public))}
}

func directoryOf(keys ...*pair) string {
	var list []string
	for _, k := range keys {
		list = append(list, k.jwk)
	}
	return `{"keys":[` + strings.Join(list, ",") + `]}`
}

func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "directory.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + name
}

var noon = time.Unix(1_800_000_000, 0)

// A draft is what a request signs, with what a test changes of it. The base is written here by hand.
type draft struct {
	agent   string // field
	covered string // components
	base    string // their lines
	params  string
	host    string
}

func signing(k *pair, nonce string) draft {
	return draft{agent: `sig="https://agent.test"`, covered: `("@authority" "signature-agent";key="sig")`,
		base:   "\"@authority\": shop.test\n\"signature-agent\";key=\"sig\": \"https://agent.test\"\n",
		params: fmt.Sprintf(`;created=%d;expires=%d;keyid=%q;alg="ed25519";nonce=%q;tag="web-bot-auth"`, noon.Unix(), noon.Unix()+60, k.id, nonce), host: "shop.test"}
}

// signed is a request as the draft says, with the signature of k.
func (d draft) signed(k *pair) *exchange.Exchange {
	input := d.covered + d.params
	value := ed25519.Sign(k.private, []byte(d.base+`"@signature-params": `+input))
	r := httptest.NewRequest("GET", "/orders?x=1", nil)
	r.Host = d.host
	r.Header["Signature-Input"] = []string{"sig=" + input}
	r.Header["Signature"] = []string{"sig=:" + base64.StdEncoding.EncodeToString(value) + ":"}
	if d.agent != "" {
		r.Header["Signature-Agent"] = []string{d.agent}
	}
	return &exchange.Exchange{Request: r, Client: exchange.Client{TLS: true, Addr: netip.MustParseAddr("192.0.2.1")}}
}

// ask lets the guard look at an exchange, and returns the rules of what it noted.
func ask(t testing.TB, a *Agents, e *exchange.Exchange) string {
	t.Helper()
	e.Findings = nil
	v, err := a.Guard().Check(t.Context(), e)
	if err != nil || !v.Passed() {
		t.Fatal("the guard refuses", v, err)
	}
	var rules []string
	for _, f := range e.Findings {
		rules = append(rules, f.Rule)
	}
	return strings.Join(rules, " ")
}

func agents(t testing.TB, m *Memory, c config.Agents) *Agents {
	t.Helper()
	c.Signatures = config.WebBotAuth
	a, err := m.Agents(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
