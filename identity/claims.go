package identity

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/exchange"
)

// maxDate bounds NumericDate claims: the end of year 9999. Beyond it time arithmetic stops to mean anything.
const maxDate = 253402300799

// maxIdentifier bounds a subject, tenant, role or scope in bytes: they go into headers and into keys of counters.
const maxIdentifier = 1024

// readClaims reads the payload of a token whose signature verified.
func readClaims(payload []byte) (map[string]any, *failure) {
	claims := make(map[string]any, 16)
	f := members(payload, func(name string, value any) *failure {
		claims[name] = value
		return nil
	})
	return claims, f
}

// date reads a NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction.
func date(claims map[string]any, name string) (t time.Time, present bool, f *failure) {
	switch v := claims[name].(type) {
	case nil:
		if _, null := claims[name]; null {
			return t, true, fail(exchange.TokenClaims, "%s is null", name)
		}
		return t, false, nil
	case int64:
		if v < 0 || v > maxDate {
			return t, true, fail(exchange.TokenClaims, "%s is out of range", name)
		}
		return time.Unix(v, 0), true, nil
	case float64:
		if !(v >= 0 && v <= maxDate) {
			return t, true, fail(exchange.TokenClaims, "%s is out of range", name)
		}
		whole, fraction := math.Modf(v)
		return time.Unix(int64(whole), int64(fraction*1e9)), true, nil
	}
	return t, true, fail(exchange.TokenClaims, "%s is not a number", name)
}

// text reads a claim that is a string where it is present.
func text(claims map[string]any, name string) (string, *failure) {
	v, present := claims[name]
	if !present {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", fail(exchange.TokenClaims, "%s is not a string", name)
	}
	return s, nil
}

// audience reports whether aud names one of want. aud is a string or a list of strings (RFC 7519 section 4.1.3).
func audience(claims map[string]any, want []string) *failure {
	switch aud := claims["aud"].(type) {
	case string:
		if has(want, aud) {
			return nil
		}
		return fail(exchange.TokenAudience, "aud is %s", quote(aud))
	case []any:
		found := false
		for _, a := range aud {
			s, ok := a.(string)
			if !ok {
				return fail(exchange.TokenAudience, "aud holds something that is not a string")
			}
			found = found || has(want, s)
		}
		if found {
			return nil
		}
		return fail(exchange.TokenAudience, "aud is a list without this API")
	case nil:
		return fail(exchange.TokenAudience, "aud is missing")
	}
	return fail(exchange.TokenAudience, "aud is neither a string nor a list")
}

func has(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// A claimPath says where in the claims something stands: "realm_access.roles". At each level the whole rest is tried
// as one name first, because names that are URLs contain dots.
type claimPath string

func (p claimPath) find(claims map[string]any) (any, bool) {
	rest := string(p)
	for {
		if v, ok := claims[rest]; ok {
			return v, true
		}
		head, tail, ok := strings.Cut(rest, ".")
		if !ok {
			return nil, false
		}
		if claims, ok = claims[head].(map[string]any); !ok {
			return nil, false
		}
		rest = tail
	}
}

// list reads a claim that is a list of strings, or one string, which split turns into a list. A claim of another kind
// is refused: what it was meant to say is unknown.
func (p claimPath) list(claims map[string]any, split func(string) []string) ([]string, *failure) {
	v, ok := p.find(claims)
	if !ok || v == nil {
		return nil, nil
	}
	var list []string
	switch v := v.(type) {
	case string:
		list = split(v)
	case []any:
		list = make([]string, len(v))
		for i := range v {
			if list[i], ok = v[i].(string); !ok {
				return nil, fail(exchange.TokenClaims, "claims.%s holds something that is not a string", p)
			}
		}
	default:
		return nil, fail(exchange.TokenClaims, "claims.%s is neither a list nor a string", p)
	}
	for _, s := range list {
		if !printable(s) {
			return nil, fail(exchange.TokenClaims, "claims.%s holds an empty or unprintable string", p)
		}
	}
	return list, nil
}

// identifier reads a claim that is a string or a whole number.
func (p claimPath) identifier(claims map[string]any) (string, *failure) {
	v, ok := p.find(claims)
	if !ok || v == nil {
		return "", nil
	}
	switch v := v.(type) {
	case string:
		if printable(v) {
			return v, nil
		}
		return "", fail(exchange.TokenClaims, "claims.%s is empty or unprintable", p)
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	return "", fail(exchange.TokenClaims, "claims.%s is neither a string nor a whole number", p)
}

// printable reports whether s can name somebody: not empty, not huge, no control, format or separator characters, no
// surrounding space. Format characters are what makes two names look like one.
func printable(s string) bool {
	if s == "" || len(s) > maxIdentifier || s[0] == ' ' || s[len(s)-1] == ' ' || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// one is for claims in which a single string is a single value.
func one(s string) []string { return []string{s} }
