package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/content"
)

const maxCookies = 200

// parseCookies reads Cookie fields as RFC 6265 section 4.2.1 writes them: name=value pairs separated by "; ". Quotes
// are refused, because some readers let them hide a semicolon and others do not. Percent-encoding is left as it is:
// cookies have none.
func parseCookies(lines []string) ([]content.Pair, bool) {
	var list []content.Pair
	for _, line := range lines {
		if strings.Trim(line, " \t") == "" {
			continue
		}
		for part := range strings.SplitSeq(line, ";") {
			name, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
			if !ok || !isToken(name) || !cookieOctets(value) || len(list) == maxCookies {
				return nil, false
			}
			list = append(list, content.Pair{Name: name, Value: value})
		}
	}
	return list, true
}

// cookieOctets allows, beyond the RFC, the comma and the space that arrays and third parties put into cookies, and
// refuses control characters, quotes, backslashes and bytes beyond ASCII.
func cookieOctets(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == ';' {
			return false
		}
	}
	return true
}
