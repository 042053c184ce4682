package gateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/internal/testkit"
)

const decideAPI = `    mode: enforce
    security: { bearer: corp }
    refusals: { limit: 10000, per: 1h }
    rate: { limit: 10000, per: 1h, by: client }
    max_body: 1KiB
    protect: { cors: { origins: ["https://app.example"] } }
    inspect: { paranoia: 2 }
`

// recordedTraffic sends everything that guards object to, with a good token where the case says nothing else, and plain
// requests; the configuration stays in the working directory.
func recordedTraffic(t testing.TB, api string) (*gate, []*exchange.Record) {
	t.Helper()
	issuer := testkit.NewIssuer(t)
	identities := `identity: [ { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:` + writeFile(t, "jwks.json", string(issuer.Set())) + `", audience: [shop], algorithms: [ES256] } } ]`
	g := newGate(t, monitorSpec, h2cServer(t, http.HandlerFunc(monitored)), api, identities).open(t)
	var list []*exchange.Record
	ask := func(line string, header http.Header, body, scene string) {
		h := header.Clone()
		if h == nil {
			h = http.Header{}
		}
		if v, said := h["Authorization"]; !said || v == nil {
			h["Authorization"] = []string{"Bearer " + issuer.Token(t, issuer.Claims("sub", "a1", "roles", []string{"admin"}))}
		}
		send(t, g.url, line, h, body, scene)
		list = append(list, g.record(t))
	}
	for _, c := range monitorCases {
		ask(c.line, c.header, c.body, c.scene)
	}
	ask("GET /orders/a1", http.Header{"Authorization": {}}, "", "")
	ask("GET /orders/b2", nil, "", "")
	ask("GET /nothing", nil, "", "")
	ask("DELETE /orders", nil, "", "")
	return g, list
}

func send(t testing.TB, base, line string, header http.Header, body, scene string) {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.example"
	r.Header = http.Header{"Content-Type": {"application/json"}, "X-Scene": {scene}, "User-Agent": {"test"}, "Accept-Encoding": {"identity"}}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// replayed decides records again under the configuration of the working directory, with the API's settings changed.
func replayed(t testing.TB, g *gate, list []*exchange.Record, bases map[string]*Basis, old, new string) map[string]Decision {
	t.Helper()
	for _, name := range []string{"sallyport.yaml", "openapi.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.WriteFile(name, text, 0o600) }()
		if err := os.WriteFile(name, []byte(strings.Replace(string(text), old, new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, src, problems := config.Load("sallyport.yaml")
	if c == nil {
		t.Fatal(problems)
	}
	r, problems := NewReplay(c, src, &Parts{Inspectors: compiledRules, Providers: func(list []config.Identity) (*identity.Providers, error) {
		return identity.New(list, nil, identity.Options{})
	}}, list[0].Time, bases)
	if r == nil {
		t.Fatal(problems)
	}
	out := map[string]Decision{}
	for i, rec := range list {
		out[nameOf(i)] = r.Decide(rec)
	}
	return out
}

func nameOf(i int) string {
	if i < len(monitorCases) {
		return monitorCases[i].name
	}
	return []string{"nobody", "foreign", "unknown", "method"}[i-len(monitorCases)]
}

// basesOf is what the store would hold, after a way through JSON.
func basesOf(t testing.TB, g *gate, change func(prints map[string]string)) map[string]*Basis {
	t.Helper()
	text, err := json.Marshal(g.current.Load().Basis())
	if err != nil {
		t.Fatal(err)
	}
	b := &Basis{}
	if err := json.Unmarshal(text, b); err != nil {
		t.Fatal(err)
	}
	for _, of := range b.APIs["shop"].Operations {
		change(of.Prints)
	}
	return map[string]*Basis{b.Hash: b}
}

// The configuration that decided decides the same again. So do the guards that are asked anew, when it is not known that
// their settings have not changed.
func TestReplayOfTheSame(t *testing.T) {
	g, list := recordedTraffic(t, decideAPI)
	for name, change := range map[string]func(map[string]string){
		"as it was": func(map[string]string) {},
		"asked anew": func(prints map[string]string) {
			for _, family := range []string{"identity", "policy.operation", "limit", "inspect"} {
				prints[family] = "another"
			}
		},
	} {
		refused := 0
		for which, d := range replayed(t, g, list, basesOf(t, g, change), "", "") {
			if d.Was != "" {
				refused++
			}
			if d.Change != Same && !(name == "asked anew" && which == "bad token") { // credentials are not recorded
				t.Errorf("%s: %s: %+v", name, which, d)
			}
		}
		if refused < 15 {
			t.Errorf("%d refusals: the traffic shows nothing", refused)
		}
	}
}

// What a change of the configuration means for recorded exchanges.
func TestReplayOfChanges(t *testing.T) {
	g, list := recordedTraffic(t, decideAPI)
	bases := basesOf(t, g, func(map[string]string) {})
	for _, c := range []struct {
		name, old, new string
		want           map[string]Change // of some exchanges
	}{
		{"a role", "roles: [admin]", "roles: [auditor]", map[string]Change{"plain": NewlyRefused, "head": NewlyRefused, "foreign": OtherReason}},
		{"validation is watched only", "mode: enforce", "mode: enforce\n    modes: { validate: monitor }", map[string]Change{"parameter": NewlyAllowed, "body": NewlyAllowed, "plain": Same, "unknown coding": Same}},
		{"anybody may ask", "x-sallyport: { roles: [admin] }", "x-sallyport: { anonymous: true }", map[string]Change{"nobody": NewlyAllowed, "plain": Same}},
		{"programs are refused", "mode: enforce", "mode: enforce\n    bots: { suspected: deny }", map[string]Change{"plain": Same, "nobody": OtherReason, "foreign": Same}},
		{"a rate", "rate: { limit: 10000, per: 1h, by: client }", "rate: { limit: 10, per: 1h, by: client }", map[string]Change{"plain": Same, "unknown": Same}},
		{"a threshold", "inspect: { paranoia: 2 }", "inspect: { paranoia: 2, threshold: 1000 }", map[string]Change{"attack": NewlyAllowed, "body attack": NewlyAllowed}},
		{"less paranoia", "inspect: { paranoia: 2 }", "inspect: { paranoia: 1 }", map[string]Change{"attack": Same, "body attack": Same}},
		{"more paranoia", "inspect: { paranoia: 2 }", "inspect: { paranoia: 3 }", map[string]Change{"plain": Undecidable}},
		{"an exclusion", "inspect: { paranoia: 2 }", `inspect: { paranoia: 2, exclude: [ { rule: attack-xss, field: body.id, reason: test } ] }`, map[string]Change{"body attack": OtherReason, "attack": Same}},
		{"another schema", "maxLength: 40", "maxLength: 41", map[string]Change{"body": Undecidable, "plain": Same}},
		{"an operation is gone", "  /orders:\n    post:", "  /baskets:\n    post:", map[string]Change{"body": OtherReason, "plain": Same}},
		{"a smaller body", "max_body: 1KiB", "max_body: 20B", map[string]Change{"body attack": OtherReason, "plain": Same, "too large": Undecidable}},
	} {
		got := replayed(t, g, list, bases, c.old, c.new)
		counts := map[Change]int{}
		for _, d := range got {
			counts[d.Change]++
		}
		for which, want := range c.want {
			if d, sent := got[which]; !sent || d.Change != want {
				t.Errorf("%s: %s: %+v, want %s", c.name, which, d, want)
			}
		}
		t.Logf("%s: %v", c.name, counts)
	}
}

// Of what was not rated then nothing can be said now: what a client showed and did is not recorded.
func TestReplayOfTheUnrated(t *testing.T) {
	g, list := recordedTraffic(t, decideAPI)
	bases := basesOf(t, g, func(prints map[string]string) { prints["limit.bot"] = "another" })
	for _, b := range bases {
		for _, of := range b.APIs["shop"].Operations {
			delete(of.Guards, "limit.bot")
		}
	}
	for _, rec := range list {
		rec.Bot = nil
		rec.Steps = slices.DeleteFunc(rec.Steps, func(s exchange.RecordStep) bool { return s.Guard == "limit.bot" })
	}
	if d := replayed(t, g, list, bases, "mode: enforce", "mode: enforce\n    bots: { suspected: deny }")["nobody"]; d.Change != Undecidable || d.Guard != "limit.bot" {
		t.Errorf("%+v", d)
	}
}

// Limits are counted by the time of the records.
func TestReplayCountsRates(t *testing.T) {
	g, list := recordedTraffic(t, decideAPI)
	got := replayed(t, g, list, basesOf(t, g, func(map[string]string) {}), "rate: { limit: 10000, per: 1h, by: client }", "rate: { limit: 5, per: 1h, by: client }")
	var would []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name].Would == exchange.RateExceeded.Code {
			would = append(would, name)
		}
	}
	if len(would) < 15 || slices.Contains(would, "plain") {
		t.Errorf("refused by the rate: %q", would)
	}
}

func BenchmarkDecide(b *testing.B) {
	g, list := recordedTraffic(b, decideAPI)
	c, src, _ := config.Load("sallyport.yaml")
	for name, change := range map[string]func(map[string]string){
		"same": func(map[string]string) {},
		"anew": func(prints map[string]string) {
			for _, family := range []string{"identity", "policy.operation", "limit", "inspect"} {
				prints[family] = "another"
			}
		},
	} {
		r, problems := NewReplay(c, src, &Parts{Inspectors: compiledRules, Providers: func(list []config.Identity) (*identity.Providers, error) {
			return identity.New(list, nil, identity.Options{})
		}}, list[0].Time, basesOf(b, g, change))
		if r == nil {
			b.Fatal(problems)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Decide(list[i%len(list)])
			}
		})
	}
}

// Where bans or overload have other settings, what they refused is undecidable, and it is told of how many exchanges nothing is said.
func TestReplaySaysWhatOtherBansAndOverloadWouldDo(t *testing.T) {
	g, list := recordedTraffic(t, decideAPI)
	for i, reason := range []*exchange.Reason{exchange.Banned, exchange.Overloaded} {
		refused := *list[i]
		refused.Refused, refused.Guard, refused.Code, refused.Status = true, "limit.admit", reason.Code, reason.Status
		refused.Steps = []exchange.RecordStep{{Guard: "limit.admit", Mode: config.Enforce, Code: reason.Code}}
		list[i] = &refused
	}
	bases := map[string]*Basis{list[0].Basis: g.current.Load().Basis()}
	weighed := func(abuse string) (undecidable, unweighed int) {
		s := NewSummary()
		decisions := replayed(t, g, list[:4], bases, "apis:", abuse+"\napis:")
		for i, rec := range list[:4] {
			d := decisions[nameOf(i)]
			if s.Add(rec, d); d.Change == Undecidable {
				undecidable++
			}
		}
		return undecidable, s.Unweighed
	}
	for abuse, want := range map[string][2]int{"": {0, 0}, "abuse: { bans: { tarpit: 10s } }": {0, 0}, "abuse: { bans: { after: 7 } }": {2, 4}, "abuse: { overload: { queue: 1s } }": {2, 4}} {
		if undecidable, unweighed := weighed(abuse); undecidable != want[0] || unweighed != want[1] {
			t.Errorf("%q: %d undecidable, %d unweighed, want %v", abuse, undecidable, unweighed, want)
		}
	}
}
