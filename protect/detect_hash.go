package protect

import "strings"

// hashForms are the prefixes of stored passwords: crypt(5) and the modular format, PHC strings, the formats of Django,
// Werkzeug and phpass, SCRAM (RFC 5803), and LDAP (RFC 2307).
var hashForms = bySecond([]string{
	"$1$", "$2$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "$sha1$", "$md5", "$P$", "$H$", "$S$",
	"$argon2", "$scrypt", "$pbkdf2", "$bcrypt",
	"{SHA}", "{SSHA", "{SMD5}", "{CRYPT}", "{PBKDF2", "{ARGON2", "{BCRYPT", "{bcrypt}", "{argon2}", "{scrypt}", "{pbkdf2}",
})

// bySecond files prefixes under their second character; the first one is a sign.
func bySecond(prefixes []string) (table [128][]string) {
	for _, p := range prefixes {
		table[p[1]] = append(table[p[1]], p)
	}
	return table
}

// namedForms have their algorithm before the first $.
var namedForms = []string{"pbkdf2_sha256", "pbkdf2_sha1", "pbkdf2:sha256", "pbkdf2:sha512", "pbkdf2:sha1", "scrypt", "argon2", "bcrypt_sha256", "bcrypt", "SCRAM-SHA-256", "SCRAM-SHA-1", "sha1", "md5"}

const (
	leastHash = 20 // characters behind the prefix
	// maxName bounds what stands before the first $ of a named form: the algorithm and its costs.
	maxName = 40
)

// findPasswordHash finds stored passwords: a prefix, and salt and hash behind it. Digests without any prefix cannot be
// told from other hexadecimal numbers.
func findPasswordHash(text string, found []span) []span {
	floor := 0
	for i := 0; i < len(text); {
		next := strings.IndexAny(text[i:], "${")
		if next < 0 {
			break
		}
		i += next
		start, from := hashStart(text, i, floor)
		certain := from + leastHash
		if from < 0 || certain > len(text) || run(text[:certain], from, hashByte) < certain {
			i++
			continue
		}
		i = run(text, certain, hashByte)
		found = append(found, span{start, i})
		floor = i
	}
	return found
}

// hashStart returns where the form begins that has its first sign at i, and where its prefix ends; -1 for none.
func hashStart(text string, i, floor int) (start, from int) {
	start = i
	for text[i] == '$' && start > floor && i-start < maxName && nameByte(text[start-1]) {
		start--
	}
	if start < i {
		if named := namedStart(text, start, i); named >= 0 {
			return named, i + 1
		}
	}
	if i+1 == len(text) || text[i+1] >= 128 {
		return -1, -1
	}
	for _, p := range hashForms[text[i+1]] {
		if strings.HasPrefix(text[i:], p) {
			return i, i + len(p)
		}
	}
	return -1, -1
}

// namedStart returns where in text[start:end] the name of an algorithm begins that goes on to the end, with its costs.
func namedStart(text string, start, end int) int {
	for _, p := range namedForms {
		at := strings.LastIndex(text[start:end], p)
		if stop := start + at + len(p); at >= 0 && begins(text, start+at) && (stop == end || text[stop] == ':') {
			return start + at
		}
	}
	return -1
}

func nameByte(c byte) bool { return word(c) || c == '-' || c == ':' }
func hashByte(c byte) bool { return word(c) || strings.IndexByte("$./+=,:-{}", c) >= 0 }
