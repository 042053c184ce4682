package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// A config means the same wherever it is loaded from.
func TestRelativePaths(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sallyport.yaml")
	text := `version: 1
listen: [ { address: "127.0.0.1:8443", tls: { cert: tls/cert.pem, key: /etc/key.pem } } ]
admin: { token: "file:token" }
log: { access: access.log }
identity:
  - name: corp
    jwt: { issuer: "https://idp.example/", jwks: "file:jwks.json", audience: [ shop ] }
  - name: other
    jwt: { issuer: "https://other.example/", jwks: "https://other.example/jwks.json", audience: [ shop ] }
apis:
  - { name: shop, spec: ./openapi.yaml, upstream: { targets: [ "https://127.0.0.1:9000" ], ca: ../ca.pem }, security: { a: corp, b: other } }
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, problems := config.Load(file)
	if c == nil {
		t.Fatal(problems)
	}
	for _, p := range []struct{ got, want string }{
		{c.Listen[0].TLS.Cert, filepath.Join(dir, "tls/cert.pem")},
		{c.Listen[0].TLS.Key, "/etc/key.pem"},
		{c.Admin.Token, "file:" + filepath.Join(dir, "token")},
		{c.Store.Path, filepath.Join(dir, "data")},
		{c.Log.Access, filepath.Join(dir, "access.log")},
		{c.Identity[0].JWT.JWKS, "file:" + filepath.Join(dir, "jwks.json")},
		{c.Identity[1].JWT.JWKS, "https://other.example/jwks.json"},
		{c.APIs[0].Spec, filepath.Join(dir, "openapi.yaml")},
		{c.APIs[0].Upstream.CA, filepath.Join(filepath.Dir(dir), "ca.pem")},
		{c.APIs[0].Upstream.Cert, ""},
	} {
		if p.got != p.want {
			t.Errorf("%q, want %q", p.got, p.want)
		}
	}
}
