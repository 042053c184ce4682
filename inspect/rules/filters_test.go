package rules

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/corazawaf/libinjection-go"
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
		if s := stripped(b, &sql); len(s) > 0 {
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
