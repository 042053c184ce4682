package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
)

func TestWhichFilesReload(t *testing.T) {
	v := &service{origin: "etc/gate.conf", gateway: gateway.New(&gateway.Parts{}), config: &config.Config{
		APIs:     []config.API{{Spec: "spec/shop.oas"}},
		Identity: []config.Identity{{JWT: &config.JWT{JWKS: "file:etc/keys.jwks"}}, {APIKey: &config.APIKey{}}},
		Listen:   []config.Listener{{TLS: &config.TLS{Cert: "tls/cert.pem", Key: "tls/key.pem"}}, {}},
		Log:      config.Log{Access: "etc/access.json"},
	}}
	for name, want := range map[string]bool{
		"./etc/gate.conf":     true,
		"spec/shop.oas":       true,
		"etc/keys.jwks":       true,
		"tls/key.pem":         true,
		"etc/..data":          true, // Kubernetes swaps it
		"spec/schemas.yaml":   true, // a spec may refer to it
		"spec/readme.txt":     false,
		"etc/.gate.conf.swp":  false,
		"etc/access.json":     false, // our own log would reload for ever
		"./etc/./access.json": false,
	} {
		if got := v.concerns(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What is written between reading the files and watching their folders is not lost.
func TestChangeBeforeWatching(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	written := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, written, written); err != nil {
		t.Fatal(err)
	}
	v := &service{gateway: gateway.New(&gateway.Parts{}), origin: file, config: &config.Config{APIs: []config.API{{Spec: "gone.yaml"}}}}
	if !v.changedSince(written.Add(-time.Minute)) {
		t.Error("a change after the file was read is not seen")
	}
	if v.changedSince(written.Add(time.Minute)) {
		t.Error("a file that was read as it is would be read again")
	}
}
