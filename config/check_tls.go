package config

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
)

func (c *checker) tls(t TLS, at string) {
	if len(t.Pairs()) == 0 && t.ACME == nil {
		c.fail(at, "needs cert and key", "tls: { cert: cert.pem, key: key.pem }")
	}
	if t.ACME != nil {
		c.acme(*t.ACME, at+".acme")
	}
	c.pair(Certificate{t.Cert, t.Key}, at)
	if t.Clients != nil {
		c.clients(*t.Clients, at+".clients")
	}
	for i, p := range t.Certificates {
		at := fmt.Sprintf("%s.certificates[%d]", at, i)
		if p == (Certificate{}) {
			c.fail(at, "needs cert and key", "{ cert: cert.pem, key: key.pem }")
		}
		c.pair(p, at)
	}
}

// domain is a name that an authority can look for: of letters, digits and dashes, with a dot.
var domain = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]*$`)

func (c *checker) acme(a ACME, at string) {
	if len(a.Domains) == 0 {
		c.fail(at, "has no domains", "domains: [ api.example.com ]")
	}
	for i, d := range a.Domains {
		if !domain.MatchString(d) {
			c.fail(fmt.Sprintf("%s.domains[%d]", at, i), "is not a host name that an authority can reach; wildcards need a certificate of their own", "api.example.com")
		}
	}
	if u, err := url.Parse(a.CA); a.CA != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		c.fail(at+".ca", "is not an https URL", "ca: https://acme-staging-v02.api.letsencrypt.org/directory")
	}
	if x := a.ExternalAccount; x != nil {
		if key, err := base64.RawURLEncoding.DecodeString(x.Key); x.ID == "" || err != nil || len(key) == 0 {
			c.fail(at+".external_account", "needs an id, and a key in base64url without padding", "{ id: kid-1, key: \"${ACME_KEY}\" }")
		}
	}
}

func (c *checker) pair(p Certificate, at string) {
	if (p.Cert == "") != (p.Key == "") {
		c.fail(at, "needs cert and key", "{ cert: cert.pem, key: key.pem }")
	}
}

// policy is Strict-Transport-Security with the directives of RFC 6797 section 6.1, and preload.
var policy = regexp.MustCompile(`^max-age=[0-9]{1,10}(; ?includeSubDomains)?(; ?preload)?$`)

func (c *checker) hsts(value, at string) {
	if value != "" && value != "off" && !policy.MatchString(value) {
		c.fail(at, "is neither off nor a policy", "hsts: max-age=63072000; includeSubDomains")
	}
}

func (c *checker) clients(l Clients, at string) {
	if len(l.CRL) > 0 && len(l.CA) == 0 {
		c.fail(at+".crl", "needs the authorities whose lists these are", "ca: [ ca.pem ]")
	}
}

func (c *checker) mtls(m MTLS, at string) {
	if len(m.CA) == 0 {
		c.fail(at, "has no ca: anybody's certificate would be accepted", "ca: [ ca.pem ]")
	}
	if m.Subject == "" {
		c.fail(at, "does not say which name of a certificate is the caller's", "subject: uri")
	}
}

// names demands that an API with demands of its own be told by its names.
func (c *checker) names(hosts []string, at string) {
	if len(hosts) == 0 {
		c.fail(at, "needs hosts: the handshake knows the API by its name only", "hosts: [ api.example.com ]")
	}
	for _, h := range hosts {
		if _, err := netip.ParseAddr(h); err == nil {
			c.fail(at, "needs hosts that are names: clients do not ask for the address "+h, "hosts: [ api.example.com ]")
		}
	}
}

// asked demands that whoever is to be known by a certificate is asked for one.
func (c *checker) asked(cfg *Config) {
	everywhere := len(cfg.Listen) > 0
	for _, l := range cfg.Listen {
		everywhere = everywhere && l.TLS != nil && l.TLS.Clients != nil
	}
	mtls := map[string]bool{}
	for _, id := range cfg.Identity {
		mtls[id.Name] = id.MTLS != nil
	}
	for i, a := range cfg.APIs {
		for scheme, name := range a.Security {
			if mtls[name] && a.Clients == nil && !everywhere {
				c.fail(fmt.Sprintf("apis[%d].security[%q]", i, scheme), "nobody asks clients for the certificate that "+name+" wants to see", "clients: { mode: optional } for the API, or under tls of every listener")
			}
		}
	}
}

func (c *checker) upstreamTLS(u Upstream, at string) {
	if (u.Cert == "") != (u.Key == "") {
		c.fail(at, "needs both cert and key, or neither", "{ cert: client.pem, key: client.key }")
	}
	for i, p := range u.PinSHA256 {
		if sum, err := base64.StdEncoding.Strict().DecodeString(p); err != nil || len(sum) != 32 {
			c.fail(fmt.Sprintf("%s.pin_sha256[%d]", at, i), "is not a SHA-256 digest in base64", "openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64")
		}
	}
}
