package listen

import (
	"crypto/tls"
	"slices"
	"strings"
)

// certificates are those of a listener, in the order in which they are preferred, and by the names that they have.
// They are immutable.
type certificates struct {
	list   []*tls.Certificate
	byName map[string][]*tls.Certificate // lower case; "*.example.com" as written
}

func (c *certificates) add(pair *tls.Certificate) {
	c.list = append(c.list, pair)
	for _, name := range pair.Leaf.DNSNames {
		name = strings.ToLower(name)
		c.byName[name] = append(c.byName[name], pair)
	}
}

// choose returns the first certificate that has the name and that the client can use. Where none has the name and any
// will do, the client is shown the first that it can use, and it is for the client to refuse it; else nil.
func (c *certificates) choose(hello *tls.ClientHelloInfo, anyWillDo bool) *tls.Certificate {
	candidates := c.named(strings.ToLower(hello.ServerName))
	if len(candidates) == 0 {
		if !anyWillDo {
			return nil
		}
		candidates = c.list
	}
	usable := func(pair *tls.Certificate) bool {
		anyName := *hello
		anyName.ServerName = ""
		return anyName.SupportsCertificate(pair) == nil
	}
	if i := slices.IndexFunc(candidates, usable); i >= 0 {
		return candidates[i]
	}
	return candidates[0]
}

// named are the certificates with the name itself before those with a wildcard for its first label (RFC 9525).
func (c *certificates) named(name string) []*tls.Certificate {
	exact := c.byName[name]
	_, parent, ok := strings.Cut(name, ".")
	if !ok {
		return exact
	}
	return slices.Concat(exact, c.byName["*."+parent])
}
