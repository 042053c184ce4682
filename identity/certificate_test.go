package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/openapi"
)

// showing is e on a connection on which the certificates were shown.
func showing(e *exchange.Exchange, certs ...tls.Certificate) *exchange.Exchange {
	e.Request.TLS = &tls.ConnectionState{}
	for _, c := range certs {
		e.Request.TLS.PeerCertificates = append(e.Request.TLS.PeerCertificates, c.Leaf)
	}
	return e
}

var mtlsScheme = &openapi.SecurityScheme{Name: "mtls", Type: "mutualTLS"}

func mtls(name string, c config.MTLS) config.Identity { return config.Identity{Name: name, MTLS: &c} }

// mtlsGuard guards an operation that takes a certificate, or a token of corp.
func mtlsGuard(t testing.TB, p *Providers, alternatives ...[]string) exchange.Guard {
	t.Helper()
	schemes := map[string]*openapi.SecurityScheme{"mtls": mtlsScheme, "bearer": bearerScheme, "second": {Name: "second", Type: "mutualTLS"}}
	security := map[string]string{"mtls": "partners"}
	for scheme, name := range map[string]string{"bearer": "corp", "second": "second"} {
		if _, there := p.byName[name]; there {
			security[scheme] = name
		}
	}
	g, err := p.Guard(operation(alternatives...), schemes, security)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestCertificateBecomesPrincipal(t *testing.T) {
	root := testkit.NewAuthority(t, "root")
	ca := testkit.WriteFile(t, "ca.pem", testkit.CertPEM(root.Cert))
	alice := root.Client("alice")
	for kind, want := range map[string]string{"uri": "spiffe://test/alice", "dns": "alice.example", "email": "alice@example.com", "cn": "alice"} {
		p := mustNew(t, mtls("partners", config.MTLS{CA: []string{ca}, Subject: kind, Roles: []string{"partner"}, Scopes: []string{"bulk"}, Tenant: "acme"}))
		g := mtlsGuard(t, p, []string{"mtls"})
		for range 2 { // the second is remembered
			e := showing(ask(), alice)
			if got := code(verdict(t, g, e)); got != "" {
				t.Fatalf("%s: %s", kind, got)
			}
			who := e.Principal
			if who.Subject != want || who.Kind != "certificate" || who.Issuer != "partners" || who.Tenant != "acme" || !who.HasRole("partner") || !who.HasScope("bulk") || who.Claims["cn"] != "alice" || !who.Expires.Equal(alice.Leaf.NotAfter) {
				t.Errorf("%s: %+v", kind, who)
			}
		}
	}
}

func TestCertificateRefused(t *testing.T) {
	root, stranger := testkit.NewAuthority(t, "root"), testkit.NewAuthority(t, "root")
	alice, bob := root.Client("alice"), root.Client("bob")
	ca := testkit.WriteFile(t, "ca.pem", testkit.CertPEM(root.Cert))
	crl := testkit.WriteFile(t, "list.crl", root.Revoke(time.Hour, []tls.Certificate{bob}))
	p := mustNew(t, mtls("partners", config.MTLS{CA: []string{ca}, CRL: []string{crl}, Subject: "uri", Subjects: []config.MTLSSubject{{Subject: "spiffe://test/alice", Roles: []string{"a"}}, {Subject: "spiffe://test/bob"}}}))
	g := mtlsGuard(t, p, []string{"mtls"})
	two := root.Client("alice", func(c *x509.Certificate) {
		c.URIs = append(c.URIs, &url.URL{Scheme: "spiffe", Host: "test", Path: "/admin"})
	})
	none := root.Client("alice", func(c *x509.Certificate) { c.URIs = nil })
	for name, c := range map[string]struct {
		e    *exchange.Exchange
		want *exchange.Reason
	}{
		"listed":            {showing(ask(), alice), nil},
		"none":              {showing(ask()), exchange.CredentialsMissing},
		"no TLS":            {ask(), exchange.CredentialsMissing},
		"in a header":       {ask("X-Client-Cert", string(testkit.CertPEM(alice.Leaf)), "X-Forwarded-Client-Cert", "Hash=1"), exchange.CredentialsMissing},
		"of another":        {showing(ask(), stranger.Client("alice")), exchange.CertificateInvalid},
		"behind a good one": {showing(ask(), stranger.Client("alice"), alice), exchange.CertificateInvalid},
		"revoked":           {showing(ask(), bob), exchange.CertificateInvalid},
		"not listed":        {showing(ask(), root.Client("carol")), exchange.CertificateInvalid},
		"two names":         {showing(ask(), two), exchange.CertificateInvalid},
		"no name":           {showing(ask(), none), exchange.CertificateInvalid},
		"of a server":       {showing(ask(), root.Server("alice")), exchange.CertificateInvalid},
		"run out": {showing(ask(), root.Client("alice", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		})), exchange.CertificateInvalid},
		"and a token besides": {showing(ask("Authorization", "Bearer x"), alice), nil}, // not declared here: not looked at
	} {
		want := ""
		if c.want != nil {
			want = c.want.Code
		}
		if v := verdict(t, g, c.e); code(v) != want {
			t.Errorf("%s: %s (%s)", name, code(v), v.Detail)
		}
	}
}

// A certificate that is revoked by a reload is refused at once, also on connections that are open.
func TestRevocationByReload(t *testing.T) {
	root := testkit.NewAuthority(t, "root")
	alice := root.Client("alice")
	crl := testkit.WriteFile(t, "list.crl", root.Revoke(time.Hour, nil))
	list := []config.Identity{mtls("partners", config.MTLS{CA: []string{testkit.WriteFile(t, "ca.pem", testkit.CertPEM(root.Cert))}, CRL: []string{crl}, Subject: "cn"})}
	p := mustNew(t, list...)
	e := showing(ask(), alice)
	if got := code(verdict(t, mtlsGuard(t, p, []string{"mtls"}), e)); got != "" {
		t.Fatal(got)
	}
	if err := os.WriteFile(crl, root.Revoke(time.Hour, []tls.Certificate{alice}), 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := p.Next(list)
	if err != nil {
		t.Fatal(err)
	}
	if got := code(verdict(t, mtlsGuard(t, next, []string{"mtls"}), e)); got != exchange.CertificateInvalid.Code {
		t.Errorf("revoked: %q", got)
	}
	if err := os.Remove(crl); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Next(list); err == nil {
		t.Error("a missing list is taken for an empty one")
	}
}

// The connection's certificate is there with every request. It counts where an alternative wants it.
func TestCertificateBesideToken(t *testing.T) {
	root, other := testkit.NewAuthority(t, "root"), testkit.NewAuthority(t, "other")
	i := testkit.NewIssuer(t)
	p := mustNew(t, corp(i, fileSet(t, i.Set())),
		mtls("partners", config.MTLS{CA: []string{testkit.WriteFile(t, "ca.pem", testkit.CertPEM(root.Cert))}, Subject: "cn"}),
		mtls("second", config.MTLS{CA: []string{testkit.WriteFile(t, "ca.pem", testkit.CertPEM(other.Cert))}, Subject: "cn"}))
	alice, mallory := root.Client("alice"), testkit.NewAuthority(t, "root").Client("mallory")
	token := func() *exchange.Exchange { return withToken(i.Token(t, i.Claims("sub", "carol"))) }
	either, both := mtlsGuard(t, p, []string{"bearer"}, []string{"mtls"}), mtlsGuard(t, p, []string{"bearer", "mtls"})
	for name, c := range map[string]struct {
		g       exchange.Guard
		e       *exchange.Exchange
		subject string
	}{
		"token on a connection with one":    {either, showing(token(), alice), "carol"},
		"token on one with a stranger's":    {either, showing(token(), mallory), "carol"},
		"certificate alone":                 {either, showing(ask(), alice), "alice"},
		"a stranger's alone":                {either, showing(ask(), mallory), ""},
		"both wanted":                       {both, showing(token(), alice), "carol"},
		"both wanted, one is there":         {both, token(), ""},
		"both wanted, one is a stranger's":  {both, showing(token(), mallory), ""},
		"either authority, by certificate":  {mtlsGuard(t, p, []string{"mtls"}, []string{"second"}), showing(ask(), other.Client("dora")), "dora"},
		"another authority than is wanted":  {mtlsGuard(t, p, []string{"mtls"}), showing(ask(), other.Client("dora")), ""},
		"no certificate where one is asked": {mtlsGuard(t, p, []string{"mtls"}, []string{"second"}), token(), ""},
	} {
		v := verdict(t, c.g, c.e)
		if who := c.e.Principal; v.Passed() != (c.subject != "") || v.Passed() && who.Subject != c.subject {
			t.Errorf("%s: %s %+v", name, code(v), who)
		}
	}
}

// A token that is bound to a certificate (RFC 8705 section 3.1) is worth nothing without it, also when it is known.
func TestBoundToken(t *testing.T) {
	i := testkit.NewIssuer(t)
	g := bearerGuard(t, mustNew(t, corp(i, fileSet(t, i.Set()))))
	self := testkit.NewAuthority(t, "self") // RFC 8705 section 2.2: nobody has to have signed it
	mine, other := self.Client("mine"), self.Client("other")
	sum := sha256.Sum256(mine.Leaf.Raw)
	x5t := base64.RawURLEncoding.EncodeToString(sum[:])
	bound := i.Token(t, i.Claims("cnf", map[string]any{"x5t#S256": x5t}))
	for range 2 {
		for name, c := range map[string]struct {
			e    *exchange.Exchange
			want string
		}{
			"its own":       {showing(withToken(bound), mine), ""},
			"its own first": {showing(withToken(bound), mine, other), ""},
			"another's":     {showing(withToken(bound), other), exchange.TokenBinding.Code},
			"own behind":    {showing(withToken(bound), other, mine), exchange.TokenBinding.Code},
			"none":          {showing(withToken(bound)), exchange.TokenBinding.Code},
			"no TLS":        {withToken(bound), exchange.TokenBinding.Code},
			"in a header":   {ask("Authorization", "Bearer "+bound, "X-Client-Cert", string(testkit.CertPEM(mine.Leaf))), exchange.TokenBinding.Code},
		} {
			if v := verdict(t, g, c.e); code(v) != c.want {
				t.Errorf("%s: %q", name, code(v))
			}
		}
	}
	for name, cnf := range map[string]any{"two ways": map[string]any{"x5t#S256": x5t, "jkt": "x"}, "padded": map[string]any{"x5t#S256": x5t + "="}, "short": map[string]any{"x5t#S256": x5t[:20]},
		"a text": x5t, "nothing": map[string]any{}, "null": nil, "a number": map[string]any{"x5t#S256": 5}, "another hash": map[string]any{"x5t": x5t}} {
		claims := i.Claims()
		claims["cnf"] = cnf
		if v := verdict(t, g, showing(withToken(i.Token(t, claims)), mine)); code(v) != exchange.TokenClaims.Code {
			t.Errorf("%s: %q", name, code(v))
		}
	}
}

func TestMTLSSettings(t *testing.T) {
	ca := testkit.WriteFile(t, "ca.pem", testkit.CertPEM(testkit.NewAuthority(t, "root").Cert))
	for want, c := range map[string]config.MTLS{
		"identity[0].mtls.ca: is missing":   {Subject: "cn"},
		"identity[0].mtls.subject":          {CA: []string{ca}},
		"none.pem":                          {CA: []string{"none.pem"}, Subject: "cn"},
		"none.crl":                          {CA: []string{ca}, CRL: []string{"none.crl"}, Subject: "cn"},
		"identity[0].mtls.subjects[1]: has": {CA: []string{ca}, Subject: "cn", Subjects: []config.MTLSSubject{{Subject: "a"}, {Subject: "a"}}},
	} {
		if _, err := New([]config.Identity{mtls("partners", c)}, nil, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
