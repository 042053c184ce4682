package encode

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/exchange"
)

// What each encoding makes of each kind of item, for people to read, as it leaves by default.
func TestGolden(t *testing.T) {
	for _, name := range []string{"ocsf", "ecs", "cef", "json"} {
		var b bytes.Buffer
		for _, what := range slices.Sorted(maps.Keys(cases())) {
			e, err := New(name)
			if err != nil {
				t.Fatal(err)
			}
			line := masked(t, nil, nil).Before(e)(nil, cases()[what])
			b.WriteString("-- " + what + "\n")
			if name == "cef" {
				b.Write(line)
			} else if err := json.Indent(&b, line, "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteString("\n")
		}
		path := filepath.Join("testdata", "golden", name+".txt")
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s is not what is written now (%v): make golden", path, err)
		}
	}
}

// Whatever a client sent, an item is one line of valid UTF-8.
func TestOneLine(t *testing.T) {
	for _, name := range []string{"ocsf", "ecs", "cef", "json"} {
		for what, i := range cases() {
			line := encoded(t, name, i)
			if bytes.ContainsAny(line, "\r\n\x00") || !utf8.Valid(line) {
				t.Errorf("%s of %s: %q", name, what, line)
			}
		}
	}
}

// Every kind of event has an encoding, and every reason.
func TestEveryKindAndReason(t *testing.T) {
	for _, k := range exchange.Kinds() {
		valid(t, Item{Event: happened(k, "cli", "x", "")})
	}
	for _, reason := range exchange.Catalogue() {
		guard, _, _ := strings.Cut(reason.Code, ".")
		valid(t, Item{Record: refused(reason, guard, nil)})
	}
}

func TestUnknownEncoding(t *testing.T) {
	if _, err := New("leef"); err == nil {
		t.Error("it is known")
	}
}

// By default nothing personal leaves as it is, in no encoding; the same value leaves as the same pseudonym.
func TestMask(t *testing.T) {
	secrets := []string{"192.0.2.7", "10.0.0.1", "curl/8.5.0", "t13d1516h2", "4711", `ada"`, "grace", "limit=10"}
	for _, name := range []string{"ocsf", "ecs", "cef", "json"} {
		e, err := New(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, i := range cases() {
			line := masked(t, nil, nil).Before(e)(nil, i)
			for _, s := range secrets {
				if bytes.Contains(line, []byte(s)) {
					t.Errorf("%s of %s shows %s: %s", name, what, s, line)
				}
			}
		}
	}
	m := masked(t, nil, nil)
	a, b := m.record(sample(nil)), m.record(sample(nil))
	if a.Client != b.Client || a.Client == "" || a.Path != "/api/orders/"+m.pseudonyms.of("4711") || a.Query != "q=***&limit="+m.pseudonyms.of("10") || a.Principal.Subject != m.pseudonyms.of("ada") {
		t.Errorf("%+v %+v", a, a.Principal)
	}
	other, err := NewMask([]byte("another key"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.record(sample(nil)).Client == a.Client {
		t.Error("the key does not matter")
	}
	if r := sample(nil); r.Client != "192.0.2.7" || r.Principal.Subject != "ada" {
		t.Error("the record was changed")
	}
}

// A value keeps its pseudonym, remembered or not, and what is remembered is bounded.
func TestPseudonymsAreBounded(t *testing.T) {
	p := &masked(t, nil, nil).pseudonyms
	first := p.of("0")
	for n := range 5 * rememberedPseudonyms {
		if value := strconv.Itoa(n); p.of(value) != p.fresh(value) || p.of("0") != first {
			t.Fatal(value)
		}
	}
	if n := len(p.young) + len(p.old); n > 2*rememberedPseudonyms {
		t.Errorf("%d are remembered", n)
	}
}

// What is personal does not leave within sentences, either.
func TestMaskOfDetails(t *testing.T) {
	m := masked(t, nil, nil)
	r := m.record(sample(func(r *exchange.Record) {
		r.Detail, r.Steps = "GET /api/orders/4711 is not ada's", []exchange.RecordStep{{Guard: "policy.object", Detail: "4711 belongs to somebody else than ada at 192.0.2.7"}}
	}))
	for _, text := range []string{r.Detail, r.Steps[0].Detail} {
		for _, s := range []string{"4711", "ada", "192.0.2.7"} {
			if strings.Contains(text, s) {
				t.Errorf("%s shows %s", text, s)
			}
		}
	}
	if clear := masked(t, nil, []string{"path"}).record(sample(func(r *exchange.Record) { r.Detail = "GET /api/orders/4711" })); clear.Detail != "GET /api/orders/4711" {
		t.Error(clear.Detail)
	}
}

func TestMaskDropsAndClears(t *testing.T) {
	m := masked(t, []string{"user_agent", "host", "roles", "findings"}, []string{"client", "path"})
	r := m.record(cases()["attack"].Record)
	if r.UserAgent != "" || r.Host != "" || len(r.Principal.Roles) != 0 || r.Findings != nil || r.Client != "192.0.2.7" || r.Path != "/api/orders/4711" || r.Principal.Subject == "ada" {
		t.Errorf("%+v", r)
	}
	if _, err := NewMask(nil, []string{"everything"}, nil); err == nil {
		t.Error("an unknown field is dropped")
	}
	if _, err := NewMask(nil, nil, []string{"host"}); err == nil {
		t.Error("a field that is not personal is cleared")
	}
}

// A path without an operation that tells its values apart is one value.
func TestMaskOfPaths(t *testing.T) {
	m := masked(t, nil, nil)
	p := m.pseudonyms.fresh
	for _, c := range []struct{ operation, path, want string }{
		{"GET /orders/{id}", "/orders/7", "/orders/" + p("7")},
		{"GET /a/{x}/b/{y}.json", "/base/path/a/1/b/2.json", "/base/path/a/" + p("1") + "/b/" + p("2.json")},
		{"GET /", "/", "/"},
		{"", "/wp-admin", p("/wp-admin")},
		{"GET /a/{b}/c", "/odd", p("/odd")},
	} {
		if got := m.path(&exchange.Record{Operation: c.operation}, c.path); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.path, c.operation, got, c.want)
		}
	}
	if got := m.path(&exchange.Record{Operation: "GET /x", Undocumented: true}, "/x"); got != p("/x") {
		t.Error(got)
	}
}

func BenchmarkOCSF(b *testing.B) {
	e, err := New("ocsf")
	if err != nil {
		b.Fatal(err)
	}
	m, err := NewMask([]byte("key"), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	e = m.Before(e)
	i := Item{Record: sample(nil)}
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		text = e(text[:0], i)
	}
}
