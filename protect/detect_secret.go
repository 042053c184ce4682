package protect

import "strings"

// A secretForm is a credential that can be told by its published prefix: least characters of a set follow.
type secretForm struct {
	prefix string
	least  int
	of     func(byte) bool
	// mixed forms have digits, small and capital letters: their prefix alone is a common word.
	mixed bool
}

// secretForms are looked up by their first character.
var secretForms = byFirst([]secretForm{
	{"AKIA", 16, alphanumeric, false}, {"ASIA", 16, alphanumeric, false}, // AWS access keys
	{"ghp_", 36, alphanumeric, false}, {"gho_", 36, alphanumeric, false}, {"ghu_", 36, alphanumeric, false}, // GitHub
	{"ghs_", 36, alphanumeric, false}, {"ghr_", 36, alphanumeric, false}, {"github_pat_", 40, word, false},
	{"glpat-", 20, tokenByte, false}, {"npm_", 36, alphanumeric, false}, {"pypi-", 50, tokenByte, true},
	{"dckr_pat_", 24, tokenByte, false}, {"hf_", 34, alphanumeric, true},
	{"sk_live_", 16, alphanumeric, false}, {"rk_live_", 16, alphanumeric, false}, {"whsec_", 24, base64Byte, false}, // Stripe
	{"sq0csp-", 40, tokenByte, false}, {"sq0atp-", 20, tokenByte, false}, // Square
	{"xoxb-", 20, tokenByte, false}, {"xoxp-", 20, tokenByte, false}, {"xoxa-", 20, tokenByte, false}, {"xoxs-", 20, tokenByte, false}, // Slack
	{"AIza", 35, tokenByte, false}, {"GOCSPX-", 28, tokenByte, false}, {"ya29.", 60, tokenByte, false}, // Google
	{"SG.", 22, tokenByte, true}, {"shpat_", 32, alphanumeric, false}, {"shpss_", 32, alphanumeric, false},
	{"sk-ant-", 60, tokenByte, false}, {"sk-proj-", 40, tokenByte, false}, {"hvs.", 80, tokenByte, false},
	{"AGE-SECRET-KEY-1", 58, alphanumeric, false}, {"sp_", 62, word, true}, // age; our own
})

func byFirst(forms []secretForm) (table [128][]secretForm) {
	for _, f := range forms {
		table[f.prefix[0]] = append(table[f.prefix[0]], f)
	}
	return table
}

// findSecret finds keys with a published prefix, private keys in PEM, passwords in URLs, and tokens within prose, logs
// and quoted messages. A JSON Web Token that is handed out is none of its findings, see findJWT.
func findSecret(text string, found []span) []span {
	word, known := false, false // whether the text is one word: looked at once, and only where there is a token
	for i := 0; i < len(text); {
		c := text[i]
		if !secretStarts[c] || letter(c) && !begins(text, i) {
			i++
			continue
		}
		start, end := i, -1
		switch c {
		case '-':
			end = pemEnd(text, i)
		case ':':
			start, end = userinfo(text, i)
		case 'e':
			stop, ok := jwtEnd(text, i)
			if ok && !known {
				word, known = handedOut(text), true
			}
			if ok && !word {
				end = stop
			} else {
				i = max(i, stop-1)
			}
		default:
			end = secretEnd(text, i)
		}
		if end > 0 {
			found, i = append(found, span{start, end}), end-1
		}
		i++
	}
	return found
}

// secretStarts are the characters that secrets begin with.
var secretStarts = func() (t [256]bool) {
	for c := range secretForms {
		t[c] = secretForms[c] != nil
	}
	t['-'], t[':'], t['e'] = true, true, true
	return t
}()

// secretEnd returns the end of the key at start, or -1. No more than the prefix and the least number of characters is
// looked at before it is certain that there is one.
func secretEnd(text string, start int) int {
	for _, f := range secretForms[text[start]] {
		if !strings.HasPrefix(text[start:], f.prefix) {
			continue
		}
		from := start + len(f.prefix)
		certain := from + f.least
		if certain > len(text) || run(text[:certain], from, f.of) < certain || f.mixed && !mixed(text[from:certain]) {
			continue
		}
		if signedURL(text[:start]) {
			return -1
		}
		if strings.HasSuffix(f.prefix, ".") { // SendGrid, Vault, Google: parts with dots between them
			return run(text, certain, dottedByte)
		}
		return run(text, certain, f.of)
	}
	return -1
}

// signedURL reports whether an AWS access key stands in a signature, where it is the name of the key that signed:
// without it, links to stored files are broken, and it opens nothing.
func signedURL(before string) bool {
	return strings.HasSuffix(before, "Credential=")
}

func mixed(text string) bool {
	var digits, small, capitals bool
	for i := range len(text) {
		c := text[i]
		digits, small, capitals = digits || digit(c), small || c >= 'a' && c <= 'z', capitals || upper(c)
	}
	return digits && small && capitals
}

const (
	pemBegin = "-----BEGIN "
	pemClose = "-----END "
	// maxLabel bounds the label of a PEM block (RFC 7468), with the hyphens behind it.
	maxLabel = 64
	// keyWithin is how far behind the label key material begins: line breaks and a few header lines come first.
	keyWithin = 512
	leastKey  = 24
)

// pemEnd returns the end of the private key at start, or -1. What has no end goes on to the end of the text.
func pemEnd(text string, start int) int {
	if !strings.HasPrefix(text[start:], pemBegin) {
		return -1
	}
	from := start + len(pemBegin)
	label := text[from:min(from+maxLabel, len(text))]
	hyphens := strings.Index(label, "-----")
	if hyphens < 0 || !strings.HasSuffix(strings.TrimSuffix(label[:hyphens], " BLOCK"), "PRIVATE KEY") {
		return -1
	}
	from += hyphens + len("-----")
	if !material(text[from:min(from+keyWithin, len(text))]) {
		return -1
	}
	end := strings.Index(text[from:], pemClose)
	if end < 0 {
		return len(text)
	}
	end += from + len(pemClose)
	rest := text[end:min(end+maxLabel, len(text))]
	if i := strings.Index(rest, "-----"); i >= 0 {
		return end + i + len("-----")
	}
	return end
}

// material reports whether text has a run of base64 that could be of a key.
func material(text string) bool {
	for i := 0; i < len(text); i++ {
		end := run(text, i, base64Byte)
		if end-i >= leastKey {
			return true
		}
		i = end
	}
	return false
}

// maxUserinfo bounds user and password in a URL.
const maxUserinfo = 256

// userinfo returns the span of the password in the authority behind the colon of a scheme (RFC 3986, section 3.2.1), or -1.
func userinfo(text string, scheme int) (from, to int) {
	if !strings.HasPrefix(text[scheme:], "://") {
		return -1, -1
	}
	start, colon := scheme+len("://"), -1
	for i := start; i < len(text) && i < start+maxUserinfo; i++ {
		switch c := text[i]; {
		case c == '@':
			if colon >= start && i > colon+1 && !hiddenAlready(text[colon+1:i]) {
				return colon + 1, i
			}
			return -1, -1
		case c == ':' && colon < 0:
			colon = i
		case c <= ' ', c == '/', c == '?', c == '#', c == '"', c == '<', c == '>', c == '{', c == '}':
			return -1, -1
		}
	}
	return -1, -1
}

// findJWT finds JSON Web Tokens, signed or encrypted (RFC 7515, RFC 7516: compact serialization).
func findJWT(text string, found []span) []span {
	for i := 0; i < len(text); {
		end := i + 1
		if text[i] == 'e' && begins(text, i) {
			stop, ok := jwtEnd(text, i)
			if ok {
				found = append(found, span{i, stop})
			}
			end = max(end, stop)
		}
		i = end
	}
	return found
}

// handedOut reports whether a text is one word, such as a token or a link: that is how sign-in operations and links with
// a signature hand tokens to those whom they belong to.
func handedOut(text string) bool {
	return !strings.ContainsAny(strings.TrimPrefix(strings.TrimSpace(text), "Bearer "), " \t\r\n\"'<>{}")
}

const leastPart = 10 // {"a":""} in base64url

// jwtEnd reports whether a token begins at start, and where it ends. Where none does, no other begins before stop.
func jwtEnd(text string, start int) (stop int, ok bool) {
	if !strings.HasPrefix(text[start:], "eyJ") { // {"
		return start, false
	}
	head := run(text, start, tokenByte)
	if head-start < leastPart || head == len(text) || text[head] != '.' {
		return head, false
	}
	if stop = run(text, head, dottedByte); stop-head <= leastPart {
		return head, false
	}
	return stop, true
}

func tokenByte(c byte) bool  { return word(c) || c == '-' }
func dottedByte(c byte) bool { return tokenByte(c) || c == '.' }
func base64Byte(c byte) bool { return alphanumeric(c) || c == '+' || c == '/' || c == '=' }
