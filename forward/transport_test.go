package forward

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/config"
)

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Only the pinned authority counts; the client certificate is shown; HTTP/2 is negotiated; path and query stay as they are.
func TestTLSUpstream(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+r.RequestURI)
		if len(r.TLS.PeerCertificates) == 1 {
			io.WriteString(w, " with certificate")
		}
	}))
	srv.EnableHTTP2 = true
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	defer srv.Close()
	ca := writePEM(t, "ca.pem", "CERTIFICATE", srv.Certificate().Raw)
	key, err := x509.MarshalPKCS8PrivateKey(srv.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	out := &Request{Method: "GET", Path: "/a%2Fb//", RawQuery: "q=%2F", Host: "example.com"}

	u := startUpstream(t, config.Upstream{CA: ca, Cert: ca, Key: writePEM(t, "key.pem", "PRIVATE KEY", key)}, srv.URL)
	if _, body, err := fetch(u, out); err != nil || body != "HTTP/2.0 /a%2Fb//?q=%2F with certificate" {
		t.Errorf("pinned: %v %q", err, body)
	}
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	if _, _, err := fetch(startUpstream(t, config.Upstream{CA: ca}, "https://localhost:"+port), out); kindOf(err) != Unreachable {
		t.Errorf("pinned, but for another name: %v", err)
	}
	if _, _, err := fetch(startUpstream(t, config.Upstream{}, srv.URL), out); kindOf(err) != Unreachable {
		t.Errorf("the system's authorities vouch for a test server: %v", err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	if _, _, err := fetch(startUpstream(t, config.Upstream{}, "https"+plain.URL[4:]), out); kindOf(err) != Unreachable {
		t.Errorf("no TLS at all: %v", err)
	}
}

// A certificate that was replaced in its file makes another upstream.
func TestPoolRotation(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	ca := writePEM(t, "ca.pem", "CERTIFICATE", srv.Certificate().Raw)
	pool := NewPool()
	defer pool.Close()
	settings := config.Upstream{Targets: []string{srv.URL}, CA: ca}
	a, err := pool.Upstream(settings)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca, append(data, data...), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := pool.Upstream(settings); err != nil || a == b {
		t.Errorf("%v: the old certificate stays in use", err)
	}
}

// No environment variable sends requests elsewhere, and nothing is asked for or decoded behind the caller's back.
func TestTransport(t *testing.T) {
	u := startUpstream(t, config.Upstream{}, "https://192.0.2.1")
	for _, c := range []config.Upstream{{}, {H2C: true}} {
		if tr := startUpstream(t, c, "https://192.0.2.1").targets[0].conns.http2; tr.Proxy != nil || !tr.DisableCompression {
			t.Errorf("%+v", tr)
		}
	}
	if s := u.targets[0].conns.secure; s.InsecureSkipVerify || s.MinVersion < tls.VersionTLS12 {
		t.Errorf("%+v", s)
	}
}
