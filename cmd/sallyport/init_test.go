package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// What init writes, check accepts, whatever security schemes the spec has.
func TestInitIsAccepted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		schemes, security string
		identities        string
	}{
		"none":        {"", "", ""},
		"bearer":      {"b: { type: http, scheme: bearer }", "b: []", "b"},
		"oauth2":      {"o: { type: oauth2, flows: { clientCredentials: { tokenUrl: https://idp.example/token, scopes: { read: r } } } }", "o: [read]", "o"},
		"two tokens":  {"b: { type: http, scheme: bearer }, c: { type: openIdConnect, openIdConnectUrl: https://idp.example/ }", "b: [] }, { c: []", "b"},
		"header key":  {"k: { type: apiKey, in: header, name: X-Key }", "k: []", "k"},
		"query key":   {"k: { type: apiKey, in: query, name: key }", "k: []", "k"},
		"cookie key":  {"k: { type: apiKey, in: cookie, name: session }", "k: []", "k"},
		"swagger's":   {"t: { type: apiKey, in: header, name: authorization }", "t: []", "t"},
		"key or jwt":  {"b: { type: http, scheme: bearer }, k: { type: apiKey, in: header, name: X-Key }", "b: [] }, { k: []", "b k"},
		"odd names":   {`"My.Key": { type: apiKey, in: header, name: X-Key }, "my.key": { type: apiKey, in: header, name: Y-Key }`, `"My.Key": [], "my.key": []`, "my-key my-key-"},
		"basic":       {"p: { type: http, scheme: basic }", "p: []", ""},
		"basic or it": {"p: { type: http, scheme: basic }, b: { type: http, scheme: bearer }", "p: [] }, { b: []", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spec, out := filepath.Join(dir, "openapi.yaml"), filepath.Join(dir, "deploy", "sallyport.yaml")
			if err := os.Mkdir(filepath.Dir(out), 0o700); err != nil {
				t.Fatal(err)
			}
			text := "openapi: 3.1.0\ninfo: { title: \"Shop: {of} \\n# everything\", version: \"1\" }\npaths:\n  /open: { get: { responses: { \"204\": { description: open } } } }\n"
			if tc.schemes != "" {
				text += "  /closed: { get: { security: [ { " + tc.security + " } ], responses: { \"204\": { description: closed } } } }\n" +
					"components: { securitySchemes: { " + tc.schemes + " } }\n"
			}
			if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			if code := run([]string{"init", "--spec", spec, "--out", out}, io.Discard, &said); code != 0 {
				t.Fatalf("init: %d %s", code, &said)
			}
			if code := run([]string{"check", "--config", out}, &said, &said); code != 0 {
				written, _ := os.ReadFile(out)
				t.Errorf("check: %d %s\n%s", code, &said, written)
			}
			c, _, problems := config.Load(out)
			if c == nil {
				t.Fatal(problems)
			}
			var names []string
			for _, id := range c.Identity {
				names = append(names, id.Name)
			}
			if got := strings.Join(names, " "); got != tc.identities {
				t.Errorf("identities %q, want %q", got, tc.identities)
			}
		})
	}
}
