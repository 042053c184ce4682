package content

import (
	"net/netip"
	"strconv"
	"strings"
)

// A Target is the one canonical reading of a request target, computed once and used by matching, authorization,
// inspection and forwarding alike.
type Target struct {
	// Path is the canonical path as it is forwarded: absolute, no dot segments, no empty segments, each segment
	// percent-encoded in one way.
	Path string
	// Segments are the decoded segments of Path; "/" has none. A trailing slash yields a last empty segment.
	Segments []string
	// Query holds the decoded pairs in order of appearance.
	Query []Pair
	// RawQuery is Query encoded in one way, as it is forwarded; without "?".
	RawQuery string
	// Semicolons counts the ";" in Path. It is 0 but for [ParseTargetMatrix].
	Semicolons int
}

// A Pair is one name and value of a query or form.
type Pair struct{ Name, Value string }

const (
	maxTarget = 16 << 10 // bytes of a request target
	maxPairs  = 1000     // pairs of a query
)

// ParseTarget reads a request target in origin-form or asterisk-form (RFC 9112, section 3.2). It is split at the first
// "?", and each component is decoded once. Refused is whatever two readers could take for different resources: "#",
// dot segments and empty segments, encoded separators, ";", malformed escapes, control characters, raw bytes beyond
// ASCII, and UTF-8 that is invalid or imitates a separator. The error is an [*Error] whose offset is in raw.
//
// Path and RawQuery are encoded in one way, so parsing them again yields the same Target. They alias raw where it is
// canonical already. The target "*" has no segments.
func ParseTarget(raw string) (Target, error) { return parseTarget(raw, false) }

func parseTarget(raw string, matrix bool) (Target, error) {
	if len(raw) > maxTarget {
		return Target{}, fail(TooLarge, maxTarget, "the request target is too long")
	}
	if raw == "*" {
		return Target{Path: raw}, nil
	}
	if !strings.HasPrefix(raw, "/") {
		return Target{}, fail(Malformed, 0, "the request target is not a path")
	}
	path, query, found := strings.Cut(raw, "?")
	if i := strings.IndexByte(path, ';'); i >= 0 && !matrix {
		return Target{}, fail(Ambiguous, i, "a separator that is not allowed in the path")
	}
	var t Target
	if err := t.readPath(path); err != nil {
		return Target{}, err
	}
	if found {
		if err := t.readQuery(query, len(path)+1); err != nil {
			return Target{}, err
		}
	}
	return t, nil
}

// ParseTargetHost is ParseTarget that accepts absolute-form too. host is its authority in lower case, and "" for the
// other forms; the caller has to compare it with the Host field. Schemes other than http and https, and user
// information, are refused.
func ParseTargetHost(raw string) (t Target, host string, err error) {
	return parseTargetHost(raw, false)
}

// ParseTargetMatrix is ParseTargetHost for an API with matrix parameters (";id=5", RFC 6570 section 3.2.7): it lets ";"
// stand in the path, where it is neither decoded nor encoded; "%3B" stays refused. Servers that drop what follows a ";"
// read such a path as another one. So the caller must refuse a target with Semicolons wherever the operation does not
// declare each of them.
func ParseTargetMatrix(raw string) (t Target, host string, err error) {
	return parseTargetHost(raw, true)
}

func parseTargetHost(raw string, matrix bool) (t Target, host string, err error) {
	if strings.HasPrefix(raw, "/") || raw == "*" {
		t, err = parseTarget(raw, matrix)
		return t, "", err
	}
	if len(raw) > maxTarget {
		return Target{}, "", fail(TooLarge, maxTarget, "the request target is too long")
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return Target{}, "", fail(Malformed, 0, "the request target is neither a path nor an http URL")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host = strings.ToLower(rest[:end])
	if !validHost(host) {
		return Target{}, "", fail(Malformed, len(scheme)+3, "the request target has a malformed authority")
	}
	path := rest[end:]
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	t, err = parseTarget(path, matrix)
	return t, host, err
}

// validHost checks an authority: a name or address in letters, digits, "-", "." and "_", or an IPv6 address in
// brackets, and an optional port.
func validHost(s string) bool {
	host, port, found := s, "", false
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port, found = s[:i], s[i+1:], true
	}
	if n, err := strconv.ParseUint(port, 10, 16); found && (err != nil || n == 0 || port[0] == '+') {
		return false
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := 0; i < len(host); i++ {
		if c := host[i]; !isAlnum(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return host != ""
}
