package content

// appendUnescaped appends s with its percent-encoding undone once, and "+" read as a space where plus is set. It
// returns where a malformed escape stands in s, or -1.
func appendUnescaped(out []byte, s string, plus bool) ([]byte, int) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if i+2 >= len(s) || unhex[s[i+1]] < 0 || unhex[s[i+2]] < 0 {
				return out, i
			}
			c = byte(unhex[s[i+1]])<<4 | byte(unhex[s[i+2]])
			i += 2
		case c == '+' && plus:
			c = ' '
		}
		out = append(out, c)
	}
	return out, -1
}

const upperHex = "0123456789ABCDEF"

// appendEscaped appends s with every byte percent-encoded that is not in the class.
func appendEscaped(out []byte, s string, literal class) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; classes[c]&literal != 0 {
			out = append(out, c)
		} else {
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return out
}

// A class is a set of sets of bytes.
type class uint8

const (
	pathLiteral  class = 1 << iota // stands for itself in a canonical path segment
	nameLiteral                    // … in a name of a canonical query
	valueLiteral                   // … in a value of a canonical query
	tolerated                      // not allowed by RFC 3986, but sent by clients and read by all in one way: gets encoded
)

// classes says of each byte what it may be in a request target. What is in no class is refused: controls, space,
// bytes beyond ASCII, and the separators "#" and, in a query, ";", in a path "\".
var classes = func() (t [256]class) {
	for c := range 256 {
		if isAlnum(byte(c)) {
			t[c] = pathLiteral | nameLiteral | valueLiteral
		}
	}
	add := func(set string, k class) {
		for _, c := range []byte(set) {
			t[c] |= k
		}
	}
	add("-._~!$'()*,:@", pathLiteral|nameLiteral|valueLiteral)
	add("&+=;", pathLiteral) // ";" only where the reader of the target has let it pass
	add("/?", nameLiteral|valueLiteral)
	add("=", valueLiteral)
	add("\"<>[]^`{|}", tolerated)
	return t
}()
