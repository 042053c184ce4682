package protect

// ibanForms are the parts of a bank account number behind the check digits, per country (SWIFT IBAN registry): a count
// of n digits, a capital letters or c digits and letters.
var ibanForms = parseForms(map[string]string{
	"AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c",
	"BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c", "CZ": "20n",
	"DE": "18n", "DJ": "23n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n",
	"FK": "2a12n", "FO": "14n", "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n", "GR": "7n16c",
	"GT": "24c", "HN": "4a20n", "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n", "IQ": "4a15n", "IS": "22n",
	"IT": "1a10n12c", "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c", "LC": "4a24c", "LI": "5n12c", "LT": "16n",
	"LU": "3n13c", "LV": "4a13c", "LY": "21n", "MC": "10n11c2n", "MD": "20c", "ME": "18n", "MK": "3n10c2n", "MN": "16n",
	"MR": "23n", "MT": "4a5n18c", "MU": "4a19n3a", "NI": "4a20n", "NL": "4a10n", "NO": "11n", "OM": "3n16c", "PK": "4a16c",
	"PL": "24n", "PS": "4a21c", "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c", "SA": "2n18c",
	"SC": "4a20n3a", "SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "SO": "19n", "ST": "21n",
	"SV": "4a20n", "TL": "19n", "TN": "20n", "TR": "6n16c", "UA": "6n19c", "VA": "18n", "VG": "4a16n", "XK": "16n",
	"YE": "4a4n18c",
})

// parseForms writes each form out, one letter for each character.
func parseForms(registry map[string]string) map[string]string {
	forms := make(map[string]string, len(registry))
	for country, form := range registry {
		var out []byte
		count := 0
		for i := range len(form) {
			if digit(form[i]) {
				count = count*10 + int(form[i]-'0')
				continue
			}
			for ; count > 0; count-- {
				out = append(out, form[i])
			}
		}
		forms[country] = string(out)
	}
	return forms
}

// findIBAN finds bank account numbers: a country, the form and length that it uses, and the check by mod 97 (ISO
// 13616-1), in capitals or small letters. Groups of four may be separated by single spaces or hyphens.
func findIBAN(text string, found []span) []span {
	for i := 0; i+15 <= len(text); i++ {
		if !letter(text[i]) || !letter(text[i+1]) || !digit(text[i+2]) || !digit(text[i+3]) || !begins(text, i) {
			continue
		}
		form := ibanForms[string([]byte{capital(text[i]), capital(text[i+1])})]
		if end := ibanEnd(text, i, form); form != "" && end > 0 && ends(text, end) {
			found = append(found, span{i, end})
			i = end - 1
		}
	}
	return found
}

// maxIBAN is the length of the longest number in use; the standard allows 34.
const maxIBAN = 34

// ibanEnd returns where the number at start ends if it has the form and its check digits are right, else -1.
func ibanEnd(text string, start int, form string) int {
	var compact [maxIBAN]byte
	n, i, separator := 0, start, byte(0)
	for ; i < len(text) && n < len(form)+4; i++ {
		c := text[i]
		if (c == ' ' || c == '-') && n%4 == 0 && n > 0 && text[i-1] != c && (separator == 0 && n == 4 || separator == c) {
			separator = c
			continue
		}
		if n >= 4 && !fits(c, form[n-4]) {
			return -1
		}
		compact[n] = capital(c)
		n++
	}
	if n < len(form)+4 || mod97(compact[:n]) != 1 {
		return -1
	}
	return i
}

func fits(c, as byte) bool {
	switch as {
	case 'n':
		return digit(c)
	case 'a':
		return letter(c)
	}
	return alphanumeric(c)
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

func capital(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
