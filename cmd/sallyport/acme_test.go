package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit"
)

const acmeConfig = `
version: 1
listen: [ { address: %q, tls: { acme: { domains: [shop.example.org], ca: %q, ca_root: %q, external_account: { id: kid-1, key: "${ACME_KEY}" } } } } ]
admin: { address: %q }
store: { path: data }
log: { access: "off" }
apis: [ { name: shop, spec: openapi.yaml, upstream: %q, hosts: [shop.example.org], modes: { identity: off } } ]
`

// The binary obtains its certificate from an authority that knows its customers, serves with it, tells when it expires, and uses
// it again after a restart.
func TestRunWithACME(t *testing.T) {
	t.Parallel()
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = testkit.FindAddress(); err != nil {
			t.Fatal(err)
		}
	}
	key := testkit.Encode([]byte("a key that the authority has handed out"))
	port, _ := strconv.Atoi(addresses[0][strings.LastIndexByte(addresses[0], ':')+1:]) // of an address that was bound
	authority := testkit.NewPebble(t, 1, port, map[string]any{"externalAccountBindingRequired": true, "externalAccountMACKeys": map[string]string{"kid-1": key}})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "shop")
	}))
	defer upstream.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"openapi.yaml": edgeSpec,
		"sallyport.yaml": fmt.Sprintf(acmeConfig, addresses[0], authority.Directory, authority.Root, addresses[1], upstream.URL)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := served(t, dir, key, authority, addresses)
	if again := served(t, dir, key, authority, addresses); again != first {
		t.Error("the certificate was obtained again, though it is kept")
	}
}

// served runs the binary until a client that trusts the authority alone is answered, and returns the certificate's serial number.
func served(t *testing.T, dir, key string, authority *testkit.Pebble, addresses [2]string) (serial string) {
	t.Helper()
	log := &counting{}
	cmd := exec.Command("sallyport", "run", "--config", "sallyport.yaml", "--drain-timeout", "5s")
	cmd.Dir, cmd.Stderr, cmd.Stdout, cmd.Env = dir, log, io.Discard, append(os.Environ(), "ACME_KEY="+key)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the gateway ended with %v: %s", err, log.tail())
		}
	}()
	tr := &http.Transport{TLSClientConfig: &tls.Config{ServerName: "shop.example.org", RootCAs: authority.Issued}}
	defer tr.CloseIdleConnections()
	await(t, "an answer by TLS: "+log.tail(), func() bool {
		r, _ := http.NewRequest(http.MethodGet, "https://"+addresses[0]+"/", nil)
		r.Host = "shop.example.org"
		resp, err := tr.RoundTrip(r)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		serial = resp.TLS.PeerCertificates[0].SerialNumber.String()
		return resp.StatusCode == http.StatusOK
	})
	resp, err := http.Get("http://" + addresses[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), `sallyport_tls_certificate_expiry_timestamp_seconds{`) || !strings.Contains(string(text), "shop.example.org") {
		t.Error("no metric tells when the certificate expires")
	}
	return serial
}
