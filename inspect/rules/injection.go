package rules

import (
	"strings"

	"github.com/corazawaf/libinjection-go"

	"github.com/sallyport/sallyport/inspect/transform"
)

// detectSQLi is libinjection. It takes more than one token to make a statement, and none of these bytes means one token at
// most: a property that a test keeps.
func (o *operator) detectSQLi() {
	var plain transform.Bytes
	for c := range 256 {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 || c == '_') {
			plain[c>>6] |= 1 << (c & 63)
		}
	}
	o.needs, o.suspects, o.like, o.captures = &plain, suspectsSQL, likeSQL, true
	o.holds = func(r *run, v string) bool {
		if endless(v) {
			return true
		}
		found, fingerprint := libinjection.IsSQLi(v)
		if found && r.capturing {
			r.capture(0, fingerprint)
		}
		return found
	}
}

// maxScans bounds what libinjection may take for a text: for each quote that is escaped it goes through the string again from
// its beginning, so that 1 MiB of nothing but quotes takes many seconds.
const maxScans = 1 << 32

// endless reports whether a text is so long, and has so many escaped quotes in one string, that libinjection would take
// longer than maxScans. Who sends such a text wants just that: it counts as SQL.
func endless(s string) bool {
	if len(s) <= 1<<16 { // not even if there were nothing else
		return false
	}
	for _, quote := range []byte{'\'', '"', '`'} {
		if escapes(s, quote) > maxScans/len(s) {
			return true
		}
	}
	return false
}

// escapes is how many escaped quotes of a kind stand together without one that could end the string: doubled ones, and
// those behind a backslash.
func escapes(s string, quote byte) (most int) {
	count := 0
	for i := strings.IndexByte(s, quote); i >= 0 && i < len(s); {
		run := i
		for i < len(s) && s[i] == quote {
			i++
		}
		switch {
		case i-run > 1:
			count += (i - run) / 2
		case run > 0 && s[run-1] == '\\':
			count++
		default:
			count = 0
		}
		most = max(most, count)
		next := strings.IndexByte(s[i:], quote)
		if next < 0 {
			break
		}
		i += next
	}
	return most
}

// detectXSS is libinjection: there is no tag without <, and no attribute with a value without =.
func (o *operator) detectXSS() {
	marks := transform.BytesOf("<=")
	o.needs = &marks
	o.holds = func(_ *run, v string) bool { return libinjection.IsXSS(v) }
}
