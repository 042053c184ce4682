package protect

import "strings"

// findPAN finds payment card numbers: an issuer range that is in use, a length of that range, and Luhn's check digit
// (ISO/IEC 7812-1). Digits stand together, or in groups of three and more between single spaces, hyphens or dots.
func findPAN(text string, found []span) []span {
	taken := 0 // end of the latest number
	for i := 0; i < len(text); {
		if !digit(text[i]) {
			i++
			continue
		}
		if i > 0 && text[i-1] == '%' && i+1 < len(text) && digit(text[i+1]) {
			i += 2 // %20
			continue
		}
		stop := run(text, i, digit)
		if end := card(text, i, stop, taken); end > 0 {
			found = append(found, span{i, end})
			stop, taken = end, end
		}
		i = stop
	}
	return found
}

const (
	minCard  = 13
	maxCard  = 19
	minGroup = 3
)

// card returns the end of the card number that begins with the group of digits text[start:stop], or -1.
func card(text string, start, stop, taken int) int {
	if stop-start > maxCard || !mayBegin(text, start, taken) {
		return -1
	}
	var digits [maxCard]byte
	n := copy(digits[:], text[start:stop])
	if n >= minCard {
		if isCard(digits[:n]) && endsWhole(text, stop) {
			return stop
		}
		return -1 // a whole number of that length is no group
	}
	if inGroups(text, start, taken) {
		return -1
	}
	var separator byte
	for groups := 1; stop < len(text) && stop-start >= minGroup; groups++ {
		c := text[stop]
		if c != ' ' && c != '-' && c != '.' || separator != 0 && c != separator {
			return -1
		}
		separator = c
		next := run(text, stop+1, digit)
		if next-stop-1 < minGroup || n+next-stop-1 > maxCard {
			return -1
		}
		n += copy(digits[n:], text[stop+1:next])
		stop = next
		if n >= minCard && (separator != '.' || groups > 1) && isCard(digits[:n]) && endsGroups(text, stop, separator) {
			return stop
		}
	}
	return -1
}

// mayBegin looks at what stands before a group of digits: not a letter, the + of a phone number, the whole part of a
// decimal fraction, or the masked rest of a number.
func mayBegin(text string, start, taken int) bool {
	if start == 0 || start == taken {
		return true
	}
	c := text[start-1]
	switch {
	case letter(c):
		return escaped(text[:start])
	case maskedBefore(text[:start]):
		return false
	case start == 1:
		return c != '+'
	case c == '+':
		return alphanumeric(text[start-2])
	case c == '.':
		return !digit(text[start-2])
	}
	return true
}

// maskedBefore reports whether text ends in the stars of a masked number; fewer are a bullet, or emphasis.
func maskedBefore(text string) bool {
	n := len(text)
	if text[n-1] == ' ' || text[n-1] == '-' || text[n-1] == '.' {
		n--
	}
	return strings.HasSuffix(text[:n], "****") || strings.HasSuffix(text[:n], "* *")
}

// inGroups reports whether a group of digits goes on with a number in groups that began before it, such as a tracking
// number; a number in the middle of one is a coincidence. A group of four that is a year is a neighbour.
func inGroups(text string, start, taken int) bool {
	if start < 2 || start-1 == taken || !digit(text[start-2]) {
		return false
	}
	switch text[start-1] {
	case '-', '.':
		return true
	case ' ':
		before := start - 2
		for before > 0 && start-before <= 6 && digit(text[before-1]) {
			before--
		}
		group := text[before : start-1]
		return len(group) == 4 && group[:2] != "19" && group[:2] != "20"
	}
	return false
}

// endsWhole reports whether nothing follows that makes an ungrouped number a part of something else; ".0" is what
// some languages add to whole numbers.
func endsWhole(text string, end int) bool {
	rest := text[end:]
	switch {
	case rest == "" || !letter(rest[0]) && rest[0] != '.':
		return true
	case rest[0] != '.':
		return false
	}
	return len(rest) == 1 || !digit(rest[1]) || rest[1] == '0' && (len(rest) == 2 || !digit(rest[2]))
}

// endsGroups reports whether a grouped number ends: what goes on after its own hyphen or dot is a longer code.
func endsGroups(text string, end int, separator byte) bool {
	rest := text[end:]
	if rest == "" || separator == ' ' {
		return rest == "" || !letter(rest[0])
	}
	return !letter(rest[0]) && (rest[0] != separator || len(rest) == 1 || !alphanumeric(rest[1]))
}

func isCard(digits []byte) bool {
	return cardRange(digits) && luhn(digits) && !(len(digits) == 13 && articleNumber(digits))
}

// cardRange reports whether an issuer uses numbers of this length that begin so.
func cardRange(d []byte) bool {
	n := len(d)
	prefix := int(d[0]-'0')*1000 + int(d[1]-'0')*100 + int(d[2]-'0')*10 + int(d[3]-'0')
	two, three := prefix/100, prefix/10
	switch {
	case d[0] == '4': // Visa
		return n == 13 || n == 16 || n == 19
	case two == 34, two == 37: // American Express
		return n == 15
	case prefix >= 2221 && prefix <= 2720, two >= 51 && two <= 55: // Mastercard
		return n == 16
	case prefix >= 2200 && prefix <= 2204: // Mir
		return n == 16
	case three >= 300 && three <= 305, prefix == 3095, two == 36, two == 38, two == 39: // Diners Club
		return n == 14 || n == 16
	case prefix >= 3528 && prefix <= 3589: // JCB
		return n == 16 || n == 19
	case prefix == 6011, two == 65, three >= 644 && three <= 649: // Discover, RuPay
		return n == 16 || n == 19
	case two == 62: // UnionPay
		return n >= 16
	}
	return maestro[prefix] && n >= 16
}

// maestro are the ranges of Maestro that are in use by their first four digits.
var maestro = map[int]bool{5018: true, 5020: true, 5038: true, 5893: true, 6304: true, 6759: true, 6761: true, 6762: true, 6763: true}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// articleNumber reports whether 13 digits have the check digit of GTIN-13: one in ten articles from Germany and Japan
// would be taken for a Visa card of the old length.
func articleNumber(d []byte) bool {
	sum := 0
	for i := range d {
		sum += int(d[i]-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}
