package schema

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

var literals = []string{
	"0", "-0", "0.0", "1", "-1", "1.0", "10", "1e1", "100E-1", "0.1", "1e-1", "79.95", "7995e-2", "9007199254740993",
	"9007199254740992", "12345678901234567890123456789", "12345678901234567890123456789.5", "1.2345678901234567890123456789",
	"0.000000000000000000000000001", "1e308", "1e-308", "123456789012345678", "1234567890123456789", "999999999999999999e3",
	"0.3", "0.30000000000000004", "-5e2", "1000000000000000000000", "4.5", "0.0001",
}

func TestDecimalsAgainstRationals(t *testing.T) {
	for _, a := range literals {
		for _, b := range literals {
			checkDecimals(t, a, b)
		}
	}
}

func checkDecimals(t *testing.T, a, b string) {
	t.Helper()
	x, ok1 := parseDecimal(a)
	y, ok2 := parseDecimal(b)
	r, _ := new(big.Rat).SetString(a)
	s, _ := new(big.Rat).SetString(b)
	if !ok1 || !ok2 {
		t.Fatalf("%q or %q is not a number", a, b)
	}
	want := r.Cmp(s)
	if got := x.compare(y); (got > 0) != (want > 0) || (got < 0) != (want < 0) {
		t.Errorf("%s <=> %s: %d, want %d", a, b, got, want)
	}
	if (x == y) != (want == 0) {
		t.Errorf("%s == %s: %v", a, b, x == y)
	}
	if x.isInteger() != r.IsInt() {
		t.Errorf("%s is an integer: %v", a, x.isInteger())
	}
	if y.isZero() {
		return
	}
	if got, judged := x.isMultipleOf(y); judged && got != new(big.Rat).Quo(r, s).IsInt() {
		t.Errorf("%s is a multiple of %s: %v", a, b, got)
	}
}

func TestDecimalSyntax(t *testing.T) {
	for _, s := range []string{"", "-", ".", "1.", ".5", "1e", "1e+", "1x", "0x1", "1.2.3", "--1", "1e1.5", "NaN", "Infinity", " 1"} {
		if _, ok := parseDecimal(s); ok {
			t.Errorf("%q is a number", s)
		}
	}
}

// TestHugeNumbers: neither digits nor exponents cost more than reading them.
func TestHugeNumbers(t *testing.T) {
	_, s := compileIn(t, Draft2020, `{"multipleOf":3,"maximum":1e400}`)
	for literal, want := range map[string]string{
		"3e999999999":                         ":maximum",
		"1e399":                               ":multipleOf",
		"-3e999999999999999999999999999":      "",
		strings.Repeat("3", 100_000):          ":maximum :multipleOf",
		"0." + strings.Repeat("3", 1_000_000): ":multipleOf",
	} {
		if got := summary(s.Evaluate(&nodeT{Kind: kindNumber, Text: literal}, Request)); got != want {
			t.Errorf("%.20s: %q, want %q", literal, got, want)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for i := range literals {
		f.Add(literals[i], literals[len(literals)-1-i])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []string{a, b} {
			var n json.Number
			valid := json.Unmarshal([]byte(s), &n) == nil && strings.TrimSpace(s) == s && s != "null" && !strings.HasPrefix(s, `"`)
			if d, ok := parseDecimal(s); !valid || !ok || len(s) > 300 || d.exponent > 400 || d.exponent < -400 {
				if valid && !ok {
					t.Fatalf("%q is refused", s)
				}
				return
			}
			if e := strings.IndexAny(s, "eE"); e >= 0 && len(s)-e > 5 {
				return // a zero with an exponent that the oracle, big.Rat, does not read
			}
		}
		checkDecimals(t, a, b)
	})
}
