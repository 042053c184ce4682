package config

import (
	"fmt"
	"net/url"
	"slices"
)

// Admin is the listener for operators.
type Admin struct {
	// Address, host:port, or off. Loopback only, unless TLS is set. Default 127.0.0.1:9901.
	Address string `yaml:"address"`
	// TLS serves the admin listener over HTTPS.
	TLS *TLS `yaml:"tls"`
	// Hosts are the names under which the listener may be asked, without port, besides localhost and the address that the connection came in on: the name of a service in a cluster, say. Others are refused, so that no web page reaches it through an operator's browser.
	Hosts []string `yaml:"hosts"`
	// Token for the admin API, as a secret reference. Default: generated on first start, printed once, kept hashed in the store.
	Token string `yaml:"token" secret:"true"`
	// Session bounds how long somebody stays signed in to the dashboard.
	Session Session `yaml:"session"`
	// Approval asks for a second person.
	Approval Approval `yaml:"approval"`
	// OIDC lets people sign in to the dashboard at an identity provider, besides users with a password (sallyport users).
	OIDC *AdminOIDC `yaml:"oidc"`
}

// Session bounds how long somebody stays signed in.
type Session struct {
	// Idle ends a session in which nothing is asked. Default 30m.
	Idle Duration `yaml:"idle"`
	// Lifetime ends every session. Default 12h.
	Lifetime Duration `yaml:"lifetime"`
}

// Approval asks for a second person.
type Approval struct {
	// Changes is how many people a change of the config over the admin API takes, its author included: 1 or 2. With 2 it waits until another operator approves it. Default 1.
	Changes int `yaml:"changes"`
	// Expires is how long a change waits. Default 24h.
	Expires Duration `yaml:"expires"`
}

// AdminOIDC is an identity provider for people who administer (OpenID Connect, authorization code with PKCE).
type AdminOIDC struct {
	// Issuer is the provider's https URL, as in the iss of its tokens.
	Issuer string `yaml:"issuer"`
	// ClientID under which the dashboard is registered there.
	ClientID string `yaml:"client_id"`
	// ClientSecret of that registration, as a secret reference; none for a public client.
	ClientSecret string `yaml:"client_secret" secret:"true"`
	// URL of the dashboard as browsers know it, such as https://sallyport.internal:9901. URL/signin/oidc/callback is registered at the provider.
	URL string `yaml:"url"`
	// Scopes that are asked for besides openid. Default profile and email.
	Scopes []string `yaml:"scopes"`
	// Name is the claim that names the person: email (which must be verified), sub, or another one. Default email.
	Name string `yaml:"name"`
	// Claim that tells what the person may do: a text or a list, dots lead into objects. Default roles.
	Claim string `yaml:"claim"`
	// Roles are viewer, analyst, operator and admin by values of the claim; the strongest counts, and whoever has none is refused.
	Roles map[string]string `yaml:"roles"`
	// AllowPrivate: true lets the issuer be http. For test benches.
	AllowPrivate bool `yaml:"allow_private"`
}

// AdminRoles are the roles of people who administer, weakest first.
var AdminRoles = []string{"viewer", "analyst", "operator", "admin"}

func (c *checker) admin(a Admin) {
	if a.TLS != nil {
		c.tls(*a.TLS, "admin.tls")
		if a.TLS.ACME != nil {
			c.fail("admin.tls.acme", "an authority must not reach the admin listener", "cert and key")
		}
	}
	for i, h := range a.Hosts {
		c.host(h, fmt.Sprintf("admin.hosts[%d]", i))
	}
	if n := a.Approval.Changes; n < 0 || n > 2 {
		c.fail("admin.approval.changes", "is not 1 or 2", "")
	}
	if a.Session.Lifetime != 0 && a.Session.Idle > a.Session.Lifetime {
		c.fail("admin.session.idle", "is longer than lifetime", "")
	}
	if a.OIDC != nil {
		c.oidc(*a.OIDC)
	}
}

func (c *checker) oidc(o AdminOIDC) {
	const at = "admin.oidc"
	for _, u := range []struct{ name, value, hint string }{
		{"issuer", o.Issuer, "issuer: https://idp.example"}, {"url", o.URL, "url: https://sallyport.internal:9901"},
	} {
		parsed, err := url.Parse(u.value)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
			c.fail(at+"."+u.name, "is not an URL", u.hint)
		} else if u.name == "issuer" && parsed.Scheme == "http" && !o.AllowPrivate {
			c.fail(at+".issuer", "is not https: whoever is on the way could sign in as anybody", u.hint)
		}
	}
	if o.ClientID == "" {
		c.fail(at+".client_id", "is missing", "client_id: sallyport")
	}
	if len(o.Roles) == 0 {
		c.fail(at+".roles", "is missing: nobody could sign in", "roles: { security-team: operator }")
	}
	for value, role := range o.Roles {
		if !slices.Contains(AdminRoles, role) {
			c.fail(fmt.Sprintf("%s.roles[%q]", at, value), "is not one of viewer, analyst, operator, admin", near(role, AdminRoles))
		}
	}
}
