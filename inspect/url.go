package inspect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
)

// A urlError says why a URL is refused. Rule names the check for findings and exclusions; detail never holds the URL.
type urlError struct{ rule, detail string }

func (e *urlError) Error() string { return e.detail }

// The checks of URLs.
const (
	urlAmbiguous = "url.ambiguous" // two parsers could find different hosts in it
	urlScheme    = "url.scheme"    // a scheme that is not allowed
	urlPrivate   = "url.private"   // an address or name that is not public
	urlHost      = "url.host"      // not one of inspect.urls.only
	urlResolve   = "url.resolve"   // the name could not be looked up
)

// A urlPolicy judges URLs that the service is going to fetch (OWASP API7:2023). It is immutable.
//
// WHATWG URL, RFC 3986 and the parsers in between disagree about odd URLs, and an attacker chooses one that we find
// harmless and the service does not. So the policy does not try to find out which host is meant: it accepts the plain
// spelling, in which all parsers agree, and refuses every other one as ambiguous.
type urlPolicy struct {
	schemes  []string
	allow    hostList // hosts that are allowed although they are not public
	only     hostList // when not empty, no others
	resolver Resolver // nil: names are not looked up
}

// maxURL bounds what is worth parsing, in bytes.
const maxURL = 8192

// lookupTimeout bounds one look-up, and the time that a URL can hold a request up.
const lookupTimeout = 2 * time.Second

func newURLPolicy(c config.URLs, r Resolver) (*urlPolicy, error) {
	p := &urlPolicy{schemes: []string{"https", "http"}}
	if len(c.Schemes) > 0 {
		p.schemes = nil
	}
	for _, s := range c.Schemes {
		p.schemes = append(p.schemes, strings.ToLower(s))
	}
	var errs [2]error
	if p.allow, errs[0] = newHostList(c.Allow); errs[0] != nil {
		errs[0] = fmt.Errorf("inspect.urls.allow: %w", errs[0])
	}
	if p.only, errs[1] = newHostList(c.Only); errs[1] != nil {
		errs[1] = fmt.Errorf("inspect.urls.only: %w", errs[1])
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if c.Resolve {
		p.resolver = r
	}
	return p, nil
}

// check judges an absolute URL. It returns the canonical host, where one was found, for the setting that would allow
// it.
func (p *urlPolicy) check(ctx context.Context, raw string) (host string, err error) {
	scheme, rest, err := cutScheme(raw)
	if err != nil {
		return "", err
	}
	if !slices.Contains(p.schemes, scheme) {
		return "", &urlError{urlScheme, "a URL with a scheme that is not allowed"}
	}
	authority, ok := strings.CutPrefix(rest, "//")
	if !ok && !web(scheme) {
		return "", nil // urn:, mailto: and their like name no host; the operator has allowed them
	}
	if !ok {
		return "", ambiguous("a URL without // behind its scheme")
	}
	if authority, err = cutAuthority(authority); err != nil {
		return "", err
	}
	name, err := cutPort(authority)
	if err != nil {
		return "", err
	}
	h, err := parseHost(name)
	if err != nil {
		return "", err
	}
	return h.String(), p.judge(ctx, h)
}

// checkReference judges a URL that may be relative (RFC 3986, section 4.2). One without a host stays with the service
// that resolves it; one with a host but no scheme points as far as a whole URL.
func (p *urlPolicy) checkReference(ctx context.Context, raw string) (host string, err error) {
	if err := plainText(raw); err != nil {
		return "", err
	}
	first := raw
	if i := strings.IndexAny(raw, "/?#"); i >= 0 {
		first = raw[:i]
	}
	switch {
	case strings.HasPrefix(raw, "//"):
		return p.check(ctx, p.schemes[0]+":"+raw)
	case strings.Contains(first, ":"):
		return p.check(ctx, raw)
	case strings.Contains(first, "@"):
		return "", ambiguous("a relative URL that hides a host when it is put behind another") // https://example.com + @127.0.0.1
	}
	return "", nil
}

// judge decides about a host that was found beyond doubt.
func (p *urlPolicy) judge(ctx context.Context, h host) error {
	if len(p.only) > 0 && !p.only.contains(h) {
		return &urlError{urlHost, "a URL with a host that is not one of the allowed ones"}
	}
	if p.allow.contains(h) {
		return nil
	}
	if !h.public() {
		return &urlError{urlPrivate, "a URL that points to an address that is not public"}
	}
	if p.resolver == nil || h.addr.IsValid() {
		return nil
	}
	return p.lookup(ctx, h.name)
}

func (p *urlPolicy) lookup(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := p.resolver.LookupNetIP(ctx, "ip", name+".") // rooted: no search domains
	if err != nil || len(addrs) == 0 {
		return &urlError{urlResolve, "a URL with a host that cannot be looked up"}
	}
	if slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !publicAddr(a.Unmap()) }) {
		return &urlError{urlPrivate, "a URL with a host that has an address that is not public"}
	}
	return nil
}

func ambiguous(detail string) error { return &urlError{urlAmbiguous, detail} }

// web reports whether WHATWG URL calls a scheme special: parsers repair their authorities.
func web(scheme string) bool {
	return slices.Contains([]string{"http", "https", "ws", "wss", "ftp", "file"}, scheme)
}

// plainText refuses characters that parsers treat differently: leading spaces are stripped by some, controls by others,
// and a backslash is a slash for browsers.
func plainText(raw string) error {
	if len(raw) > maxURL {
		return ambiguous("an overlong URL")
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return ambiguous("a URL with white space, control characters or backslashes")
		}
	}
	return nil
}

// cutScheme splits the scheme off, in lower case.
func cutScheme(raw string) (scheme, rest string, err error) {
	if raw == "" {
		return "", "", ambiguous("an empty URL")
	}
	if err := plainText(raw); err != nil {
		return "", "", err
	}
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok || !validScheme(scheme) {
		return "", "", ambiguous("a URL without a scheme")
	}
	return strings.ToLower(scheme), rest, nil
}

// validScheme is RFC 3986, section 3.1.
func validScheme(s string) bool {
	for i := range len(s) {
		switch c := s[i] | 0x20; {
		case 'a' <= c && c <= 'z':
		case i > 0 && ('0' <= s[i] && s[i] <= '9' || strings.IndexByte("+-.", s[i]) >= 0):
		default:
			return false
		}
	}
	return s != ""
}

// cutAuthority returns what stands before the path. User information hides the host from people and from parsers; so
// does an @ behind a ? or # that ends the authority at once, since older parsers read on to it.
func cutAuthority(s string) (string, error) {
	end := strings.IndexAny(s, "/?#")
	if end < 0 {
		end = len(s)
	}
	if strings.Contains(s[:end], "@") {
		return "", ambiguous("a URL with user information")
	}
	if end < len(s) && s[end] != '/' && strings.Contains(s[end:], "@") {
		return "", ambiguous("a URL with an @ behind its host")
	}
	return s[:end], nil
}

// cutPort returns the host, with its brackets, and checks the port.
func cutPort(authority string) (string, error) {
	name, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		name, port = authority[:i], authority[i+1:]
		if port == "" {
			return name, nil
		}
		n := 0
		for _, c := range []byte(port) {
			if c < '0' || c > '9' || n > 65535 {
				return "", ambiguous("a URL with a malformed port")
			}
			n = n*10 + int(c-'0')
		}
		if n == 0 || n > 65535 {
			return "", ambiguous("a URL with a port out of range")
		}
	}
	return name, nil
}
