package rules

import (
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/corazawaf/libinjection-go"

	"github.com/sallyport/sallyport/inspect/transform"
)

// libinjection never objects to a text without the bytes that its filters ask for: words without anything between them to
// @detectSQLi, texts without < and = to @detectXSS. SALLYPORT_FILTERED says how many texts a long run makes.
func TestFiltersOfLibinjection(t *testing.T) {
	texts, seed := 50_000, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_FILTERED")); err == nil {
		texts, seed = n, uint64(n)
	}
	var sql, xss operator
	sql.detectSQLi()
	xss.detectXSS()
	random := rand.New(rand.NewPCG(seed, 2))
	words := []string{"select", "union", "0x41", "1e5", "or", "sleep", "N", "x", "b", "u", "n", "q", "_utf8", "null", "or1", "1or1", "version", "script", "onload",
		"javascript:", "expression", "style", ">", "/", "\"", "'", "-->", "`", " ", "\x00", "&#", "%", "iframe", "xmlns", "data:", "0b01", "1d", "binary", "div"}
	for range texts {
		var b []byte
		for range 1 + random.IntN(8) {
			if random.IntN(3) > 0 {
				b = append(b, words[random.IntN(len(words))]...)
			} else {
				b = append(b, byte(random.IntN(256)))
			}
		}
		for _, s := range []string{stripped(b, &sql), string(b)} {
			if present := transform.BytesOf(s); sql.needs.Meets(&present) && sql.suspects(s) {
				continue
			}
			if found, print := libinjection.IsSQLi(s); found {
				t.Fatalf("@detectSQLi would have objected to %q (%s)", s, print)
			}
		}
		if s := stripped(b, &xss); libinjection.IsXSS(s) {
			t.Fatalf("@detectXSS would have objected to %q", s)
		}
	}
}

// stripped takes the bytes that an operator needs out of a text.
func stripped(b []byte, o *operator) string {
	var out []byte
	for _, c := range b {
		if !o.needs.Has(c) {
			out = append(out, c)
		}
	}
	return string(out)
}

// Texts of the kind that the filter lets pass, and of its borders: words of every meaning in rows, with marks, operators,
// numbers and dates between them.
func TestFilterOfSQL(t *testing.T) {
	texts, seed := 100_000, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_FILTERED")); err == nil {
		texts, seed = n, uint64(n)
	}
	random := rand.New(rand.NewPCG(seed, 3))
	words := slices.Sorted(maps.Keys(sqlWords))
	between := []string{" ", " ", " ", " ", "  ", "\n", ",", ", ", ".", ":", "::", ":=", "-", "--", "/", "/*", "+", "*", "=", "<", ">", "!", "!=", "@", "@@", "?", "\xa0", "\x01", ";", "(", ")", "'", "\"", "#", "$", "&", "|", "~"}
	tokens := []string{"the", "parcel", "json", "items", "e", "x", "n", "q", "u", "b", "5", "12", "0", "1.5", "1e", "1e5", "0x", "0x4f", "0b1", "2026-05-04T10:20:30Z", "3f2504e0", "1d", "1f", "9a", "7dec", "é", "à", "into", "outfile", "sp_password"}
	passed := 0
	for range texts {
		var b []byte
		calm := random.IntN(2) == 0
		for range 1 + random.IntN(12) {
			if random.IntN(3) == 0 {
				b = append(b, words[random.IntN(len(words))]...)
			} else {
				b = append(b, tokens[random.IntN(len(tokens))]...)
			}
			switch {
			case random.IntN(8) == 0:
			case calm:
				b = append(b, between[random.IntN(22)]...)
			default:
				b = append(b, between[random.IntN(len(between))]...)
			}
		}
		if suspectsSQL(string(b)) {
			if ascii := strings.IndexFunc(string(b), func(r rune) bool { return r >= 0x80 }) < 0; ascii && !likeSQL().Match(string(b)) {
				t.Fatalf("%q is suspected, and nothing like SQL", b)
			}
			continue
		}
		passed++
		if found, print := libinjection.IsSQLi(string(b)); found {
			t.Fatalf("libinjection objects to %q (%s)", b, print)
		}
	}
	if passed < texts/50 {
		t.Errorf("only %d of %d texts are passed over", passed, texts)
	}
	t.Logf("%d of %d texts are passed over", passed, texts)
}

// What sqli.go says of libinjection's table is true of the version that is linked, and sqlwords.txt has its words.
func TestTableOfLibinjection(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/corazawaf/libinjection-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "sqli_data.go"))
	if err != nil {
		t.Fatal(err)
	}
	harmless := regexp.MustCompile(`^0([N1KF.,:?]+|[N1O.,:?]+|[N1V.,:?]+)$`)
	middle := regexp.MustCompile(`^0[N1]K[N1]$`)
	entries, unusual := 0, regexp.MustCompile(`^[a-fz0-9]+(t[0-9][a-fz0-9]*)*$`)
	for _, m := range regexp.MustCompile(`(?m)^\s+"([^"]+)":\s+'(.)',`).FindAllStringSubmatch(string(source), -1) {
		entries++
		key, kind := m[1], m[2]
		switch word := strings.ToLower(key); {
		case kind == "F" && key[0] == '0':
			if harmless.MatchString(key) && !middle.MatchString(key) {
				t.Errorf("the fingerprint %s is objected to", key[1:])
			}
		case strings.Contains(word, " "):
			parts := strings.Fields(word)
			for i, p := range parts {
				if i > 0 && sqlWords[p]&second == 0 || i < len(parts)-1 && sqlWords[p]&first == 0 {
					t.Errorf("%q of the phrase %q", p, word)
				}
			}
		case !isWord.MatchString(word):
		case !strings.Contains("kfn1", kind) && sqlWords[word]&loud == 0:
			t.Errorf("%q (%s) is not loud", word, kind)
		case strings.Contains("kf", kind) && sqlWords[word] == 0:
			t.Errorf("%q (%s) is not known", word, kind)
		case word != "dec" && unusual.MatchString(word):
			t.Errorf("%q looks like a number", word)
		}
	}
	if entries < 9000 {
		t.Errorf("%d entries", entries)
	}
}

var isWord = regexp.MustCompile(`^[a-z0-9_.]+$`)
