package openapi

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
)

// secured reports whether some operation demands a credential.
func (d *Document) secured() bool {
	return slices.ContainsFunc(d.Operations, func(o *Operation) bool { return len(o.Security) > 0 })
}

func plainServers(l *linter) {
	for _, s := range l.doc.servers {
		u, err := url.Parse(s.url)
		if err != nil || u.Scheme != "http" || loopback(u.Hostname()) {
			continue
		}
		if l.doc.secured() {
			l.warn(s.place.below("url"), "spec.credentials_over_http", "https://", "credentials are sent to %s in the clear", s.url)
		} else {
			l.warn(s.place.below("url"), "spec.plain_http", "https://", "the server %s is reached without TLS", s.url)
		}
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (err == nil && a.IsLoopback())
}

func basicAuth(l *linter) {
	for _, s := range l.doc.Schemes {
		if s.Type == "http" && s.Scheme == "basic" {
			l.warn(s.place, "spec.basic_auth", "use bearer tokens or OAuth 2", "%s sends the password with every request", s.Name)
		}
	}
}

func keyInQuery(l *linter) {
	for _, s := range l.doc.Schemes {
		if s.Type == "apiKey" && s.In == "query" {
			l.warn(s.place, "spec.key_in_query", "in: header", "the key %s stands in URLs, which end up in logs and histories", s.Param)
		}
	}
}

// weakFlows: RFC 9700 sections 2.1.2 and 2.4.
func weakFlows(l *linter) {
	for _, s := range l.doc.Schemes {
		for _, f := range s.flows {
			if f == "implicit" || f == "password" {
				l.warn(s.place.below("flows").below(f), "spec.oauth_flow", "authorizationCode with PKCE, or clientCredentials", "the %s flow should no longer be used", f)
			}
		}
	}
}

func anonymous(op *Operation) bool { return op.Ext.Anonymous != nil && *op.Ext.Anonymous }

func noSecurity(l *linter, op *Operation) {
	if !op.Declared && !anonymous(op) {
		l.warn(op.place, "spec.no_security", "security: [ { bearerAuth: [] } ], or x-sallyport: { anonymous: true }", "%s does not say who may call it", op.Key)
	}
}

func contradiction(l *linter, op *Operation) {
	if anonymous(op) && len(op.Security) > 0 && op.Ext.Anonymous != nil {
		l.warn(op.place, "spec.anonymous_contradiction", "security: [] says the same in OpenAPI", "%s demands credentials, and x-sallyport lets everybody call it", op.Key)
	}
}

func anonymousWrite(l *linter, op *Operation) {
	open := anonymous(op) || (op.Declared && (len(op.Security) == 0 || slices.ContainsFunc(op.Security, func(r Requirement) bool { return len(r.Schemes) == 0 })))
	if open && slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, op.Method) && op.Ext.Rate == nil {
		l.note(op.place, "spec.anonymous_write", "x-sallyport: { rate: { limit: 10, per: 1m, by: client } }", "%s changes something, everybody may call it, and there is no rate of its own", op.Key)
	}
}

func (o *Operation) declares(status string) bool {
	return slices.ContainsFunc(o.Responses, func(r *Response) bool {
		return r.Status == status || r.Status == "default" || r.Status == status[:1]+"XX"
	})
}

func missingErrors(l *linter, op *Operation) {
	if len(op.Responses) == 0 {
		return
	}
	wanted := []string{"429"}
	if len(op.Security) > 0 {
		wanted = []string{"401", "403", "429"}
	}
	var missing []string
	for _, s := range wanted {
		if !op.declares(s) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		l.note(op.place.below("responses"), "spec.missing_errors", "a 4XX or default response covers them", "%s does not declare %s", op.Key, strings.Join(missing, ", "))
	}
}

func missingSchema(l *linter, op *Operation) {
	for _, r := range op.Responses {
		if op.Method == "HEAD" || r.Status == "204" || r.Status == "205" || r.Status[0] == '3' || r.Status[0] == '1' {
			continue
		}
		if len(r.Content) == 0 && r.Status[0] == '2' {
			l.warn(r.place, "spec.no_response_schema", "declare content with a schema, or 204 where there is no body", "the %s response of %s declares no content: nothing of it can be judged or filtered", r.Status, op.Key)
		}
		for _, m := range r.Content {
			if m.Schema == nil && (isJSON(m.Range) || content.Media{Type: m.Range}.Sequence()) {
				l.warn(m.place, "spec.no_response_schema", "add a schema", "the %s response of %s has no schema: nothing of it can be judged or filtered", r.Status, op.Key)
			}
		}
	}
}

var adminWords = regexp.MustCompile(`(?i)^(admin(s|istration|istrator)?|internal|manage(ment)?|superuser|sudo|root|debug|actuator|backoffice|staff|impersonate)$`)

func adminPath(l *linter, op *Operation) {
	if len(op.Ext.Roles) > 0 || len(op.Ext.Scopes) > 0 || op.Ext.Allow != "" || op.scoped() {
		return
	}
	for _, s := range op.segments {
		if s.literal() && adminWords.MatchString(s.parts[0]) {
			l.warn(op.place, "spec.admin_path", "x-sallyport: { roles: [admin] }", "%s looks like a function for few, and everybody with a credential may call it (API5)", op.Key)
			return
		}
	}
}

// scoped reports whether every alternative of the operation's security demands a scope.
func (o *Operation) scoped() bool {
	return len(o.Security) > 0 && !slices.ContainsFunc(o.Security, func(r Requirement) bool {
		return !slices.ContainsFunc(r.Schemes, func(s SchemeRef) bool { return len(s.Scopes) > 0 })
	})
}

// noSunset: RFC 8594 and RFC 9745.
func noSunset(l *linter, op *Operation) {
	if !op.Deprecated {
		return
	}
	for _, r := range op.Responses {
		for _, h := range r.Headers {
			if strings.EqualFold(h.Name, "Sunset") || strings.EqualFold(h.Name, "Deprecation") {
				return
			}
		}
	}
	l.note(op.place, "spec.no_sunset", "declare the Sunset header in its responses", "%s is deprecated without a day on which it ends (API9)", op.Key)
}

var secretWords = words("token|password|passwd|pwd|secret|apikey|api_key|key|credential|credentials|auth|authorization|session|sessionid|jwt|pin|otp")

// harmlessWords mark what is called a token or a key without being one.
var harmlessWords = regexp.MustCompile(`(?i)(page|next|cursor|continu|sync|public|sort|partition)`)

func secretInQuery(l *linter, _ *Operation, p *Param) {
	if p.In != "query" || !secretWords.MatchString(p.Name) || harmlessWords.MatchString(p.Name) {
		return
	}
	l.warn(p.place, "spec.secret_in_query", "send it in a header or in the body", "%s looks like a secret; URLs end up in logs and histories", p.Name)
}

func looseSegment(l *linter, op *Operation, p *Param) {
	if p.In != "path" || p.Schema == nil {
		return
	}
	info, types := p.Schema.Info(), p.Schema.Types()
	if types == nil {
		l.warn(p.place, "spec.path_param_type", "type: integer, or type: string with a format or pattern", "the path parameter %s of %s has no type", p.Name, op.Key)
		return
	}
	if slices.Contains(types, "string") && info.Format == "" && info.Pattern == "" && info.Enum == nil {
		l.note(p.place, "spec.path_param_type", "format: uuid, or a pattern such as ^[A-Za-z0-9_-]{1,64}$", "any text passes as path parameter %s of %s", p.Name, op.Key)
	}
}

var idName = words("id|no|nr|num|number")

func sequentialID(l *linter, op *Operation, p *Param) {
	if p.In != "path" || p.Schema == nil || p.Property.Owner != "" || op.Ext.Allow != "" || len(op.Ext.Roles) > 0 || !idName.MatchString(p.Name) || op.bound() {
		return
	}
	if types := p.Schema.Types(); len(types) > 0 && !slices.Contains(types, "string") {
		l.warn(p.place, "spec.sequential_id", fmt.Sprintf("x-sallyport: { owner: … } on %s or on a property of the answer; or hand out UUIDs", p.Name), "%s of %s can be counted through, and nothing binds the object to its owner (API1)", p.Name, op.Key)
	}
}

// bound reports whether something of the operation is bound to an owner already.
func (o *Operation) bound() bool {
	if len(o.Ext.Owner) > 0 || slices.ContainsFunc(o.Params, func(p *Param) bool { return p.Property.Owner != "" }) {
		return true
	}
	for _, x := range o.Ext.Properties {
		if x.Owner != "" {
			return true
		}
	}
	return false
}

var urlWords = words("url|uri|callback|webhook|redirect|endpoint|link|href")

func urlParam(l *linter, _ *Operation, p *Param) {
	if p.In == "path" || p.Schema == nil || !urlWords.MatchString(p.Name) || p.Property.Kind != "" {
		return
	}
	if f := p.Schema.Info().Format; !slices.Contains(p.Schema.Types(), "string") || f != "" {
		return
	}
	l.warn(p.place, "spec.url_field", "format: uri, or x-sallyport: { kind: url }", "%s looks like a URL; without format or kind it is not checked for inside addresses (API7)", p.Name)
}
