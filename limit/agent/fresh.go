package agent

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of how long a directory may say that it holds: a short time orders fetches, a long one keeps keys that were taken back.
const (
	leastFresh = time.Minute
	mostFresh  = 24 * time.Hour
)

// freshness is for how long an answer says that it holds, in a cache of one's own (RFC 9111 section 4.2), within bounds; [refresh] where it
// does not say. What must not be stored, or not be used unasked, holds for the least: nobody is verified without keys. What contradicts
// itself holds for the shortest, and what cannot be read is stale.
func freshness(h http.Header) time.Duration {
	lifetime, said := mostFresh, false
	for directive := range strings.SplitSeq(strings.Join(h["Cache-Control"], ","), ",") {
		name, value, _ := strings.Cut(strings.Trim(directive, " \t"), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return leastFresh
		case "max-age":
			lifetime, said = min(lifetime, seconds(strings.Trim(value, `"`))), true
		}
	}
	if !said {
		return refresh
	}
	return max(lifetime-age(h), leastFresh)
}

// age is how long an answer was in caches; one that is no number is ignored (RFC 9111 section 5.1).
func age(h http.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	return seconds(strings.Trim(first, " \t"))
}

// seconds reads delta-seconds (RFC 9111 section 1.2.2): more than 2^31 are as many, and none what is no number.
func seconds(text string) time.Duration {
	n, _ := strconv.ParseUint(text, 10, 31)
	return time.Duration(n) * time.Second
}
