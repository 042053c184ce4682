package protect

import "strings"

// findSSN finds US social security numbers in their written form, 123-45-6789; area, group and serial are checked.
func findSSN(text string, found []span) []span {
	for i := 3; i+8 <= len(text); {
		dash := strings.IndexByte(text[i:], '-')
		if dash < 0 {
			break
		}
		i += dash
		start, end := i-3, i+8
		if end <= len(text) && start >= 0 && isSSN(text[start:end]) && standsAlone(text, start, end) {
			found = append(found, span{start, end})
			i = end
		}
		i++
	}
	return found
}

func isSSN(s string) bool {
	return s[6] == '-' && allDigits(s[:3]) && allDigits(s[4:6]) && allDigits(s[7:]) &&
		s[:3] != "000" && s[:3] != "666" && s[0] != '9' && s[4:6] != "00" && s[7:] != "0000"
}

// standsAlone reports whether text[start:end] is neither part of a word nor of a longer code with hyphens, such as a
// part number or a phone number with a country code.
func standsAlone(text string, start, end int) bool {
	if !begins(text, start) || !ends(text, end) {
		return false
	}
	if start > 0 && (text[start-1] == '-' || text[start-1] == '*' || text[start-1] == '+') {
		return false
	}
	return end == len(text) || text[end] != '-' || end+1 == len(text) || !alphanumeric(text[end+1])
}

func allDigits(s string) bool { return run(s, 0, digit) == len(s) }

// findEmail finds addresses of the common form local@domain.tld, also with letters beyond ASCII (RFC 6531).
func findEmail(text string, found []span) []span {
	floor := 0 // what lies before was looked at with an earlier @
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return found
		}
		at += i
		start := at
		for start > floor && localByte(text[start-1]) {
			start--
		}
		end := domainEnd(text, at+1)
		if start < at && end > 0 {
			found = append(found, span{start, end})
			floor = end
		} else {
			floor = at + 1
		}
		at = max(at+1, end)
	}
}

// domainEnd returns the end of the domain name at start, which has a dot and a last label of two characters or more and
// is not itself before an @, else -1.
func domainEnd(text string, start int) int {
	end := run(text, start, domainByte)
	for end > start && (text[end-1] == '.' || text[end-1] == '-') {
		end--
	}
	dot := strings.LastIndexByte(text[start:end], '.')
	if dot < 1 || end-(start+dot) < 3 || end < len(text) && text[end] == '@' {
		return -1
	}
	return end
}

func localByte(c byte) bool  { return word(c) || c >= 0x80 || strings.IndexByte(".+-%'", c) >= 0 }
func domainByte(c byte) bool { return alphanumeric(c) || c >= 0x80 || c == '.' || c == '-' }

// findPhone finds international numbers (ITU-T E.164): + and 8 to 15 digits, with spaces, hyphens, dots or brackets.
func findPhone(text string, found []span) []span {
	for i := 0; i < len(text); {
		plus := strings.IndexByte(text[i:], '+')
		if plus < 0 {
			break
		}
		start := i + plus
		end, digits := phoneEnd(text, start+1)
		if digits >= 8 && digits <= 15 && text[start+1] >= '1' && text[start+1] <= '9' {
			found = append(found, span{start, end})
		}
		i = end
	}
	return found
}

// phoneEnd returns the end of the last digit at or behind start, and how many there are.
func phoneEnd(text string, start int) (end, digits int) {
	end = start
	for i := start; i < len(text) && (digit(text[i]) || strings.IndexByte(" -()/.", text[i]) >= 0); i++ {
		if digit(text[i]) {
			digits++
			end = i + 1
		}
	}
	return end, digits
}
