package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Default names of the headers that tell the upstream who asks.
const (
	SubjectHeader = "X-Sallyport-Subject"
	TenantHeader  = "X-Sallyport-Tenant"
	RolesHeader   = "X-Sallyport-Roles"
	ScopesHeader  = "X-Sallyport-Scopes"
)

// Managed says what the upstream is told about the caller, of one API. Whatever a client sends under one of these
// names, in any spelling that some server takes for the same (X_Sallyport_Subject, x.sallyport.subject), is deleted
// first, with or without a principal. It is immutable and safe for concurrent use.
type Managed struct {
	subject, tenant, roles, scopes string   // canonical names; "" is not sent
	deleted                        []string // in the form of [alias]
	cookies                        []string // credentials to be removed
	queries                        []string //
}

// NewManaged compiles the headers of an API; h is nil for the default names. Unless forwardCredentials, the places
// where the mapped security schemes have their credentials are emptied too.
func NewManaged(h *config.IdentityHeaders, forwardCredentials bool, schemes map[string]*openapi.SecurityScheme, security map[string]string) (*Managed, error) {
	if h == nil {
		h = &config.IdentityHeaders{Subject: SubjectHeader, Tenant: TenantHeader, Roles: RolesHeader, Scopes: ScopesHeader}
	}
	m := &Managed{}
	var errs []error
	for _, f := range []struct {
		to         *string
		key, value string
	}{{&m.subject, "subject", h.Subject}, {&m.tenant, "tenant", h.Tenant}, {&m.roles, "roles", h.Roles}, {&m.scopes, "scopes", h.Scopes}} {
		if f.value == "" {
			continue
		}
		if err := m.claim(f.value); err != nil {
			errs = append(errs, fmt.Errorf("identity_headers.%s: %w", f.key, err))
		}
		*f.to = http.CanonicalHeaderKey(f.value)
	}
	// The default names are nobody else's, even where the operator chose other ones.
	for _, name := range []string{SubjectHeader, TenantHeader, RolesHeader, ScopesHeader} {
		m.remove(name)
	}
	if !forwardCredentials {
		m.removeCredentials(schemes, security)
	}
	return m, errors.Join(errs...)
}

// claim takes a name for a managed header.
func (m *Managed) claim(name string) error {
	switch a := alias(name); {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%s is not a header name", quote(name))
	case slices.Contains(reserved, a):
		return fmt.Errorf("%s has a meaning of its own", quote(name))
	case slices.Contains(m.deleted, a):
		return fmt.Errorf("%s is used twice", quote(name))
	}
	m.remove(name)
	return nil
}

// reserved are the headers whose replacement would break the message, its routing or its authentication.
var reserved = []string{"host", "connection", "content-length", "content-type", "content-encoding", "transfer-encoding", "te",
	"trailer", "upgrade", "keep-alive", "authorization", "proxy-authorization", "cookie", "forwarded", "x-forwarded-for",
	"x-forwarded-host", "x-forwarded-proto", "x-real-ip", "expect", "range", "accept-encoding"}

func (m *Managed) remove(name string) {
	if a := alias(name); !slices.Contains(m.deleted, a) {
		m.deleted = append(m.deleted, a)
	}
}

func (m *Managed) removeCredentials(schemes map[string]*openapi.SecurityScheme, security map[string]string) {
	for name := range security {
		s := schemes[name]
		if s == nil {
			continue
		}
		where, param, kind := placeOf(s)
		switch {
		case kind == "":
		case where == inQuery && !slices.Contains(m.queries, param):
			m.queries = append(m.queries, param)
		case where == inCookie && !slices.Contains(m.cookies, param):
			m.cookies = append(m.cookies, param)
		case where == inHeader || where == inBearer:
			m.remove(param)
		}
	}
}

// alias is the form in which spellings of one header name are equal: CGI-like servers turn '-' into '_' and drop
// case, and some read '.' the same way.
func alias(name string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(asciiLower(name))
}

// isAlias compares without allocating; a is in the form of [alias].
func isAlias(name, a string) bool {
	if len(name) != len(a) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '.':
			c = '-'
		}
		if c != a[i] {
			return false
		}
	}
	return true
}

// Apply writes who asks into the header that goes to the upstream, which the caller owns; p is nil for nobody. It is
// called after hop-by-hop fields were removed, so that "Connection: X-Sallyport-Subject" removes nothing of ours.
//
// Names that cannot be told without being read as something else are left out; [Managed.Guard] refuses them before.
func (m *Managed) Apply(h http.Header, p *exchange.Principal) {
	for name := range h {
		for _, a := range m.deleted {
			if isAlias(name, a) {
				delete(h, name)
				break
			}
		}
	}
	m.dropCookies(h)
	if p == nil || m.tellable(p) != "" {
		return
	}
	set(h, m.subject, p.Subject)
	set(h, m.tenant, p.Tenant)
	if m.roles != "" && len(p.Roles) > 0 {
		set(h, m.roles, strings.Join(p.Roles, ","))
	}
	if m.scopes != "" && len(p.Scopes) > 0 {
		set(h, m.scopes, strings.Join(p.Scopes, " "))
	}
}

func set(h http.Header, name, value string) {
	if name != "" && value != "" {
		h[name] = []string{value}
	}
}

// Guard refuses principals that the managed headers cannot tell: a role with a comma would be read as two. It comes
// after the guard that sets the principal.
func (m *Managed) Guard() exchange.Guard {
	return exchange.Guard{Name: "identity", Phase: exchange.OnHead, Check: func(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
		if e.Principal == nil {
			return exchange.Pass, nil
		}
		if key := m.tellable(e.Principal); key != "" {
			return exchange.Refuse(exchange.TokenClaims, "identity "+e.Principal.Issuer+": the header for "+key+" cannot carry what the credential says").
				WithSetting("apis[].identity_headers." + key), nil
		}
		return exchange.Pass, nil
	}}
}

// tellable returns "" or the key of the header whose value would be ambiguous or malformed.
func (m *Managed) tellable(p *exchange.Principal) string {
	switch {
	case m.subject != "" && !fieldValue(p.Subject, 0):
		return "subject"
	case m.tenant != "" && p.Tenant != "" && !fieldValue(p.Tenant, 0):
		return "tenant"
	}
	if m.roles != "" {
		for _, r := range p.Roles {
			if !fieldValue(r, ',') {
				return "roles"
			}
		}
	}
	if m.scopes != "" {
		for _, s := range p.Scopes {
			if !fieldValue(s, ' ') {
				return "scopes"
			}
		}
	}
	return ""
}

// fieldValue reports whether s is a field value that every server reads back as s: not empty, no controls, no
// surrounding space, and without the separator of its list.
func fieldValue(s string, separator byte) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == 0x7f || separator != 0 && c == separator {
			return false
		}
	}
	return true
}

// dropCookies removes cookies that are credentials.
func (m *Managed) dropCookies(h http.Header) {
	lines := h["Cookie"]
	if len(m.cookies) == 0 || len(lines) == 0 {
		return
	}
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			if name, _, _ := strings.Cut(pair, "="); pair != "" && !slices.Contains(m.cookies, name) {
				kept = append(kept, pair)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = []string{strings.Join(kept, "; ")}
}

// RawQuery is the query that goes to the upstream: that of t, without parameters that are credentials.
func (m *Managed) RawQuery(t content.Target) string {
	if !slices.ContainsFunc(t.Query, func(p content.Pair) bool { return slices.Contains(m.queries, p.Name) }) {
		return t.RawQuery
	}
	// The canonical query has one segment for each pair, in order.
	var kept []string
	i := 0
	for segment := range strings.SplitSeq(t.RawQuery, "&") {
		if i >= len(t.Query) || !slices.Contains(m.queries, t.Query[i].Name) {
			kept = append(kept, segment)
		}
		i++
	}
	return strings.Join(kept, "&")
}
