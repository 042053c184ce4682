package config

import (
	"fmt"
	"regexp"
)

func (c *checker) tls(t TLS, at string) {
	if len(t.Pairs()) == 0 {
		c.fail(at, "needs cert and key", "tls: { cert: cert.pem, key: key.pem }")
	}
	c.pair(Certificate{t.Cert, t.Key}, at)
	for i, p := range t.Certificates {
		at := fmt.Sprintf("%s.certificates[%d]", at, i)
		if p == (Certificate{}) {
			c.fail(at, "needs cert and key", "{ cert: cert.pem, key: key.pem }")
		}
		c.pair(p, at)
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
