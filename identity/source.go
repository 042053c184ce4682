package identity

import (
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// place is where a credential stands in a request.
type place uint8

const (
	inBearer place = iota // Authorization: Bearer (RFC 6750 section 2.1)
	inHeader
	inQuery
	inCookie
	inTLS // the certificate of the connection
)

// A source is one place from which an operation takes a credential, with everybody who may vouch for what is there.
type source struct {
	place place
	name  string // canonical field name, query parameter or cookie
	vouch []voucher
}

// A voucher is a provider with the schemes that a credential of it satisfies at this source.
type voucher struct {
	provider
	satisfies []string // interned; see [facts.as]
}

// KeyHeader is where API keys stand when neither the spec nor the config says so.
const KeyHeader = "X-API-Key"

// placeOf says where a scheme's credential stands, and what kind of identity takes it; "" where none does.
func placeOf(s *openapi.SecurityScheme) (p place, name, kind string) {
	switch s.Type {
	case "oauth2", "openIdConnect":
		return inBearer, "Authorization", "jwt"
	case "http":
		if s.Scheme == "bearer" {
			return inBearer, "Authorization", "jwt"
		}
	case "mutualTLS":
		return inTLS, "", "mtls"
	case "apiKey":
		switch s.In {
		case "header":
			name = http.CanonicalHeaderKey(s.Param)
			// Documents that were converted from Swagger 2 have no other way to say "bearer".
			if name == "Authorization" {
				return inBearer, name, "jwt"
			}
			return inHeader, name, "api_key"
		case "query":
			return inQuery, s.Param, "api_key"
		case "cookie":
			return inCookie, s.Param, "api_key"
		}
	}
	return 0, "", ""
}

// read returns the credential at the source. present is false where there is none; a second one is a failure.
func (s *source) read(e *exchange.Exchange) (credential string, present bool, f *failure) {
	switch s.place {
	case inBearer:
		return bearer(e.Request.Header["Authorization"])
	case inHeader:
		values := e.Request.Header[s.name]
		if len(values) > 1 {
			return "", true, fail(exchange.CredentialsAmbiguous, "%d fields %s", len(values), s.name)
		}
		if len(values) == 1 {
			return values[0], true, nil
		}
	case inQuery:
		for _, q := range e.Target.Query {
			if q.Name != s.name {
				continue
			}
			if present {
				return "", true, fail(exchange.CredentialsAmbiguous, "query parameter %s is repeated", quote(s.name))
			}
			credential, present = q.Value, true
		}
	case inTLS:
		return "", len(presented(e)) > 0, nil
	case inCookie:
		return cookie(e.Request.Header["Cookie"], s.name)
	}
	return credential, present, nil
}

// bearer reads the Authorization field. Another scheme than Bearer counts as present: it is a credential, and what it
// would have meant to the upstream is unknown.
func bearer(values []string) (credential string, present bool, f *failure) {
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
	default:
		return "", true, fail(exchange.CredentialsAmbiguous, "%d fields Authorization", len(values))
	}
	const scheme = "bearer "
	v := values[0]
	if len(v) < len(scheme) || !foldsTo(v[:len(scheme)], scheme) {
		name, _, _ := strings.Cut(v, " ")
		if len(name) > 16 {
			name = "of an unknown kind" // it may be the credential itself
		}
		return "", true, fail(exchange.CredentialsMissing, "Authorization is %s, not Bearer", quote(name))
	}
	return v[len(scheme):], true, nil
}

// cookie finds one cookie by its exact name (RFC 6265 section 4.2), without unquoting or decoding. Space before the "="
// belongs to no name: servers trim it, so "session =x" is a second session.
func cookie(fields []string, name string) (value string, present bool, f *failure) {
	for _, line := range fields {
		for pair := range strings.SplitSeq(line, ";") {
			n, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if strings.TrimRight(n, " \t") != name {
				continue
			}
			if present {
				return "", true, fail(exchange.CredentialsAmbiguous, "cookie %s is repeated", quote(name))
			}
			value, present = v, true
		}
	}
	return value, present, nil
}
