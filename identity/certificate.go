package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/trust"
)

// certificates verifies client certificates of one identity. It is immutable. It judges what the TLS layer of ours was
// shown, and nothing else: certificates in header fields are a stranger's words.
type certificates struct {
	name, at string
	id       uint32 // of settings and files, for the cache
	anchors  *trust.Anchors
	subject  func(*x509.Certificate) []string
	kind     string
	roles    []string
	scopes   []string
	tenant   string
	known    map[string]*config.MTLSSubject // nil: every subject of the authorities is
	cache    *cache
}

func newCertificates(name, at string, c *config.MTLS, e *engine, m *mistakes) *certificates {
	v := &certificates{name: name, at: at, kind: c.Subject, roles: c.Roles, scopes: c.Scopes, tenant: c.Tenant, cache: e.cache}
	if v.subject = subjects[c.Subject]; v.subject == nil {
		m.add(at+".mtls.subject", "is not one of uri, dns, email, cn")
	}
	if len(c.CA) == 0 {
		m.add(at+".mtls.ca", "is missing: without it anybody's certificate would do")
		return v
	}
	var err error
	if v.anchors, err = trust.Load(c.CA, c.CRL, time.Now()); err != nil {
		for _, err := range config.Each(err) {
			m.add(at+".mtls", "%w", err)
		}
		return v
	}
	if len(c.Subjects) > 0 {
		v.known = map[string]*config.MTLSSubject{}
	}
	for i := range c.Subjects {
		s := &c.Subjects[i]
		if !printable(s.Subject) || v.known[s.Subject] != nil {
			m.add(fmt.Sprintf("%s.mtls.subjects[%d]", at, i), "has no subject, or one that another has")
		}
		v.known[s.Subject] = s
	}
	v.id = e.id(digest(name, c, hex.EncodeToString(v.anchors.Digest[:])))
	return v
}

// subjects read the names by which a certificate can tell who it is for.
var subjects = map[string]func(*x509.Certificate) []string{
	"uri": func(c *x509.Certificate) (list []string) {
		for _, u := range c.URIs {
			list = append(list, u.String())
		}
		return list
	},
	"dns":   func(c *x509.Certificate) []string { return c.DNSNames },
	"email": func(c *x509.Certificate) []string { return c.EmailAddresses },
	"cn":    func(c *x509.Certificate) []string { return []string{c.Subject.CommonName} },
}

// verify turns the certificates of a connection into facts about its client. What was verified is remembered until
// something of the chain runs out; files that have changed are other settings.
func (v *certificates) verify(presented []*x509.Certificate) (*facts, *failure) {
	now, leaf := time.Now(), presented[0]
	name := v.cache.name(unsafe.String(unsafe.SliceData(leaf.Raw), len(leaf.Raw)), v.id)
	if known := v.cache.get(name, nil, now); known != nil {
		return known, nil
	}
	until, err := v.anchors.Until(presented, now)
	if err != nil {
		return nil, v.blame(fail(exchange.CertificateInvalid, "%v", err).by("mtls.ca"))
	}
	p, err := v.principal(leaf)
	if err != nil {
		return nil, v.blame(fail(exchange.CertificateInvalid, "%v", err).by("mtls.subject"))
	}
	p.Expires = leaf.NotAfter
	known := &facts{principal: *p, expires: until}
	v.cache.put(name, nil, known, until, len(leaf.Raw))
	return known, nil
}

// principal reads who the certificate is for. Exactly one name of the kind must be there: which of two is meant nobody
// can say.
func (v *certificates) principal(c *x509.Certificate) (*exchange.Principal, error) {
	names := v.subject(c)
	if len(names) != 1 || !printable(names[0]) {
		return nil, fmt.Errorf("the certificate has not exactly one printable name of the kind %s", v.kind)
	}
	sum := sha256.Sum256(c.Raw)
	p := &exchange.Principal{Subject: names[0], Kind: "certificate", Roles: v.roles, Scopes: v.scopes, Tenant: v.tenant, Claims: map[string]any{
		"serial": c.SerialNumber.Text(16), "issuer": c.Issuer.String(), "cn": c.Subject.CommonName, "fingerprint": hex.EncodeToString(sum[:])}}
	if v.known == nil {
		return p, nil
	}
	s := v.known[names[0]]
	if s == nil {
		return nil, errors.New("the certificate's subject " + quote(names[0]) + " is not listed")
	}
	if s.Roles != nil {
		p.Roles = s.Roles
	}
	if s.Scopes != nil {
		p.Scopes = s.Scopes
	}
	if s.Tenant != "" {
		p.Tenant = s.Tenant
	}
	return p, nil
}

func (v *certificates) blame(f *failure) *failure {
	f.detail = "identity " + v.name + ": " + f.detail
	f.setting = v.at + "." + f.setting
	return f
}

// presented are the certificates that the client has proved to hold the key of, to our own TLS layer.
func presented(e *exchange.Exchange) []*x509.Certificate {
	if e.Request.TLS == nil {
		return nil
	}
	return e.Request.TLS.PeerCertificates
}

// bound refuses a token that belongs to a certificate (RFC 8705 section 3) without that certificate.
func (f *facts) bound(e *exchange.Exchange) *failure {
	if f.thumbprint == nil {
		return nil
	}
	shown := presented(e)
	if len(shown) == 0 {
		return fail(exchange.TokenBinding, "the token is bound to a certificate, and the client has shown none")
	}
	sum := sha256.Sum256(shown[0].Raw)
	if subtle.ConstantTimeCompare(sum[:], f.thumbprint) != 1 {
		return fail(exchange.TokenBinding, "the token is bound to another certificate than the client's")
	}
	return nil
}

// thumbprint reads cnf (RFC 7800): nil where the token is a bearer's. Other ways to bind a token are refused, because
// presenting it does not prove them (RFC 9449 section 7.1).
func thumbprint(claims map[string]any) ([]byte, *failure) {
	cnf, isBound := claims["cnf"]
	if !isBound {
		return nil, nil
	}
	members, _ := cnf.(map[string]any)
	text, _ := members["x5t#S256"].(string)
	sum, err := strict.DecodeString(text)
	if err != nil || len(sum) != sha256.Size || len(members) != 1 {
		return nil, fail(exchange.TokenClaims, "cnf binds the token to a key of the client in another way than by x5t#S256, which is the only one supported")
	}
	return sum, nil
}
