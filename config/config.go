// Package config is the file: plain structs, decoded strictly, with all problems reported at once by file, line and
// column. The comment of a field is its manual; docs/config.md and the JSON Schema are generated from them.
//
// The package knows nothing of what the values are used for; whoever builds from them checks what only it can know.
package config

// Config is the whole file.
type Config struct {
	// Version of the config language. Always 1.
	Version int `yaml:"version"`
	// Listen lists the sockets on which clients are served.
	Listen []Listener `yaml:"listen"`
	// Admin is the listener for operators: health, metrics and the admin API. Never exposed to clients.
	Admin Admin `yaml:"admin"`
	// Store says where state is kept, and for how long: API keys, exchanges, events.
	Store Store `yaml:"store"`
	// Identity lists who may vouch for a caller. The security schemes of a spec are mapped to these by name.
	Identity []Identity `yaml:"identity"`
	// Plans are named sets of limits, which callers have by key, token, tenant or API.
	Plans []Plan `yaml:"plans"`
	// APIs lists what is protected.
	APIs []API `yaml:"apis"`
	// Abuse says what becomes of clients that do not take no for an answer, and of strangers while the gateway is overloaded.
	Abuse Abuse `yaml:"abuse"`
	// Alerts says what people are told of, and how.
	Alerts Alerts `yaml:"alerts"`
	// Log says where the access log goes.
	Log Log `yaml:"log"`
	// Events says who else is told what happened: files, syslog, webhooks, Kafka, collectors, object stores.
	Events Events `yaml:"events"`
	// Audit is the log that proves what happened. On by default.
	Audit Audit `yaml:"audit"`
}

// Listener is one socket for clients.
type Listener struct {
	// Address to listen on, host:port. Plain HTTP is accepted on loopback only, unless insecure says otherwise.
	Address string `yaml:"address"`
	// TLS serves HTTPS (1.2 with forward secrecy, and 1.3) and HTTP/2.
	TLS *TLS `yaml:"tls"`
	// HTTP3 also serves HTTP/3, on the UDP port of the same number, and says so in Alt-Svc. It needs tls. Default false.
	HTTP3 bool `yaml:"http3"`
	// HSTS is the Strict-Transport-Security of every answer to a client that came by TLS, or off. Default max-age=63072000; includeSubDomains.
	HSTS string `yaml:"hsts"`
	// Insecure: true accepts plain HTTP on an address that is not loopback. Write it down only where something in front terminates TLS.
	Insecure bool `yaml:"insecure"`
	// TrustedProxies are the CIDRs of proxies whose X-Forwarded-For or Forwarded tells the client's address.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// ProxyProtocol are the CIDRs of load balancers that begin every connection with a header of the PROXY protocol, version 1 or 2, which tells the client's address. From them it is mandatory; from anybody else it is not understood, and so refused.
	ProxyProtocol []string `yaml:"proxy_protocol"`
	// MaxHeader bounds the request line and header together. Default 32 KiB.
	MaxHeader Size `yaml:"max_header"`
	// HeaderTimeout bounds the time until the header is read. Default 10s.
	HeaderTimeout Duration `yaml:"header_timeout"`
	// IdleTimeout closes a keepalive connection without requests. Default 2m.
	IdleTimeout Duration `yaml:"idle_timeout"`
	// Limits bound what strangers can do to this listener.
	Limits Limits `yaml:"limits"`
}

// Identity is one source of credentials: exactly one of jwt, api_key and mtls is set.
type Identity struct {
	// Name by which apis[].security refers to it.
	Name string `yaml:"name"`
	// JWT accepts signed access tokens (RFC 9068, RFC 8725).
	JWT *JWT `yaml:"jwt"`
	// APIKey accepts API keys.
	APIKey *APIKey `yaml:"api_key"`
	// MTLS accepts client certificates. The listener or the API must ask for them: clients.
	MTLS *MTLS `yaml:"mtls"`
}

// JWT says which access tokens are accepted.
type JWT struct {
	// Issuer must equal the token's iss exactly.
	Issuer string `yaml:"issuer"`
	// JWKS is where the issuer's keys are: an https URL, or file:PATH.
	JWKS string `yaml:"jwks"`
	// Audience: one of these must be in the token's aud.
	Audience []string `yaml:"audience"`
	// Algorithms that are accepted, of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA. Each key is bound to one. Default ES256, RS256, EdDSA.
	Algorithms []string `yaml:"algorithms"`
	// Types are the accepted values of the header's typ, compared without case. Default at+jwt and JWT; [at+jwt] is RFC 9068 to the letter.
	Types []string `yaml:"types"`
	// Roles is where the token tells the caller's roles. Default claims.roles.
	Roles string `yaml:"roles"`
	// Scopes is where the token tells the scopes: a list, or one string separated by spaces. Default claims.scope.
	Scopes string `yaml:"scopes"`
	// Tenant is where the token tells the caller's tenant. Default claims.tenant.
	Tenant string `yaml:"tenant"`
	// Plan is where the token tells the caller's plan: claims.plan. A token that names one which is not among plans is refused by the quotas. Default: nowhere.
	Plan string `yaml:"plan"`
	// Leeway for exp and nbf. Default 30s, at most 5m.
	Leeway Duration `yaml:"leeway"`
	// MaxSize bounds the token before it is decoded. Default 8 KiB.
	MaxSize Size `yaml:"max_size"`
	// Refresh is how often the key set is fetched again. Default 5m.
	Refresh Duration `yaml:"refresh"`
	// AllowPrivate: true lets the key set's URL be http, or point to a private address. For test benches.
	AllowPrivate bool `yaml:"allow_private"`
}

// APIKey says where API keys come from.
type APIKey struct {
	// Header that carries the key. Default X-API-Key.
	Header string `yaml:"header"`
	// Keys listed here are valid besides those in the store (sallyport keys create).
	Keys []Key `yaml:"keys"`
}

// Key is one API key, kept as a hash.
type Key struct {
	// ID names the key in logs.
	ID string `yaml:"id"`
	// Hash is what `sallyport keys create` printed: sha256:<hex>.
	Hash string `yaml:"hash"`
	// Subject is who the key belongs to. Default the id.
	Subject string `yaml:"subject"`
	// Tenant of the subject.
	Tenant string `yaml:"tenant"`
	// Roles of the subject.
	Roles []string `yaml:"roles"`
	// Scopes of the key.
	Scopes []string `yaml:"scopes"`
	// Plan that the key is held to. Default: that of the tenant, else of the API.
	Plan string `yaml:"plan"`
	// Expires is the day or time from which the key is refused, RFC 3339.
	Expires string `yaml:"expires"`
}

// Log says where the access log goes.
type Log struct {
	// Access is stdout, off, or a file. One JSON object per line. A file that is renamed or removed (logrotate) is made anew. Default stdout.
	Access string `yaml:"access"`
}
