package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// obtained waits until a client that trusts the authority's root gets through.
func obtained(t *testing.T, s *Server, name string, issued *x509.CertPool) *x509.Certificate {
	t.Helper()
	var last error
	for range 1200 {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{ServerName: name, RootCAs: issued, NextProtos: []string{"h2"}})
		if err == nil {
			defer conn.Close()
			return conn.ConnectionState().PeerCertificates[0]
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s has no certificate: %v", name, last)
	return nil
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port
}

// Certificates are obtained by TLS-ALPN-01 on the listener itself, kept, and used again by the next process.
func TestACME(t *testing.T) {
	address := freePort(t)
	authority := testkit.NewPebble(t, 1, portOf(t, address), nil)
	folder := t.TempDir()
	own := serverFiles(t, "own.example")
	run := func() (*Server, func()) {
		files := own
		files.ACME = &config.ACME{Domains: []string{"a.example.org", "b.example.org"}, Email: "ops@example.org", CA: authority.Directory, CARoot: authority.Root}
		s, err := New(config.Listener{Address: address, TLS: &files}, clientOf, Options{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- s.Serve() }()
		return s, func() { s.Shutdown(context.Background()); <-done }
	}
	s, stop := run()
	first := obtained(t, s, "a.example.org", authority.Issued)
	obtained(t, s, "b.example.org", authority.Issued)
	if st, err := handshake(s, &tls.Config{ServerName: "own.example"}); err != nil || st.PeerCertificates[0].DNSNames[0] != "own.example" {
		t.Errorf("the certificate of a file: %v", err)
	}
	if _, err := handshake(s, &tls.Config{ServerName: "other.example.org"}); err == nil {
		t.Error("a name without a certificate was answered")
	}
	if _, err := handshake(s, &tls.Config{ServerName: "a.example.org", NextProtos: []string{challengeProtocol}}); err == nil {
		t.Error("a challenge that nobody has set was answered")
	}
	if got := fmt.Sprint(s.Certificates()); !strings.Contains(got, "{a.example.org "+first.NotAfter.UTC().Format("2006-01-02")) || !strings.Contains(got, "b.example.org") {
		t.Errorf("expiry: %s", got)
	}
	stop()
	s, stop = run()
	defer stop()
	if again := obtained(t, s, "a.example.org", authority.Issued); !again.Equal(first) {
		t.Error("it was obtained again, though it is kept")
	}
}

// HTTP-01 is answered by a listener without TLS.
func TestACMEByHTTP(t *testing.T) {
	plainAt := freePort(t)
	authority := testkit.NewPebble(t, portOf(t, plainAt), 1, nil) // nobody listens on port 1: TLS-ALPN-01 must fail
	files := config.TLS{ACME: &config.ACME{Domains: []string{"c.example.org"}, CA: authority.Directory, CARoot: authority.Root}}
	secure := secured(t, config.Listener{TLS: &files}, Options{Folder: t.TempDir(), HTTPPort: portOf(t, plainAt)}, clientOf)
	plain, err := New(config.Listener{Address: plainAt}, secure.Challenges(clientOf), Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- plain.Serve() }()
	defer func() { plain.Shutdown(context.Background()); <-done }()
	obtained(t, secure, "c.example.org", authority.Issued)
	if got := raw(t, plain, "GET /.well-known/acme-challenge/unknown HTTP/1.1\r\nHost: c.example.org\r\nConnection: close\r\n\r\n"); !strings.Contains(got, "from 127.0.0.1") {
		t.Errorf("what is no challenge did not reach the handler: %q", got)
	}
}

func TestACMERefuses(t *testing.T) {
	for _, root := range []string{filepath.Join(t.TempDir(), "none.pem"), testkit.WriteFile(t, "root.pem", []byte("nothing"))} {
		_, err := New(config.Listener{Address: "127.0.0.1:0", TLS: &config.TLS{ACME: &config.ACME{Domains: []string{"a.example.org"}, CARoot: root}}}, clientOf, Options{Folder: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "ca_root") {
			t.Errorf("%s: %v", root, err)
		}
	}
}
