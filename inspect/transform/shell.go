package transform

import "strings"

// cmdLine undoes what shells see through: quotes, carets and backslashes go, separators become one blank, blanks before
// a slash or a parenthesis go, letters become small.
func cmdLine(b []byte, s string) ([]byte, bool) {
	start, blank := len(b), false
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\'', '\\', '^':
		case ' ', ',', ';', '\t', '\r', '\n':
			if !blank {
				b, blank = append(b, ' '), true
			}
		case '/', '(':
			if blank {
				b = b[:len(b)-1]
			}
			b, blank = append(b, c), false
		default:
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b, blank = append(b, c), false
		}
	}
	return b, string(b[start:]) != s
}

// replaceComments makes each /* comment */ a blank, also one without an end.
func replaceComments(b []byte, s string) ([]byte, bool) {
	before, rest, found := strings.Cut(s, "/*")
	if !found {
		return b, false
	}
	for found {
		b = append(append(b, before...), ' ')
		_, rest, _ = strings.Cut(rest, "*/")
		before, rest, found = strings.Cut(rest, "/*")
	}
	return append(b, before...), true
}

// removeCommentsChar removes the marks of comments and keeps what is within.
func removeCommentsChar(b []byte, s string) ([]byte, bool) {
	at := comments.first(s)
	if at < 0 {
		return b, false
	}
	b = append(b, s[:at]...)
	for i := at; i < len(s); {
		if n := commentMark(s[i:]); n > 0 {
			i += n
			continue
		}
		b = append(b, s[i])
		i++
	}
	return b, true
}

// commentMark is the length of the mark of a comment that s begins with, or 0.
func commentMark(s string) int {
	switch s[0] {
	case '#':
		return 1
	case '/':
		if len(s) > 1 && s[1] == '*' {
			return 2
		}
	case '*':
		if len(s) > 1 && s[1] == '/' {
			return 2
		}
	case '<':
		if strings.HasPrefix(s, "<!--") {
			return 4
		}
	case '-':
		if strings.HasPrefix(s, "-->") {
			return 3
		}
		if len(s) > 1 && s[1] == '-' {
			return 2
		}
	}
	return 0
}

// removeComments removes /* */ and <!-- -->, either of which may end the other, with the character behind the end kept as it
// is, and everything from -- or # on.
func removeComments(s string) string {
	b := make([]byte, 0, len(s)+1)
	for i := 0; i < len(s); {
		rest := s[i:]
		switch {
		case strings.HasPrefix(rest, "/*"):
			i += 2
		case strings.HasPrefix(rest, "<!--"):
			i += 4
		case strings.HasPrefix(rest, "--"), rest[0] == '#':
			return string(b)
		default:
			b = append(b, s[i])
			i++
			continue
		}
		end, size := commentEnd(s[i:])
		if end < 0 {
			return string(append(b, ' '))
		}
		if i += end + size; i < len(s) {
			b = append(b, s[i])
			i++
		} else {
			b = append(b, 0) // the pad that the reference reads behind the end
			break
		}
	}
	if string(b) == s {
		return s
	}
	return string(b)
}

func commentEnd(s string) (at, size int) {
	star, dashes := strings.Index(s, "*/"), strings.Index(s, "-->")
	if star >= 0 && (dashes < 0 || star < dashes) {
		return star, 2
	}
	return dashes, 3
}

// normalizePathWin is normalizePath for Windows: backslashes are slashes, the stream behind a colon of the last step goes,
// and dots and blanks at the end of a step.
func normalizePathWin(s string) string {
	if s == "" {
		return s
	}
	return trimSteps(dropStream(normalizePath(slashed(s))))
}

// slashed makes backslashes slashes.
func slashed(s string) string {
	at := strings.IndexByte(s, '\\')
	if at < 0 {
		return s
	}
	b := []byte(s)
	for i := at; i < len(b); i++ {
		if b[i] == '\\' {
			b[i] = '/'
		}
	}
	return string(b)
}

func dropStream(s string) string {
	drive, end := "", ""
	if len(s) >= 2 && s[1] == ':' && 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z' {
		drive, s = s[:2], s[2:]
	}
	if strings.HasSuffix(s, "/") {
		s, end = s[:len(s)-1], "/"
	}
	last := strings.LastIndexByte(s, '/') + 1
	if colon := strings.IndexByte(s[last:], ':'); colon >= 0 {
		s = s[:last+colon]
	}
	return drive + s + end
}

func trimSteps(s string) string {
	if !ragged(s) {
		return s
	}
	steps, changed := strings.Split(s, "/"), false
	kept := steps[:0]
	for _, step := range steps {
		if strings.Trim(step, ".") == "" {
			kept = append(kept, step) // . and .. mean something
			continue
		}
		short := strings.TrimRight(step, ". ")
		changed = changed || short != step
		if short != "" {
			kept = append(kept, short)
		}
	}
	if !changed {
		return s
	}
	return strings.Join(kept, "/")
}

// ragged reports whether a step ends in a dot or a blank.
func ragged(s string) bool {
	for i := range len(s) {
		if (s[i] == '.' || s[i] == ' ') && (i+1 == len(s) || s[i+1] == '/') {
			return true
		}
	}
	return false
}
