package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// checker gathers what is wrong with decoded values. What needs the spec, a file or the network is for the builders.
type checker struct {
	src      *Source
	problems Problems
}

func (c *checker) fail(path, message, hint string) {
	c.problems = append(c.problems, c.src.Problem(path, "config.value", path+": "+message, hint))
}

func check(cfg *Config, src *Source) Problems {
	c := checker{src: src}
	if cfg.Version != 1 {
		c.fail("version", fmt.Sprintf("%d is not a version of the config language", cfg.Version), "version: 1")
	}
	for i, l := range cfg.Listen {
		c.listener(l, fmt.Sprintf("listen[%d]", i))
	}
	c.admin(cfg.Admin)
	c.store(cfg.Store)
	names := map[string]bool{}
	for i, id := range cfg.Identity {
		at := fmt.Sprintf("identity[%d]", i)
		c.name(id.Name, at, names)
		c.identity(id, at)
	}
	if len(cfg.APIs) == 0 {
		c.fail("apis", "there is no API to protect", "apis: [ { name: shop, spec: openapi.yaml, upstream: http://127.0.0.1:9000 } ]")
	}
	c.planned(cfg)
	apis := map[string]bool{}
	for i, a := range cfg.APIs {
		at := fmt.Sprintf("apis[%d]", i)
		c.name(a.Name, at, apis)
		c.api(a, at, names)
		c.rated(a.Bots, at+".bots", cfg.Abuse.Lists)
	}
	c.asked(cfg)
	c.abuse(cfg.Abuse)
	c.lists(cfg.Abuse)
	c.agents(cfg.Abuse.Agents)
	c.alerts(cfg.Alerts)
	c.events(cfg.Events)
	c.notes(cfg.Events)
	c.audit(cfg.Audit, "audit")
	return c.problems
}

func (c *checker) name(name, at string, seen map[string]bool) {
	switch {
	case name == "":
		c.fail(at, "has no name", "name: shop")
	case strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", r)
	}):
		c.fail(at+".name", "may have letters, digits, - and _ only", "it becomes a label of metrics")
	case seen[name]:
		c.fail(at+".name", "the name "+name+" is taken", "")
	}
	seen[name] = true
}

func (c *checker) listener(l Listener, at string) {
	if _, err := netip.ParseAddrPort(strings.Replace(l.Address, "localhost:", "127.0.0.1:", 1)); err != nil && !strings.HasPrefix(l.Address, ":") {
		c.fail(at+".address", "is not host:port with an IP address", "address: 127.0.0.1:8080")
	}
	if l.TLS != nil {
		c.tls(*l.TLS, at+".tls")
	}
	if l.HTTP3 && l.TLS == nil {
		c.fail(at+".http3", "needs tls", "there is no HTTP/3 without encryption")
	}
	c.limits(l.Limits, at+".limits")
	c.hsts(l.HSTS, at+".hsts")
	c.networks(l.TrustedProxies, at+".trusted_proxies")
	c.networks(l.ProxyProtocol, at+".proxy_protocol")
}

func (c *checker) networks(list []string, at string) {
	for i, p := range list {
		if _, err := netip.ParsePrefix(p); err != nil {
			c.fail(fmt.Sprintf("%s[%d]", at, i), "is not a CIDR", "10.0.0.0/8")
		}
	}
}

// host is a name as it stands in Host, or an address; a pattern would let rebound names in.
func (c *checker) host(h, at string) {
	if _, err := netip.ParseAddr(h); err != nil && (h == "" || strings.ContainsAny(h, ":/*@ []")) {
		c.fail(at, "is not a host name or address without port", "sallyport.example.com")
	}
}

func (c *checker) identity(id Identity, at string) {
	if id.Kinds() != 1 {
		c.fail(at, "needs exactly one of jwt, api_key and mtls", "")
	}
	if id.MTLS != nil {
		c.mtls(*id.MTLS, at+".mtls")
	}
	j := id.JWT
	if j == nil {
		return
	}
	if j.Issuer == "" {
		c.fail(at+".jwt.issuer", "is missing", "issuer: https://idp.example/")
	}
	if j.JWKS == "" {
		c.fail(at+".jwt.jwks", "is missing", "jwks: https://idp.example/jwks.json, or file:jwks.json")
	}
	if len(j.Audience) == 0 {
		c.fail(at+".jwt.audience", "is missing: a token for another API would be accepted", "audience: [shop]")
	}
	if j.Leeway > Duration(5*time.Minute) {
		c.fail(at+".jwt.leeway", "is more than 5m", "")
	}
}

func (c *checker) api(a API, at string, identities map[string]bool) {
	if a.Spec == "" && a.Unknown != "inspect" {
		c.fail(at, "has no spec", "spec: openapi.yaml, or unknown: inspect to let everything through inspection")
	}
	if len(a.Upstream.Targets) == 0 {
		c.fail(at, "has no upstream", "upstream: http://127.0.0.1:9000")
	}
	for _, t := range a.Upstream.Targets {
		if u, err := url.Parse(t); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			c.fail(at+".upstream", fmt.Sprintf("%q is not an http or https URL of a service", t), "http://127.0.0.1:9000")
		}
	}
	c.upstreamTLS(a.Upstream, at+".upstream")
	for scheme, name := range a.Security {
		if !identities[name] {
			c.fail(fmt.Sprintf("%s.security[%q]", at, scheme), "there is no identity "+name, "add it under identity")
		}
	}
	if a.Clients != nil {
		c.clients(*a.Clients, at+".clients")
		c.names(a.Hosts, at+".clients")
	}
	c.modes(a.Modes, at)
	c.rate(a.Rate, at+".rate")
	c.challenge(a, at)
	c.inspect(a.Inspect, at+".inspect")
	c.cors(a.Protect.CORS, at+".protect.cors")
	for key, op := range a.Operations {
		c.operation(op, fmt.Sprintf("%s.operations[%q]", at, key))
	}
}

func (c *checker) operation(op Operation, at string) {
	c.modes(op.Modes, at)
	c.rate(op.Rate, at+".rate")
	c.cors(op.CORS, at+".cors")
	if op.Cost < 0 {
		c.fail(at+".cost", "is negative", "")
	}
}

// Guards are the names that modes may use: every guard, and every family before its dot.
var Guards = []string{
	"limit", "limit.admit", "limit.agent", "limit.bot", "limit.spend", "limit.quota", "identity", "policy", "policy.operation", "policy.object",
	"validate", "validate.params", "validate.body", "validate.response",
	"inspect", "inspect.head", "inspect.body", "inspect.url", "inspect.response",
	"protect", "protect.cors", "protect.errors", "protect.filter", "protect.mask", "protect.headers",
}

func (c *checker) modes(m map[string]Mode, at string) {
	known := map[string]bool{}
	for _, g := range Guards {
		known[g] = true
	}
	for name := range m {
		if !known[name] {
			c.fail(fmt.Sprintf("%s.modes[%q]", at, name), "there is no guard "+name, near(name, Guards))
		}
	}
}

func (c *checker) rate(r *Rate, at string) {
	if r != nil && (r.Limit < 0 || r.Burst < 0) {
		c.fail(at, "limit and burst cannot be negative", "rate: { limit: 100, per: 1m }")
	}
}

func (c *checker) inspect(i Inspect, at string) {
	if i.Paranoia < 0 || i.Paranoia > 4 {
		c.fail(at+".paranoia", "is not 1, 2, 3 or 4", "")
	}
	for n, e := range i.Exclude {
		at := fmt.Sprintf("%s.exclude[%d]", at, n)
		if e.Rule == "" || e.Reason == "" {
			c.fail(at, "needs rule and reason", `{ rule: "942100", field: body.note, reason: free text }`)
		}
		if _, err := time.Parse(time.DateOnly, e.Expires); e.Expires != "" && err != nil {
			c.fail(at+".expires", "is not a day like 2027-01-31", "")
		}
	}
}

func (c *checker) cors(r *CORS, at string) {
	if r == nil {
		return
	}
	for _, o := range r.Origins {
		if o == "*" && r.Credentials {
			c.fail(at, "origin * with credentials lets every site act as the user", "list the origins")
		}
		if u, err := url.Parse(o); o != "*" && (err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "") {
			c.fail(at+".origins", fmt.Sprintf("%q is not an origin", o), "https://app.example.com, without a slash at the end")
		}
	}
}
