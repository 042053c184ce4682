package openapi

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// OpenAPI 3.2 lets a requirement name its scheme by a URI reference; a component of that name comes first.
func TestSchemesByURI(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("schemes.yaml", "key: { type: apiKey, in: header, name: X-Key }\nno: { type: none }\n")
	write("named", "{ type: http, scheme: bearer }")
	for name, c := range map[string]struct {
		version, scheme string
		want            string // its type; "" for an error
	}{
		"in another file":   {"3.2.0", "schemes.yaml#/key", "apiKey"},
		"in this file":      {"3.2.0", "#/components/securitySchemes/named", "oauth2"},
		"a component":       {"3.2.0", "named", "oauth2"},
		"a file of its own": {"3.2.0", "./named", "http"},
		"nothing there":     {"3.2.0", "schemes.yaml#/other", ""},
		"no file":           {"3.2.0", "./other.yaml", ""},
		"no scheme":         {"3.2.0", "schemes.yaml#/no", ""},
		"remote":            {"3.2.0", "https://example.com/schemes.yaml#/key", ""},
		"before 3.2":        {"3.1.0", "schemes.yaml#/key", ""},
	} {
		file := write("root.yaml", "openapi: "+c.version+"\ninfo: { title: t, version: \"1\" }\nsecurity: [ { \""+c.scheme+"\": [] } ]\npaths: { /a: { get: {} } }\n"+
			"components: { securitySchemes: { named: { type: oauth2, flows: {} } } }\n")
		d, problems := Load(file, Options{})
		if c.want == "" {
			if d != nil || !slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Rule == "spec.unknown_scheme" || p.Rule == "spec.scheme" }) {
				t.Errorf("%s: %v", name, problems)
			}
			continue
		}
		if d == nil || d.Schemes[c.scheme] == nil || d.Schemes[c.scheme].Type != c.want || d.Operations[0].Security[0].Schemes[0].Name != c.scheme {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
