package identity

import "strings"

// scopeList splits the scope string of RFC 6749 section 3.3. Spare spaces mean nothing and occur; for whatever else
// breaks the grammar, see [scopeToken].
func scopeList(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' })
}

// scopeToken reports whether s is a scope-token of RFC 6749: printable ASCII without space, quote and backslash.
func scopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
