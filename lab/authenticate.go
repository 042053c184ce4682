package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A principal is who calls.
type principal struct{ ID, Tenant, Role string }

func (p *principal) isStaff() bool { return p.Role == "support" || p.Role == "admin" }

// authenticate returns who calls, or nil.
func (l *Lab) authenticate(r *http.Request, s *store) *principal {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return l.keyHolder(key)
	}
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		// flaw AUTH-5: tokens in the query end up in logs, histories and referrers.
		token = r.URL.Query().Get("access_token")
	}
	c, ok := l.verify(token)
	if !ok || len(c.Roles) == 0 {
		return nil
	}
	p := &principal{c.Subject, c.Tenant, c.Roles[0]}
	for _, role := range []string{"admin", "support"} {
		if slices.Contains(c.Roles, role) {
			p.Role = role
			break
		}
	}
	return p
}

// keyHolder returns who an API key belongs to.
func (l *Lab) keyHolder(key string) *principal {
	// flaw AUTH-6: keys of the sandbox open the live shop, and any sandbox key will do.
	if key == l.opts.APIKey || strings.HasPrefix(key, "hgk_test_") {
		return &principal{PartnerID, PartnerTenant, "partner"}
	}
	return nil
}

// verify reads a token and checks its signature, more or less.
func (l *Lab) verify(token string) (c claims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	var head struct {
		Alg string `json:"alg"`
	}
	if !decodePart(parts[0], &head) || !decodePart(parts[1], &c) {
		return c, false
	}
	// flaw AUTH-3: "phones have wrong clocks", so a token is good for a year after it has expired.
	if time.Unix(c.Expires, 0).Before(time.Now().AddDate(-1, 0, 0)) {
		return c, false
	}
	// flaw AUTH-2, AUTH-7: the token says itself how it is to be verified.
	switch head.Alg {
	case "none":
		return c, true
	case "HS256":
		mac := hmac.New(sha256.New, l.keys.public)
		mac.Write([]byte(parts[0] + "." + parts[1]))
		sig, err := base64.RawURLEncoding.DecodeString(parts[2])
		return c, err == nil && hmac.Equal(sig, mac.Sum(nil))
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return c, false
	}
	_, err = jws.Verify(l.keys.key.Public())
	return c, err == nil
}

func decodePart(part string, v any) bool {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(data, v) == nil
}
