package protect

import (
	"net/url"
	"strings"
)

// inLogs finds what has no business in a record: values of the default kinds, tokens, and who a request is about.
var inLogs, _ = newDetectors([]string{"pan", "iban", "ssn", "secret", "password_hash", "jwt", "email"}) // they are known

// Conceal masks sensitive values in text that somebody sent and that is to stand in a record: a path, a name, a detail.
// Of text with percent-encoding, the decoded form is looked at too, and shown where it holds a value.
func Conceal(text string) string {
	masked, _ := inLogs.mask(text)
	if !strings.Contains(masked, "%") {
		return masked
	}
	if plain, err := url.PathUnescape(masked); err == nil && inLogs.sensitive(plain) {
		masked, _ = inLogs.mask(plain)
	}
	return masked
}
