package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// unchanged reports whether the client has the very answer that the guards have just passed, so that 304 says it all
// (RFC 9110, section 13.1). Where an answer has to be judged, the service does not get to see the client's conditions
// (see policy.Object), and nobody but the gateway can answer them.
func unchanged(r *http.Request, resp *http.Response) bool {
	if resp.StatusCode != http.StatusOK || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if asked := r.Header["If-None-Match"]; asked != nil {
		return matchesTag(asked, resp.Header.Get("Etag"))
	}
	if r.Header["If-Modified-Since"] == nil {
		return false
	}
	since, err1 := http.ParseTime(r.Header.Get("If-Modified-Since"))
	modified, err2 := http.ParseTime(resp.Header.Get("Last-Modified"))
	return err1 == nil && err2 == nil && !modified.After(since)
}

// matchesTag is the weak comparison of RFC 9110, section 8.8.3.2, with "*" for whatever there is.
func matchesTag(asked []string, tag string) bool {
	if len(asked) == 1 && strings.Trim(asked[0], " \t") == "*" {
		return true
	}
	opaque := strings.TrimPrefix(tag, "W/")
	return opaque != "" && slices.ContainsFunc(asked, func(line string) bool {
		for one := range strings.SplitSeq(line, ",") {
			if strings.TrimPrefix(strings.Trim(one, " \t"), "W/") == opaque {
				return true
			}
		}
		return false
	})
}
