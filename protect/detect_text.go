package protect

import "strings"

// secretForms are credentials that can be told by their published prefix; min is the length of the rest.
var secretForms = []struct {
	prefix string
	min    int
}{
	{"AKIA", 16}, {"ASIA", 16}, {"ghp_", 36}, {"gho_", 36}, {"ghs_", 36}, {"github_pat_", 40}, {"glpat-", 20},
	{"sk_live_", 16}, {"rk_live_", 16}, {"whsec_", 24}, {"xoxb-", 20}, {"xoxp-", 20}, {"AIza", 35}, {"npm_", 36},
	{"SG.", 40}, {"sp_", 43},
}

// nextSecret finds keys with a published prefix, and private keys in PEM.
func nextSecret(text string, from int) (int, int) {
	best, end := -1, -1
	for _, f := range secretForms {
		for at := from; ; {
			i := strings.Index(text[at:], f.prefix)
			if i < 0 {
				break
			}
			start := at + i
			stop := run(text, start+len(f.prefix), keyByte)
			if stop-start-len(f.prefix) >= f.min && (start == 0 || !word(text[start-1])) && (best < 0 || start < best) {
				best, end = start, stop
			}
			at = start + len(f.prefix)
		}
	}
	if i := strings.Index(text[from:], "-----BEGIN "); i >= 0 && strings.Contains(text[from+i:], "PRIVATE KEY-----") && (best < 0 || from+i < best) {
		return from + i, len(text)
	}
	return best, end
}

// hashForms are the prefixes of stored passwords (crypt(3) modular format, PHC strings, LDAP).
var hashForms = []string{"$2a$", "$2b$", "$2y$", "$argon2", "$pbkdf2", "$scrypt$", "$5$", "$6$", "$y$", "{SSHA}", "pbkdf2_sha256$", "scrypt:"}

func nextPasswordHash(text string, from int) (int, int) {
	best, end := -1, -1
	for _, p := range hashForms {
		if i := strings.Index(text[from:], p); i >= 0 && (best < 0 || from+i < best) {
			stop := run(text, from+i+len(p), hashByte)
			if stop-from-i-len(p) >= 20 {
				best, end = from+i, stop
			}
		}
	}
	return best, end
}

// nextEmail finds addresses of the common form local@domain.tld.
func nextEmail(text string, from int) (int, int) {
	for at := from; ; {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return -1, -1
		}
		i += at
		start := i
		for start > from && localByte(text[start-1]) {
			start--
		}
		end := run(text, i+1, domainByte)
		for end > i && (text[end-1] == '.' || text[end-1] == '-') {
			end--
		}
		dot := strings.LastIndexByte(text[i:end], '.')
		if start < i && dot > 1 && end-(i+dot) > 2 {
			return start, end
		}
		at = i + 1
	}
}

// nextPhone finds international numbers in E.164 order: + and 8 to 15 digits, with spaces, hyphens or brackets.
func nextPhone(text string, from int) (int, int) {
	for i := from; i < len(text); i++ {
		if text[i] != '+' {
			continue
		}
		digits, end := 0, i+1
		for j := i + 1; j < len(text) && (digit(text[j]) || strings.IndexByte(" -()/", text[j]) >= 0); j++ {
			if digit(text[j]) {
				digits++
				end = j + 1
			}
		}
		if digits >= 8 && digits <= 15 && text[i+1] >= '1' && text[i+1] <= '9' {
			return i, end
		}
	}
	return -1, -1
}

func run(text string, from int, in func(byte) bool) int {
	for from < len(text) && in(text[from]) {
		from++
	}
	return from
}

func keyByte(c byte) bool    { return word(c) || c == '-' || c == '.' }
func hashByte(c byte) bool   { return word(c) || strings.IndexByte("$./+=,:-", c) >= 0 }
func localByte(c byte) bool  { return word(c) || strings.IndexByte(".+-%'", c) >= 0 }
func domainByte(c byte) bool { return word(c) && c != '_' || c == '.' || c == '-' }
