package listen

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// keyPair writes a self-signed certificate with the names.
func keyPair(t *testing.T, key crypto.Signer, names ...string) config.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := config.Certificate{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for name, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// secured serves TLS on loopback until the test ends.
func secured(t *testing.T, l config.Listener, o Options, h http.Handler) *Server {
	t.Helper()
	l.Address = "127.0.0.1:0"
	s, err := New(l, h, o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		s.Shutdown(context.Background())
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func handshake(s *Server, c *tls.Config) (tls.ConnectionState, error) {
	c.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", s.Addr().String(), c)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.ConnectionState(), nil
}

// A client is shown the first certificate that has its name and that it can use.
func TestCertificateByName(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	first, wild, exact := keyPair(t, ecKey(t), "first.example"), keyPair(t, ecKey(t), "*.shop.example"), keyPair(t, ecKey(t), "a.shop.example")
	old := keyPair(t, rsaKey, "Old.a.shop.example", "a.shop.example")
	s := secured(t, config.Listener{TLS: &config.TLS{Cert: first.Cert, Key: first.Key, Certificates: []config.Certificate{wild, exact, old}}}, Options{}, http.NotFoundHandler())
	rsaOnly := &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	for _, c := range []struct {
		name, want string
		config     *tls.Config
	}{
		{"first.example", "first.example", &tls.Config{}},
		{"a.shop.example", "a.shop.example", &tls.Config{}},
		{"A.Shop.Example", "a.shop.example", &tls.Config{}},
		{"b.shop.example", "*.shop.example", &tls.Config{}},
		{"c.b.shop.example", "first.example", &tls.Config{}}, // a wildcard is one label
		{"shop.example", "first.example", &tls.Config{}},
		{"unknown.example", "first.example", &tls.Config{}},
		{"", "first.example", &tls.Config{}},
		{"old.a.shop.example", "Old.a.shop.example", &tls.Config{}},
		{"a.shop.example", "Old.a.shop.example", rsaOnly},
	} {
		c.config.ServerName = c.name
		st, err := handshake(s, c.config.Clone())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := st.PeerCertificates[0].Subject.CommonName; got != c.want {
			t.Errorf("%s: got the certificate of %s, want %s", c.name, got, c.want)
		}
	}
}

// Names under which nothing is served end in unrecognized_name, before a certificate tells what there is.
func TestUnservedNames(t *testing.T) {
	pair := keyPair(t, ecKey(t), "shop.example")
	served := func(name string) bool { return name == "shop.example" }
	host := func(name string) (bool, *Demand) { return served(name), nil }
	strict := secured(t, config.Listener{TLS: &config.TLS{Cert: pair.Cert, Key: pair.Key}}, Options{Host: host}, http.NotFoundHandler())
	loose := secured(t, config.Listener{TLS: &config.TLS{Cert: pair.Cert, Key: pair.Key, Names: "any"}}, Options{Host: host}, http.NotFoundHandler())
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, name := range []string{"shop.example", "other.example", ""} {
			_, err := handshake(strict, &tls.Config{ServerName: name, MaxVersion: version})
			if served(name) && err != nil || !served(name) && (err == nil || !strings.Contains(err.Error(), "unrecognized name")) {
				t.Errorf("%q in %x: %v", name, version, err)
			}
			if _, err := handshake(loose, &tls.Config{ServerName: name, MaxVersion: version}); err != nil {
				t.Errorf("names: any, %q in %x: %v", name, version, err)
			}
		}
	}
}

// Plain HTTP on a TLS port is told so, also where more has come than anybody reads.
func TestPlainHTTPOnTLS(t *testing.T) {
	files := writeCert(t, t.TempDir(), 1)
	s := secured(t, config.Listener{TLS: &files}, Options{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	for name, request := range map[string]string{
		"whole":   "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"large":   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("a", 40000),
		"second":  "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"LF":      "GET / HTTP/1.1\n\n",
		"preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		got := raw(t, s, request)
		if !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\n") || !strings.Contains(got, `"code":"protocol.plain"`) || !strings.Contains(got, "Connection: close") || !strings.Contains(got, "application/problem+json") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := raw(t, s, "\x00garbage"); strings.Contains(got, "HTTP") {
		t.Errorf("what is not HTTP got %q", got)
	}
}

// Sessions are resumed while a ticket's key is kept, which is a week, though a new key is used every day.
func TestTicketsRotate(t *testing.T) {
	pair := keyPair(t, ecKey(t), "a.example")
	s, err := newSecurity(config.TLS{Cert: pair.Cert, Key: pair.Key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.base.Time = func() time.Time { return now }
	socket, err := tls.Listen("tcp", "127.0.0.1:0", s.base)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for conn, err := socket.Accept(); err == nil; conn, err = socket.Accept() {
			io.WriteString(conn, "x") // behind the ticket
			conn.Close()
		}
	})
	defer served.Wait()
	defer socket.Close()
	resumed := func(c *tls.Config) bool {
		conn, err := tls.Dial("tcp", socket.Addr().String(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().DidResume
	}
	fresh := func() *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, ServerName: "a.example", ClientSessionCache: tls.NewLRUClientSessionCache(1), Time: func() time.Time { return now }}
	}
	first := fresh()
	if resumed(first) {
		t.Fatal("resumed what was never begun")
	}
	if !resumed(first) {
		t.Error("not resumed at once")
	}
	stolen := keys(t, s)
	now = now.Add(25 * time.Hour)
	if !resumed(first) {
		t.Error("not resumed after a day")
	}
	if got := keys(t, s); len(got) < 2 || got[0] == stolen[0] || got[1] != stolen[0] {
		t.Errorf("the key of yesterday seals the tickets of today: %d keys", len(got))
	}
	now = now.Add(7 * 24 * time.Hour)
	resumed(fresh())
	if slices.Contains(keys(t, s), stolen[0]) {
		t.Error("a key is kept for longer than a week")
	}
}

// keys are fingerprints of the ticket keys in force, newest first, as crypto/tls would print them.
func keys(t *testing.T, s *security) []string {
	t.Helper()
	text := fmt.Sprintf("%x", autoKeys(s.base))
	if text == "" || text == "[]" {
		t.Fatal("crypto/tls rotates no keys")
	}
	return strings.Split(strings.Trim(text, "[]"), " ")
}

// autoKeys reads the secret part of the keys that crypto/tls made for itself: there is no other way to see them change.
func autoKeys(c *tls.Config) [][]byte {
	list := reflect.ValueOf(c).Elem().FieldByName("autoSessionTicketKeys")
	var out [][]byte
	for i := range list.Len() {
		key := list.Index(i).FieldByName("aesKey")
		var b []byte
		for j := range key.Len() {
			b = append(b, byte(key.Index(j).Uint()))
		}
		out = append(out, b)
	}
	return out
}

func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
