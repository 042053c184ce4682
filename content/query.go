package content

import (
	"strings"
	"unicode/utf8"
)

// readQuery reads a query that begins at an offset of the target. "+" means a space, as in forms; RawQuery writes it
// as %20, which nobody reads otherwise. Empty pairs are dropped.
func (t *Target) readQuery(query string, at int) error {
	count := strings.Count(query, "&") + 1
	if count > maxPairs {
		return fail(TooComplex, at, "more query parameters than allowed")
	}
	if query == "" {
		return nil
	}
	t.Query = make([]Pair, 0, count)
	canonical := true
	for start := 0; start <= len(query); {
		end := len(query)
		if i := strings.IndexByte(query[start:], '&'); i >= 0 {
			end = start + i
		}
		pair, same, err := readPair(query[start:end], at+start)
		if err != nil {
			return err
		}
		if start < end {
			t.Query = append(t.Query, pair)
		}
		canonical = canonical && same
		start = end + 1
	}
	t.RawQuery = query
	if !canonical {
		t.RawQuery = joinQuery(query, t.Query)
	}
	return nil
}

// readPair reads one pair and reports whether it is canonical.
func readPair(raw string, at int) (Pair, bool, error) {
	if raw == "" {
		return Pair{}, false, nil
	}
	name, value, found := strings.Cut(raw, "=")
	n, plainName, err := readComponent(name, at, nameLiteral)
	if err != nil {
		return Pair{}, false, err
	}
	if n == "" || hasControl(n) {
		return Pair{}, false, fail(Ambiguous, at, "a query parameter without a proper name")
	}
	valueAt := min(at+len(name)+1, at+len(raw))
	v, plainValue, err := readComponent(value, valueAt, valueLiteral)
	if err != nil {
		return Pair{}, false, err
	}
	if strings.ContainsAny(v, "\x00\r\n") {
		return Pair{}, false, fail(Ambiguous, valueAt, "an encoded control character in the query")
	}
	return Pair{n, v}, found && plainName && plainValue, nil
}

// readComponent decodes a name or value once and reports whether it stands for itself.
func readComponent(raw string, at int, literal class) (string, bool, error) {
	same, escaped := true, false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if classes[c]&literal != 0 {
			continue
		}
		same = false
		switch {
		case c == '%' || c == '+':
			escaped = true
		case classes[c]&tolerated != 0 || c == '\\':
		case c == ';' || c == '#':
			return "", false, fail(Ambiguous, at+i, "a separator that is not allowed in the query")
		default:
			return "", false, fail(Malformed, at+i, "a character that is not allowed in the query")
		}
	}
	if !escaped {
		return raw, same, nil
	}
	out, bad := appendUnescaped(make([]byte, 0, len(raw)), raw, true)
	if bad >= 0 {
		return "", false, fail(Malformed, at+bad, "a malformed escape in the query")
	}
	if !utf8.Valid(out) {
		return "", false, fail(Ambiguous, at, "invalid UTF-8 in the query")
	}
	return alias(out), false, nil
}

// joinQuery encodes the pairs; the result aliases query where it is the same.
func joinQuery(query string, pairs []Pair) string {
	out := make([]byte, 0, len(query)+16)
	for i, p := range pairs {
		if i > 0 {
			out = append(out, '&')
		}
		out = appendEscaped(out, p.Name, nameLiteral)
		out = appendEscaped(append(out, '='), p.Value, valueLiteral)
	}
	if string(out) == query {
		return query
	}
	return string(out)
}

// Without returns t without the query parameters that drop names.
func (t Target) Without(drop func(name string) bool) Target {
	var pairs []Pair
	var kept []string
	i := 0
	for segment := range strings.SplitSeq(t.RawQuery, "&") { // one segment for each pair, in order
		if i < len(t.Query) && !drop(t.Query[i].Name) {
			pairs, kept = append(pairs, t.Query[i]), append(kept, segment)
		}
		i++
	}
	t.Query, t.RawQuery = pairs, strings.Join(kept, "&")
	return t
}
