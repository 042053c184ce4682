package content

import (
	"strings"
	"unicode/utf8"
)

// readPath reads a path that begins with a slash.
func (t *Target) readPath(path string) error {
	canonical, err := checkPath(path)
	if err != nil {
		return err
	}
	t.Semicolons = strings.Count(path, ";")
	if path == "/" {
		t.Path = path
		return nil
	}
	t.Segments = make([]string, 0, strings.Count(path, "/"))
	for at := 1; at <= len(path); {
		end := len(path)
		if i := strings.IndexByte(path[at:], '/'); i >= 0 {
			end = at + i
		}
		segment, err := readSegment(path[at:end], at, end == len(path))
		if err != nil {
			return err
		}
		t.Segments = append(t.Segments, segment)
		at = end + 1
	}
	t.Path = path
	if !canonical {
		t.Path = joinPath(path, t.Segments)
	}
	return nil
}

// checkPath refuses bytes that must not stand in a path. A path without escapes and without bytes that are to be
// escaped is canonical.
func checkPath(path string) (canonical bool, err error) {
	canonical = true
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case classes[c]&pathLiteral != 0 || c == '/':
		case c == '%' || classes[c]&tolerated != 0:
			canonical = false
		case c == '\\' || c == '#':
			return false, fail(Ambiguous, i, "a separator that is not allowed in the path")
		default:
			return false, fail(Malformed, i, "a character that is not allowed in the path")
		}
	}
	return canonical, nil
}

// joinPath encodes the segments; the result aliases path where it is the same.
func joinPath(path string, segments []string) string {
	out := make([]byte, 0, len(path)+16)
	for _, s := range segments {
		out = appendEscaped(append(out, '/'), s, pathLiteral)
	}
	if string(out) == path {
		return path
	}
	return string(out)
}

// readSegment decodes one segment; only the last one may be empty.
func readSegment(raw string, at int, last bool) (string, error) {
	if raw == "" && !last {
		return "", fail(Ambiguous, at, "an empty path segment")
	}
	s := raw
	if strings.IndexByte(raw, '%') >= 0 {
		out, bad := appendUnescaped(make([]byte, 0, len(raw)), raw, false)
		if bad >= 0 {
			return "", fail(Malformed, at+bad, "a malformed escape in the path")
		}
		s = alias(out)
		if strings.Count(s, ";") != strings.Count(raw, ";") {
			return "", fail(Ambiguous, at, "an encoded separator in the path")
		}
		if err := checkDecoded(s, at); err != nil {
			return "", err
		}
	}
	if before, _, _ := strings.Cut(s, ";"); isDots(before) { // servers that drop what follows a ";" read what is before it
		return "", fail(Ambiguous, at, "a dot segment in the path")
	}
	return s, nil
}

// checkDecoded refuses what may stand in a segment neither raw nor encoded; ";" is for its caller.
func checkDecoded(s string, at int) error {
	if !utf8.ValidString(s) {
		return fail(Ambiguous, at, "invalid UTF-8 in the path")
	}
	for _, r := range s {
		switch {
		case strings.ContainsRune(`/\?#%`, r) || imitates(r):
			return fail(Ambiguous, at, "an encoded separator in the path")
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return fail(Ambiguous, at, "an encoded control character in the path")
		}
	}
	return nil
}

// isDots reports whether a segment is "." or "..", or becomes one where readers trim spaces and dots at its end.
func isDots(s string) bool {
	return strings.IndexByte(s, '.') >= 0 && strings.Trim(s, ". ") == ""
}

// imitates reports whether a reader that normalises Unicode (NFKC, best fit, case folding) makes r a separator, a dot,
// or an ASCII letter.
func imitates(r rune) bool {
	switch r {
	case 'ſ', '\u212a': // long s, Kelvin sign
		return true
	case '／', '⁄', '∕', '⧸', '＼', '∖', '⧵', '﹨': // slashes
		return true
	case '．', '․', '‥', '…', '﹒', '％', '﹪', '；', '﹔', '\u037e': // dots, percent signs, semicolons
		return true
	}
	return false
}
