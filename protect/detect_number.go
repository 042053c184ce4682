package protect

// cardNumber returns the digits of a number's literal that is a card number of 14 to 16 digits, or "". Longer ones are
// ids rather: readers that keep numbers as binary64 could not carry them.
func cardNumber(literal string) string {
	var buf [maxCard]byte
	digits := whole(literal, buf[:0])
	if n := len(digits); n < 14 || n > 16 || !isCard(digits) {
		return ""
	}
	return string(digits)
}

// whole appends the digits of a positive JSON number that is whole and has at most 16 of them, however it is written:
// 4111111111111111, 4111111111111111.0, 4.111111111111111E15.
func whole(literal string, digits []byte) []byte {
	const most = 16
	if len(literal) < 14 || len(literal) > 40 || literal[0] == '-' {
		return nil
	}
	point, i := -1, 0
	for ; i < len(literal) && (digit(literal[i]) || literal[i] == '.'); i++ {
		switch {
		case literal[i] == '.':
			point = len(digits)
		case len(digits) < most:
			digits = append(digits, literal[i])
		case literal[i] != '0' || point < 0:
			return nil
		}
	}
	if point < 0 {
		point = len(digits)
	}
	exponent := 0
	for rest := literal[i:]; len(rest) > 1; rest = rest[1:] { // e, perhaps a sign, digits
		switch c := rest[1]; {
		case c == '-':
			return nil
		case digit(c) && exponent < most:
			exponent = exponent*10 + int(c-'0')
		}
	}
	point += exponent
	if point > most {
		return nil
	}
	for len(digits) < point {
		digits = append(digits, '0')
	}
	for _, c := range digits[point:] {
		if c != '0' {
			return nil
		}
	}
	return digits[:point]
}
