package identity

import (
	"encoding/base64"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// A compact is a JWS in compact serialization (RFC 7515 section 7.1), decoded but not trusted.
type compact struct {
	header    header
	payload   []byte
	signed    string // what the signature covers: header.payload as received
	signature []byte
}

// header holds the members of a JOSE header that have a meaning here.
type header struct {
	alg    algorithm
	kid    string
	hasKid bool
	typ    string // lower case, without "application/"; "jwt" when absent
}

// strict refuses padding, line breaks and unused bits that are not zero: one token has one spelling.
var strict = base64.RawURLEncoding.Strict()

// parseCompact splits and decodes a token of bounded size. One pass over the bytes comes before anything is decoded.
func parseCompact(token string) (compact, *failure) {
	var c compact
	first, second, f := dots(token)
	if f != nil {
		return c, f
	}
	head, err := strict.DecodeString(token[:first])
	if err != nil {
		return c, fail(exchange.TokenMalformed, "the header is not base64url")
	}
	if c.header, f = parseHeader(head); f != nil {
		return c, f
	}
	if c.payload, err = strict.DecodeString(token[first+1 : second]); err != nil {
		return c, fail(exchange.TokenMalformed, "the payload is not base64url")
	}
	if c.signature, err = strict.DecodeString(token[second+1:]); err != nil {
		return c, fail(exchange.TokenMalformed, "the signature is not base64url")
	}
	c.signed = token[:second]
	return c, nil
}

// dots finds the two dots of a compact JWS and refuses every byte that is neither a dot nor base64url, and a missing
// header. That a payload is empty is for its reader to say.
func dots(token string) (first, second int, f *failure) {
	first, second = -1, -1
	for i := range len(token) {
		switch c := token[i]; {
		case base64url[c]:
		case c != '.':
			return 0, 0, fail(exchange.TokenMalformed, "byte %#02x at %d does not belong to a compact JWS", c, i)
		case first < 0:
			first = i
		case second < 0:
			second = i
		default:
			return 0, 0, fail(exchange.TokenMalformed, "more than two dots: not a compact JWS")
		}
	}
	if second < 0 || first == 0 {
		return 0, 0, fail(exchange.TokenMalformed, "not three parts: not a compact JWS")
	}
	return first, second, nil
}

// base64url is the alphabet of RFC 4648 section 5, without padding.
var base64url = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		set[c] = true
	}
	return set
}()

// parseHeader reads a JOSE header. Members that would bring a key (jwk, jku, x5u, x5c, x5t) are skipped unread.
func parseHeader(data []byte) (header, *failure) {
	h := header{typ: "jwt"}
	alg := ""
	f := members(data, func(name string, value any) *failure {
		var text *string
		switch name {
		case "alg":
			text = &alg
		case "kid":
			text, h.hasKid = &h.kid, true
		case "typ":
			text = &h.typ
		case "crit", "b64", "zip":
			return fail(exchange.TokenMalformed, "the header has %s, which is not supported", name)
		default:
			return nil
		}
		s, ok := value.(string)
		if !ok {
			return fail(exchange.TokenMalformed, "%s in the header is not a string", name)
		}
		*text = s
		return nil
	})
	if f != nil {
		return h, f
	}
	h.typ = normalType(h.typ)
	// The names are compared exactly: "RS256" is one, "rs256" and "nOnE" are none.
	if h.alg = algorithmByName[alg]; h.alg == noAlgorithm {
		return h, fail(exchange.TokenAlgorithm, "alg %s is not supported", quote(alg)).by("algorithms")
	}
	return h, nil
}

// normalType brings a media type of typ into one form: RFC 7515 section 4.1.9 lets "application/" be left out, and
// media types are compared without case.
func normalType(typ string) string {
	return strings.TrimPrefix(asciiLower(typ), "application/")
}

// asciiLower folds A to Z only: Unicode folding would let U+212A (Kelvin sign) pass for k.
func asciiLower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// foldsTo reports whether s is lower but for the case of ASCII letters; lower has none in upper case.
func foldsTo(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
