package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

const pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"

// everywhere is a name server, by TCP, for which every name is this machine's.
func everywhere(t *testing.T) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go resolve(conn)
		}
	}()
	return socket.Addr().String()
}

// resolve answers the questions of a connection (RFC 1035 section 4.2.2), of which only those for IPv4 have an answer.
func resolve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(conn, question); err != nil || m.Unpack(question) != nil || len(m.Questions) == 0 {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		answer, err := m.Pack()
		if err != nil {
			return
		}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	}
}

// pebble is Let's Encrypt's ACME server for tests. It returns its directory, its root, and that of what it issues.
func pebble(t *testing.T, httpPort, tlsPort int) (directory, caRoot string, issued *x509.CertPool) {
	t.Helper()
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("builds an ACME server: SALLYPORT_ALL=1")
	}
	dir := t.TempDir()
	build := exec.Command("go", "install", pebbleModule)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("pebble cannot be built: %v\n%s", err, out)
	}
	root := testkit.NewAuthority(t, "pebble")
	own := root.Server()
	caRoot = testkit.WriteFile(t, "root.pem", testkit.CertPEM(root.Cert))
	at, management := freePort(t), freePort(t)
	conf, _ := json.Marshal(map[string]any{"pebble": map[string]any{"listenAddress": at, "managementListenAddress": management, "httpPort": httpPort, "tlsPort": tlsPort,
		"certificate": testkit.WriteFile(t, "cert.pem", testkit.CertPEM(own.Leaf)), "privateKey": testkit.WriteFile(t, "key.pem", testkit.KeyPEM(t, own))}})
	cmd := exec.Command(filepath.Join(dir, "pebble"), "-config", testkit.WriteFile(t, "pebble.json", conf), "-dnsserver", everywhere(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	pool := x509.NewCertPool()
	pool.AddCert(root.Cert)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	for range 400 {
		resp, err := (&http.Client{Transport: tr}).Get("https://" + management + "/roots/0")
		if err != nil {
			time.Sleep(25 * time.Millisecond)
			continue
		}
		pem, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		issued = x509.NewCertPool()
		issued.AppendCertsFromPEM(pem)
		return "https://" + at + "/dir", caRoot, issued
	}
	t.Fatal("pebble does not answer")
	return
}

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
	directory, caRoot, issued := pebble(t, 1, portOf(t, address))
	folder := t.TempDir()
	own := serverFiles(t, "own.example")
	run := func() (*Server, func()) {
		files := own
		files.ACME = &config.ACME{Domains: []string{"a.example.org", "b.example.org"}, Email: "ops@example.org", CA: directory, CARoot: caRoot}
		s, err := New(config.Listener{Address: address, TLS: &files}, clientOf, Options{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- s.Serve() }()
		return s, func() { s.Shutdown(context.Background()); <-done }
	}
	s, stop := run()
	first := obtained(t, s, "a.example.org", issued)
	obtained(t, s, "b.example.org", issued)
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
	if again := obtained(t, s, "a.example.org", issued); !again.Equal(first) {
		t.Error("it was obtained again, though it is kept")
	}
}

// HTTP-01 is answered by a listener without TLS.
func TestACMEByHTTP(t *testing.T) {
	plainAt := freePort(t)
	directory, caRoot, issued := pebble(t, portOf(t, plainAt), 1) // nobody listens on port 1: TLS-ALPN-01 must fail
	files := config.TLS{ACME: &config.ACME{Domains: []string{"c.example.org"}, CA: directory, CARoot: caRoot}}
	secure := secured(t, config.Listener{TLS: &files}, Options{Folder: t.TempDir(), HTTPPort: portOf(t, plainAt)}, clientOf)
	plain, err := New(config.Listener{Address: plainAt}, secure.Challenges(clientOf), Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- plain.Serve() }()
	defer func() { plain.Shutdown(context.Background()); <-done }()
	obtained(t, secure, "c.example.org", issued)
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
