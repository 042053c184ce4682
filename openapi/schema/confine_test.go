package schema

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
)

// Whatever passes as a format has the pattern that is said of it: texts that pass, changed at random until they do again.
func TestFormatPatterns(t *testing.T) {
	seeds := map[string][]string{
		"date":      {"2024-02-29", "0000-01-01", "9999-12-31"},
		"time":      {"10:20:30Z", "23:59:60z", "00:00:00.123456+14:00", "12:00:00-00:30"},
		"date-time": {"2026-05-04T10:20:30Z", "1998-12-31t23:59:60.9-00:00"},
		"uuid":      {"3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3F2504E0-4F89-41D3-9A0C-0305E82C3301"},
		"ipv4":      {"127.0.0.1", "255.255.255.255"},
		"int64":     {"-9223372036854775808", "0", "42"},
		"uint64":    {"18446744073709551615", "0"},
	}
	const marks = "0123456789abcdefABCDEFTtZz+-:. {}_\n\u0660"
	random := rand.New(rand.NewPCG(1, 2))
	for name, pattern := range formatPatterns {
		passes, re, passed := textFormats[name], regexp.MustCompile(pattern), 0
		for range 300_000 {
			text := []byte(seeds[name][random.IntN(len(seeds[name]))])
			for range random.IntN(4) {
				at := random.IntN(len(text) + 1)
				switch c := marks[random.IntN(len(marks))]; random.IntN(3) {
				case 0:
					text = slices.Insert(text, at, c)
				case 1:
					if at < len(text) {
						text[at] = c
					}
				case 2:
					if at < len(text) {
						text = slices.Delete(text, at, at+1)
					}
				}
			}
			if !passes(string(text)) {
				continue
			}
			if passed++; !re.Match(text) {
				t.Fatalf("%q passes as %s, and has not the pattern %s", text, name, pattern)
			}
		}
		if passed < 10_000 {
			t.Errorf("%s: only %d texts passed", name, passed)
		}
	}
}

// What is certain is what references and allOf demand; alternatives and conditions are not.
func TestConfinement(t *testing.T) {
	_, s := compileIn(t, Draft2020, `{
		"$defs": {"id": {"type": "string", "format": "uuid"}, "tree": {"properties": {"id": {"$ref": "#/$defs/id"}, "below": {"items": {"$ref": "#/$defs/tree"}}}}},
		"allOf": [{"properties": {"state": {"enum": ["on", "off", 3]}}}],
		"properties": {"sku": {"pattern": "^[A-Z]{3}$"}, "note": {"type": "string"}, "tree": {"$ref": "#/$defs/tree"},
			"either": {"anyOf": [{"pattern": "^a$"}, {"pattern": "^b$"}]}, "pair": {"prefixItems": [{"const": "x"}], "items": {"const": "y"}}},
		"if": {"properties": {"note": {"const": "x"}}}, "then": {"properties": {"note": {"maxLength": 1}}}
	}`)
	c := s.Confinement()
	m := c.Members
	if got := m["state"].Enum; !slices.Equal(got, []string{"on", "off"}) {
		t.Errorf("state: %q", got)
	}
	if got := m["sku"].Patterns; !slices.Equal(got, []string{`^[A-Z]{3}\z`}) {
		t.Errorf("sku: %q", got)
	}
	for _, name := range []string{"note", "either"} {
		if n := m[name]; n.Enum != nil || n.Patterns != nil {
			t.Errorf("%s is said to be confined: %+v", name, n)
		}
	}
	if m["pair"].Elements != nil {
		t.Error("the elements behind prefixItems are not all")
	}
	deep := m["tree"].Members["below"].Elements.Members["below"].Elements.Members["id"]
	if !slices.Equal(deep.Patterns, []string{formatPatterns["uuid"]}) {
		t.Errorf("the id of a tree: %+v", deep)
	}
	_, open := compileIn(t, Draft2020, `{"properties": {"note": {"type": "string"}}}`)
	if c := open.Confinement(); c != nil {
		t.Errorf("nothing is certain: %+v", c)
	}
}
