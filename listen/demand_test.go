package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// shows answers with how many certificates the client has shown, and whether its session was resumed.
var shows = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%d certificates, resumed %v", len(r.TLS.PeerCertificates), r.TLS.DidResume)
})

// visit asks once on a new connection; errors of the handshake come with the first answer, as TLS 1.3 has it.
func visit(s *Server, c *tls.Config) string {
	c.InsecureSkipVerify = true
	tr := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get("https://" + s.Addr().String())
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return alert(s, c)
	}
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// alert is what ends a connection on which nothing is sent: in TLS 1.3 a request may be on its way before the server has
// objected to the certificate, and then its alert is lost.
func alert(s *Server, c *tls.Config) string {
	conn, err := tls.Dial("tcp", s.Addr().String(), c)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err = conn.Read(make([]byte, 1)); err == nil {
		return "an answer without a request"
	}
	return err.Error()
}

func serverFiles(t *testing.T, names ...string) config.TLS {
	t.Helper()
	c := testkit.NewAuthority(t, "servers").Server(names...)
	return config.TLS{Cert: testkit.WriteFile(t, "cert.pem", testkit.CertPEM(c.Leaf)), Key: testkit.WriteFile(t, "key.pem", testkit.KeyPEM(t, c))}
}

// What a listener demands holds for every name, but for those that have a demand of their own.
func TestClientCertificates(t *testing.T) {
	root, other := testkit.NewAuthority(t, "root"), testkit.NewAuthority(t, "other")
	file := func(a *testkit.Authority) []string {
		return []string{testkit.WriteFile(t, "ca.pem", testkit.CertPEM(a.Cert))}
	}
	demand := func(c config.Clients) *Demand {
		d, err := NewDemand(&c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	bad := root.Client("bad")
	crl := []string{testkit.WriteFile(t, "list.crl", root.Revoke(time.Hour, []tls.Certificate{bad}))}
	hosts := map[string]*Demand{
		"optional.example": demand(config.Clients{Mode: "optional", CA: file(other)}),
		"any.example":      demand(config.Clients{CA: nil}),
		"binding.example":  demand(config.Clients{Mode: "optional"}),
	}
	files := serverFiles(t)
	files.Clients = &config.Clients{CA: file(root), CRL: crl}
	s := secured(t, config.Listener{TLS: &files}, Options{Host: func(name string) (bool, *Demand) { return true, hosts[name] }}, shows)
	good, foreign := root.Client("good"), other.Client("foreign")
	for _, c := range []struct {
		name string
		cert *tls.Certificate
		want string
	}{
		{"a.example", &good, "1 cert"}, {"a.example", nil, "certificate required"}, {"a.example", &foreign, "bad certificate"}, {"a.example", &bad, "bad certificate"},
		{"", &good, "1 cert"}, {"", nil, "certificate required"},
		{"optional.example", nil, "0 cert"}, {"optional.example", &foreign, "1 cert"}, {"optional.example", &good, "bad certificate"},
		{"any.example", nil, "certificate required"}, {"any.example", &bad, "1 cert"},
		{"binding.example", nil, "0 cert"}, {"binding.example", &foreign, "1 cert"},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			conf := &tls.Config{ServerName: c.name, MinVersion: version, MaxVersion: version}
			if c.cert != nil { // whatever the server names as its authorities
				conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.cert, nil }
			}
			want := c.want
			if version == tls.VersionTLS12 && want == "certificate required" {
				want = "handshake failure" // TLS 1.2 has no alert of that name
			}
			if got := visit(s, conf); !strings.Contains(got, want) {
				t.Errorf("%q in %x: %s, want %s", c.name, version, got, c.want)
			}
		}
	}
}

// A session is not resumed past a revocation, nor into a name with another demand.
func TestResumedSessionIsJudgedAgain(t *testing.T) {
	root := testkit.NewAuthority(t, "root")
	alice := root.Client("alice")
	crl := testkit.WriteFile(t, "list.crl", root.Revoke(time.Hour, nil))
	files := serverFiles(t)
	files.Clients = &config.Clients{CA: []string{testkit.WriteFile(t, "ca.pem", testkit.CertPEM(root.Cert))}, CRL: []string{crl}}
	s := secured(t, config.Listener{TLS: &files}, Options{}, shows)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if err := os.WriteFile(crl, root.Revoke(time.Hour, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		conf := &tls.Config{ServerName: "a.example", Certificates: []tls.Certificate{alice}, ClientSessionCache: tls.NewLRUClientSessionCache(4), MinVersion: version, MaxVersion: version}
		if got := visit(s, conf); got != "1 certificates, resumed false" {
			t.Fatal(got)
		}
		if got := visit(s, conf); got != "1 certificates, resumed true" {
			t.Errorf("%x: %s", version, got)
		}
		if err := os.WriteFile(crl, root.Revoke(time.Hour, []tls.Certificate{alice}), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		if got := visit(s, conf); !strings.Contains(got, "bad certificate") {
			t.Errorf("%x, revoked: %s", version, got)
		}
	}
}

// Without its authorities a listener does not start, and does not change.
func TestClientCertificatesFailClosed(t *testing.T) {
	root := testkit.NewAuthority(t, "root")
	ca := testkit.WriteFile(t, "ca.pem", testkit.CertPEM(root.Cert))
	files := serverFiles(t)
	files.Clients = &config.Clients{CA: []string{ca}}
	s := secured(t, config.Listener{TLS: &files}, Options{}, shows)
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil {
		t.Error("the missing authority was not told")
	}
	if got := visit(s, &tls.Config{}); !strings.Contains(got, "certificate required") {
		t.Errorf("without the file: %s", got)
	}
	if _, err := New(config.Listener{Address: "127.0.0.1:0", TLS: &files}, shows, Options{}); err == nil || !strings.Contains(err.Error(), "ca.pem") {
		t.Errorf("started: %v", err)
	}
}
