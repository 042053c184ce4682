package protect

// ibanLength is the length per country (SWIFT IBAN registry).
var ibanLength = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
	"IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
	"PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
	"SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

// nextIBAN finds bank account numbers: a country, its length, and the check by mod 97 (ISO 13616-1). Groups of four
// may be separated by single spaces.
func nextIBAN(text string, from int) (int, int) {
	for i := from; i+15 <= len(text); i++ {
		if !upper(text[i]) || !upper(text[i+1]) || !digit(text[i+2]) || !digit(text[i+3]) || i > 0 && word(text[i-1]) {
			continue
		}
		length := ibanLength[text[i:i+2]]
		if end := ibanEnd(text, i, length); length > 0 && end > 0 && bounded(text, i, end) {
			return i, end
		}
	}
	return -1, -1
}

// ibanEnd returns where the number of the given length ends if its check digits are right, else -1.
func ibanEnd(text string, start, length int) int {
	var compact [34]byte
	n, i := 0, start
	for ; i < len(text) && n < length; i++ {
		c := text[i]
		if c == ' ' && n%4 == 0 && n > 0 && text[i-1] != ' ' {
			continue
		}
		if !digit(c) && !upper(c) {
			return -1
		}
		compact[n] = c
		n++
	}
	if n < length || mod97(compact[:n]) != 1 {
		return -1
	}
	return i
}

// mod97 moves the first four characters to the end and reads letters as 10 to 35.
func mod97(s []byte) int {
	rest := 0
	for i := range s {
		c := s[(i+4)%len(s)]
		if digit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
