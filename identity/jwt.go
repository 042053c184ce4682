package identity

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Defaults and bounds of jwt settings.
const (
	defaultMaxSize = 8 << 10
	mostMaxSize    = 64 << 10
	defaultLeeway  = 30 * time.Second
	mostLeeway     = 5 * time.Minute
	defaultRefresh = 5 * time.Minute
	leastRefresh   = 10 * time.Second
)

// jwt verifies the access tokens of one identity. It is immutable; what changes is in the key set.
type jwt struct {
	name, at string // of the identity; at is its path in the config: identity[0]
	id       uint32 // of these settings, for the cache
	issuer   string
	audience []string
	allowed  [algorithms]bool
	list     []algorithm // the same, in the order of the config
	types    []string
	letter   bool // RFC 9068 to the letter: at+jwt is the only type
	roles    claimPath
	scopes   claimPath
	tenant   claimPath
	plan     claimPath // "": nowhere
	leeway   time.Duration
	maxSize  int
	keys     *keySet
	cache    *cache
}

// verify turns a token into facts about its bearer.
func (j *jwt) verify(ctx context.Context, token string) (*facts, *failure) {
	now := time.Now()
	if len(token) > j.maxSize {
		return nil, j.blame(fail(exchange.TokenMalformed, "%d bytes, more than max_size %d", len(token), j.maxSize).by("max_size"))
	}
	name := j.cache.name(token, j.id)
	if known := j.cache.get(name, j.keys.ring(), now); known != nil {
		return known, nil
	}
	c, f := parseCompact(token)
	if f != nil {
		return nil, j.blame(f)
	}
	ring, f := j.signature(ctx, &c)
	if f != nil {
		return nil, j.blame(f)
	}
	claims, f := readClaims(c.payload)
	if f != nil {
		return nil, j.blame(f)
	}
	known, f := j.judge(&c.header, claims, now)
	if f != nil {
		return nil, j.blame(f)
	}
	j.cache.put(name, ring, known, known.expires.Add(j.leeway), len(token))
	return known, nil
}

// knows reports whether the cache has the token. It decides nothing.
func (j *jwt) knows(token string) bool {
	return len(token) <= j.maxSize && j.cache.has(j.cache.name(token, j.id))
}

// signature checks type, algorithm, key and signature, in this order: the cheap ones first, and at most one signature
// check for a token. It returns the ring that held the key.
func (j *jwt) signature(ctx context.Context, c *compact) (*keyRing, *failure) {
	if !has(j.types, c.header.typ) {
		return nil, fail(exchange.TokenType, "typ is %s", quote(c.header.typ)).by("types")
	}
	if !j.allowed[c.header.alg] {
		return nil, fail(exchange.TokenAlgorithm, "alg %s is not allowed", c.header.alg).by("algorithms")
	}
	k, ring, f := j.keys.find(ctx, &c.header)
	if f != nil {
		return nil, f
	}
	if !k.verify(c.signed, c.signature) {
		return nil, fail(exchange.TokenSignature, "kid %s, alg %s", quote(k.kid), k.alg).by("jwks")
	}
	return ring, nil
}

// judge checks the claims of RFC 9068 section 4, and makes them a principal.
func (j *jwt) judge(h *header, claims map[string]any, now time.Time) (*facts, *failure) {
	if iss, ok := claims["iss"].(string); !ok || iss != j.issuer {
		return nil, fail(exchange.TokenIssuer, "iss is %s", quote(iss)).by("issuer")
	}
	if f := audience(claims, j.audience); f != nil {
		return nil, f.by("audience")
	}
	expires, f := j.times(claims, now)
	if f != nil {
		return nil, f
	}
	if f := j.kind(h, claims); f != nil {
		return nil, f
	}
	known, f := j.principal(claims)
	if f != nil {
		return nil, f
	}
	if known.thumbprint, f = thumbprint(claims); f != nil {
		return nil, f
	}
	known.expires, known.principal.Expires = expires, expires
	return known, nil
}

// times checks exp, nbf and iat (RFC 7519 section 4.1), and returns exp.
func (j *jwt) times(claims map[string]any, now time.Time) (time.Time, *failure) {
	exp, present, f := date(claims, "exp")
	if f != nil {
		return exp, f
	}
	if !present {
		return exp, fail(exchange.TokenClaims, "exp is missing")
	}
	if !now.Before(exp.Add(j.leeway)) {
		return exp, fail(exchange.TokenExpired, "exp was %s ago", now.Sub(exp).Round(time.Second)).by("leeway")
	}
	for _, name := range []string{"nbf", "iat"} {
		t, _, f := date(claims, name)
		if f != nil {
			return exp, f
		}
		if t.After(now.Add(j.leeway)) {
			return exp, fail(exchange.TokenNotYet, "%s is in %s", name, t.Sub(now).Round(time.Second)).by("leeway")
		}
	}
	return exp, nil
}

// kind refuses tokens that are signed by the same keys but are not access tokens.
func (j *jwt) kind(h *header, claims map[string]any) *failure {
	if j.letter { // RFC 9068 section 2.2
		for _, name := range []string{"client_id", "jti"} {
			if s, _ := claims[name].(string); s == "" {
				return fail(exchange.TokenClaims, "%s is missing", name).by("types")
			}
		}
		if claims["iat"] == nil {
			return fail(exchange.TokenClaims, "iat is missing").by("types")
		}
	}
	if h.typ != "jwt" {
		return nil
	}
	// A typ that says nothing: ID tokens, logout tokens and security events give themselves away by their claims.
	for _, name := range []string{"at_hash", "c_hash", "s_hash", "events"} {
		if _, present := claims[name]; present {
			return fail(exchange.TokenType, "claim %s: not an access token", name)
		}
	}
	if claims["token_use"] == "id" || claims["typ"] == "ID" || claims["typ"] == "Refresh" {
		return fail(exchange.TokenType, "an ID or refresh token by its claims")
	}
	return nil
}

// principal reads who the token is about.
func (j *jwt) principal(claims map[string]any) (*facts, *failure) {
	p := exchange.Principal{Kind: "jwt", Claims: claims}
	var f *failure
	if p.Subject, f = text(claims, "sub"); f != nil {
		return nil, f
	}
	if !printable(p.Subject) {
		return nil, fail(exchange.TokenClaims, "sub is missing, empty or unprintable")
	}
	for _, name := range []string{"client_id", "azp"} {
		if p.ClientID != "" {
			break
		}
		if p.ClientID, f = text(claims, name); f != nil {
			return nil, f
		}
	}
	if p.Tenant, f = j.tenant.identifier(claims); f != nil {
		return nil, f.by("tenant")
	}
	if j.plan != "" {
		if p.Plan, f = j.plan.identifier(claims); f != nil {
			return nil, f.by("plan")
		}
	}
	if p.Roles, f = j.roles.list(claims, one); f != nil {
		return nil, f.by("roles")
	}
	if p.Scopes, f = j.scopes.list(claims, scopeList); f != nil {
		return nil, f.by("scopes")
	}
	for _, s := range p.Scopes {
		if !scopeToken(s) {
			return nil, fail(exchange.TokenClaims, "a scope has characters that RFC 6749 does not allow").by("scopes")
		}
	}
	return &facts{principal: p}, nil
}

// blame completes a failure with the identity and the path of the setting.
func (j *jwt) blame(f *failure) *failure {
	f.detail = "identity " + j.name + ": " + f.detail
	if f.setting != "" {
		f.setting = j.at + ".jwt." + f.setting
	}
	return f
}

// newJWT compiles the settings, gathering every mistake. Key set, cache and id are for the caller to add.
func newJWT(name, at string, c *config.JWT, m *mistakes) *jwt {
	j := &jwt{
		name: name, at: at, issuer: c.Issuer, audience: c.Audience,
		roles:   path(at+".jwt.roles", c.Roles, "claims.roles", m),
		scopes:  path(at+".jwt.scopes", c.Scopes, "claims.scope", m),
		tenant:  path(at+".jwt.tenant", c.Tenant, "claims.tenant", m),
		leeway:  c.Leeway.Or(defaultLeeway),
		maxSize: int(c.MaxSize.Or(defaultMaxSize)),
	}
	at += ".jwt"
	if c.Plan != "" {
		j.plan = path(at+".plan", c.Plan, "claims.plan", m)
	}
	if j.issuer == "" {
		m.add(at+".issuer", "is missing: without it the tokens of anybody with a key in the set would do")
	}
	if len(j.audience) == 0 || slices.Contains(j.audience, "") {
		m.add(at+".audience", "is missing: without it tokens that were meant for other APIs would do")
	}
	if j.leeway > mostLeeway {
		m.add(at+".leeway", "is more than %s", mostLeeway)
	}
	if j.maxSize > mostMaxSize {
		m.add(at+".max_size", "is more than %d bytes", mostMaxSize)
	}
	if r := c.Refresh.Or(defaultRefresh); r < leastRefresh {
		m.add(at+".refresh", "is less than %s", leastRefresh)
	}
	j.types, j.letter = tokenTypes(c.Types)
	j.list = allowedAlgorithms(at+".algorithms", c.Algorithms, m)
	for _, a := range j.list {
		j.allowed[a] = true
	}
	return j
}

// tokenTypes brings the accepted values of typ into the form of [normalType].
func tokenTypes(list []string) (types []string, letter bool) {
	if len(list) == 0 {
		return []string{"at+jwt", "jwt"}, false
	}
	letter = true
	for _, t := range list {
		t = normalType(t)
		types = append(types, t)
		letter = letter && t == "at+jwt"
	}
	return types, letter
}

func allowedAlgorithms(at string, names []string, m *mistakes) []algorithm {
	if len(names) == 0 {
		return []algorithm{es256, rs256, edDSA}
	}
	list := make([]algorithm, 0, len(names))
	for i, n := range names {
		a := algorithmByName[n]
		if a == noAlgorithm {
			m.add(at, "[%d]: %s is not one of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA", i, quote(n))
			continue
		}
		list = append(list, a)
	}
	return list
}

// path compiles "claims.a.b".
func path(at, written, standard string, m *mistakes) claimPath {
	if written == "" {
		written = standard
	}
	const prefix = "claims."
	if len(written) <= len(prefix) || written[:len(prefix)] != prefix {
		m.add(at, "must begin with %q and name a claim, as in %q", prefix, standard)
		return ""
	}
	return claimPath(written[len(prefix):])
}
