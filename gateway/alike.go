package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/openapi"
)

// disguised says why a request that the spec does not know must not pass as something new, although the API lets
// unknown operations pass; "" when it may. Some servers would serve it as an operation that is protected.
func (x *serving) disguised(m openapi.Match) string {
	switch {
	case x.r.Method == http.MethodHead && slices.Contains(m.Allow, http.MethodGet):
		return "HEAD of an operation whose GET is declared"
	case x.api.alike != nil && len(m.Allow) == 0 && x.api.alike.Match(x.rest):
		return "the path differs from a declared one only in case or at its end"
	case x.snapshot.strays(x.api, bare(x.r.Host), x.e.Target.Segments):
		return "the path differs from the base path of another API only in case"
	}
	return ""
}

// strays reports whether segments lie below the base path of another API than found, but for their case.
func (s *Snapshot) strays(found *api, host string, segments []string) bool {
	for _, a := range s.apis {
		if a == found || len(a.hosts) > 0 && !slices.Contains(a.hosts, host) {
			continue
		}
		for _, base := range a.bases {
			if len(base) > 0 && len(segments) >= len(base) && !hasPrefix(segments, base) && slices.EqualFunc(segments[:len(base)], base, strings.EqualFold) {
				return true
			}
		}
	}
	return false
}
