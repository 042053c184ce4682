package forward

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// demanding is a service that takes nobody without a certificate of clients, and says who came.
func demanding(t *testing.T, server tls.Certificate, clients *testkit.Authority, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.ServerName+" "+r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(clients.Cert)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	if change != nil {
		change(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Both ends are who they must be: names, pins and versions of the service, and our certificate.
func TestMutualTLSUpstream(t *testing.T) {
	servers, clients := testkit.NewAuthority(t, "servers"), testkit.NewAuthority(t, "clients")
	server, us, stranger := servers.Server("up.internal"), clients.Client("gateway"), testkit.NewAuthority(t, "clients").Client("gateway")
	srv := demanding(t, server, clients, nil)
	old := demanding(t, server, clients, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	ca := testkit.WriteFile(t, "ca.pem", testkit.CertPEM(servers.Cert))
	with := func(c tls.Certificate, change func(*config.Upstream)) config.Upstream {
		u := config.Upstream{CA: ca, Cert: testkit.WriteFile(t, "c.pem", testkit.CertPEM(c.Leaf)), Key: testkit.WriteFile(t, "c.key", testkit.KeyPEM(t, c))}
		if change != nil {
			change(&u)
		}
		return u
	}
	pin := func(list ...string) func(*config.Upstream) { return func(u *config.Upstream) { u.PinSHA256 = list } }
	name := func(n string) func(*config.Upstream) { return func(u *config.Upstream) { u.ServerName = n } }
	for what, c := range map[string]struct {
		settings config.Upstream
		url      string
		want     string
		kind     Kind // where there is no answer
	}{
		"by address":              {with(us, nil), srv.URL, " gateway", 0},
		"by its name":             {with(us, name("up.internal")), "https://localhost:" + port, "up.internal gateway", 0},
		"by another name":         {with(us, name("other.internal")), srv.URL, "", Unreachable},
		"under an undeclared one": {with(us, nil), "https://localhost:" + port, "", Unreachable},
		"a stranger's":            {with(stranger, nil), srv.URL, "", Broken},
		"no certificate":          {config.Upstream{CA: ca}, srv.URL, "", Broken},
		"pinned":                  {with(us, pin(pinOf(us.Leaf), pinOf(server.Leaf))), srv.URL, " gateway", 0},
		"pinned authority":        {with(us, pin(pinOf(servers.Cert))), srv.URL, " gateway", 0},
		"pinned otherwise":        {with(us, pin(pinOf(us.Leaf))), srv.URL, "", Unreachable},
		"pinned, but not trusted": {with(us, func(u *config.Upstream) {
			u.CA = testkit.WriteFile(t, "x.pem", testkit.CertPEM(clients.Cert))
			pin(pinOf(server.Leaf))(u)
		}), srv.URL, "", Unreachable},
		"TLS 1.1": {with(us, nil), old.URL, "", Unreachable},
	} {
		_, body, err := fetch(startUpstream(t, c.settings, c.url), &Request{Method: "GET", Path: "/", Host: "example.com"})
		if c.want == "" && kindOf(err) != c.kind || c.want != "" && (err != nil || body != c.want) {
			t.Errorf("%s: %q, %v", what, body, err)
		}
	}
	for _, bad := range []string{"", "sha256/abc", pinOf(us.Leaf)[1:], strings.TrimSuffix(pinOf(us.Leaf), "=")} {
		if _, err := NewPool().Upstream(with(us, func(u *config.Upstream) { u.Targets = []string{srv.URL}; u.PinSHA256 = []string{bad} })); err == nil || !strings.Contains(err.Error(), "pin_sha256") {
			t.Errorf("pin %q: %v", bad, err)
		}
	}
}

// A client certificate that is renewed in its files is shown from the next reload on; requests before it go on.
func TestClientCertificateRotates(t *testing.T) {
	servers, clients := testkit.NewAuthority(t, "servers"), testkit.NewAuthority(t, "clients")
	srv := demanding(t, servers.Server(), clients, nil)
	first, second := clients.Client("first"), clients.Client("second")
	settings := config.Upstream{Targets: []string{srv.URL}, CA: testkit.WriteFile(t, "ca.pem", testkit.CertPEM(servers.Cert)),
		Cert: testkit.WriteFile(t, "c.pem", testkit.CertPEM(first.Leaf)), Key: testkit.WriteFile(t, "c.key", testkit.KeyPEM(t, first))}
	pool := NewPool()
	defer pool.Close()
	ask := func() string {
		u, err := pool.Upstream(settings)
		if err != nil {
			return err.Error()
		}
		pool.Retain(u)
		_, body, err := fetch(u, &Request{Method: "GET", Path: "/", Host: "example.com"})
		if err != nil {
			t.Error(err)
		}
		return body
	}
	if got := ask(); got != " first" {
		t.Error(got)
	}
	for name, data := range map[string][]byte{settings.Cert: testkit.CertPEM(second.Leaf), settings.Key: testkit.KeyPEM(t, second)} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(); got != " second" {
		t.Error(got)
	}
	if err := os.WriteFile(settings.Key, testkit.KeyPEM(t, first), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(); !strings.Contains(got, "does not match") {
		t.Errorf("half of a renewal: %s", got)
	}
}
