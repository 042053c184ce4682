package rules

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/inspect/pattern"
)

// sqli.go tells texts to which libinjection does not object, without asking it: it takes microseconds and allocates for
// every word. It reduces a text to the types of its first five tokens and looks these up in a table of fingerprints. What
// is passed over here is sound by that table, which a test reads: no fingerprint is made of
//
//   - numbers, words, functions without parentheses, commas, dots and colons, but for three tokens with a keyword in the
//     middle, of which only INTO OUTFILE and its like are objected to;
//   - the same with operators instead of functions and keywords, or with variables.
//
// Nor is there a second reading of a text without quotes and comments. A text that is not surely of this kind is asked about.

// What a byte can be in such a text.
const (
	aWord     = 1 + iota // letters, _, and bytes that are not ASCII
	aDigit               // also a word's, but for its first
	aBlank               //
	aMark                // comma, dot, colon
	aOperator            //
	aVariable            // @
)

var sqlBytes = func() (kinds [256]uint8) {
	for c := range kinds {
		switch c := byte(c); {
		case 'a' <= c|0x20 && c|0x20 <= 'z', c == '_', c >= 0x80:
			kinds[c] = aWord
		case '0' <= c && c <= '9':
			kinds[c] = aDigit
		}
	}
	for kind, list := range map[uint8]string{aBlank: " \t\r\n\xA0", aMark: ",.:?", aOperator: "-+/*!<>=%^~", aVariable: "@"} {
		for i := range len(list) {
			kinds[list[i]] = kind
		}
	}
	return kinds
}()

// What a word can mean to libinjection.
const (
	loud   = 1 << iota // more than a name, a number, a keyword or a function
	first              // begins a phrase of several words
	second             // goes on with one
	known              // a keyword or function, or one of the above
	dotted             // the part before the dot of a word with a dot
)

//go:embed sqlwords.txt
var sqlWordText string

// sqlWords are the words of the table, in lower case, with what they mean.
var sqlWords = func() map[string]uint8 {
	meanings := map[string]uint8{"loud": loud, "first": first, "second": second, "known": known}
	words := map[string]uint8{}
	for line := range strings.Lines(sqlWordText) {
		fields := strings.Fields(line)
		for _, w := range fields[1:] {
			words[w] |= meanings[fields[0]] | known
			if before, _, found := strings.Cut(w, "."); found {
				words[before] |= dotted
			}
		}
	}
	return words
}()

// sqlShapes has a bit for the first letter, the last and the length of each word: most names are told by it.
var sqlShapes = func() (shapes [32][32]uint32) {
	for w := range sqlWords {
		shapes[w[0]&31][w[len(w)-1]&31] |= 1 << len(w)
	}
	return shapes
}()

// leading is how many words in a row, with nothing but blanks between them, decide about all that follows: five make the
// fingerprint, and two more are read ahead.
const leading = 8

// suspectsSQL reports whether libinjection may object to s. False is certain.
func suspectsSQL(s string) bool {
	var t sqlText
	for i := 0; i < len(s); {
		switch sqlBytes[s[i]] {
		case aBlank:
			i++
		case aWord, aDigit:
			n := wordLength(s[i:])
			if t.word(s[i : i+n]); t.suspect() {
				return true
			}
			if t.leads && t.words >= leading {
				return strings.ContainsAny(s[i:], `'"`)
			}
			i += n
		case aMark:
			t.leads, t.marks = false, true
			if s[i] == ':' && i+1 < len(s) && (s[i+1] == ':' || s[i+1] == '=') {
				t.operators = true
			}
			i++
		case aOperator:
			if i+1 < len(s) && (s[i] == '-' && s[i+1] == '-' || s[i] == '/' && s[i+1] == '*') {
				return true // a comment
			}
			t.leads, t.operators = false, true
			i++
		case aVariable:
			t.leads, t.variables = false, true
			i++
		default:
			return true
		}
		if t.suspect() {
			return true
		}
	}
	return false
}

// likeSQL is an expression that matches every text of ASCII which suspectsSQL suspects, for texts that are known by their language
// only: a byte that is none of the above, a variable, a comment, a word of the table, a number that is more than one.
var likeSQL = sync.OnceValue(func() *pattern.Pattern {
	var odd, words strings.Builder
	for c := range rune(0x80) {
		if kind := sqlBytes[c]; kind == 0 || kind == aVariable {
			fmt.Fprintf(&odd, `\x%02x`, c)
		}
	}
	for _, w := range slices.Sorted(maps.Keys(sqlWords)) {
		words.WriteString("|" + regexp.QuoteMeta(w))
	}
	expr := `(?i)[` + odd.String() + `]|--|/\*|(?:^|[^0-9A-Z_])(?:[0-9][0-9A-Z_.]*?(?:[g-su-y_]|t(?:[^0-9]|$)|dec)|(?:` + words.String()[1:] + `)(?:$|[^0-9A-Z_]))`
	p, err := pattern.Compile(expr, false, pattern.NewBudget(sharedRefined))
	if err != nil {
		panic(err) // it is made of the table alone
	}
	return p
})

// wordLength counts the bytes of a word, dots within included.
func wordLength(s string) int {
	n := 1
	for n < len(s) {
		if k := sqlBytes[s[n]]; k != aWord && k != aDigit && s[n] != '.' {
			break
		}
		n++
	}
	return n
}

// sqlText is what has been read of a text.
type sqlText struct {
	words     int
	after     uint8 // what the word before means
	meaning   uint8 // what all words mean
	marks     bool
	operators bool
	variables bool
	odd       bool // there is something that only libinjection can read
	leads     bool
}

// suspect reports whether what has been read goes beyond what no fingerprint is made of.
func (t *sqlText) suspect() bool {
	switch {
	case t.odd, t.meaning&loud != 0:
		return true
	case t.operators, t.variables:
		return t.operators && t.variables || t.meaning != 0
	case t.marks:
		return t.meaning&first != 0 && t.meaning&second != 0
	}
	return false
}

func (t *sqlText) word(w string) {
	if t.words++; t.words == 1 {
		t.leads = !t.marks && !t.operators && !t.variables
	}
	meaning := uint8(0)
	if sqlBytes[w[0]] == aDigit {
		if n := numberLike(w); n == 0 {
			t.odd = true
		} else if n > 1 {
			t.leads = false
		}
	} else {
		meaning = meaningOf(w)
	}
	if t.after&first != 0 && meaning&second != 0 {
		t.odd = true
	}
	t.after, t.meaning = meaning, t.meaning|meaning
}

// numberLike returns 1 for digits alone and 2 for hexadecimal digits, dates and times that begin with a digit. These may be
// several tokens, but the table has no word of these letters alone, except DEC. It returns 0 for anything else: what
// follows a number without a blank is a word of its own.
func numberLike(w string) int {
	kind := 1
	for i := range len(w) {
		switch c := w[i]; {
		case '0' <= c && c <= '9':
		case c|0x20 == 'c' && i >= 2 && strings.EqualFold(w[i-2:i], "de"):
			return 0
		case 'a' <= c|0x20 && c|0x20 <= 'f', c|0x20 == 'z', c == '.', c|0x20 == 't' && i+1 < len(w) && sqlBytes[w[i+1]] == aDigit:
			kind = 2
		default:
			return 0
		}
	}
	return kind
}

// meaningOf looks a word up, whole and up to each dot, as libinjection does.
func meaningOf(w string) uint8 {
	dot := strings.IndexByte(w, '.')
	if dot < 0 {
		return lookUp(w)
	}
	meaning := lookUp(w[:dot])
	if meaning&dotted == 0 {
		return meaning // no word of the table begins like this
	}
	for i := dot + 1; i < len(w); i++ {
		if w[i] == '.' {
			meaning |= lookUp(w[:i])
		}
	}
	return meaning&^dotted | lookUp(w)
}

// longestWord bounds what is looked up: libinjection takes longer words for names.
const longestWord = 31

func lookUp(w string) uint8 {
	if len(w) > longestWord || len(w) == 0 || sqlShapes[w[0]&31][w[len(w)-1]&31]>>len(w)&1 == 0 {
		return 0
	}
	var lower [longestWord]byte
	for i := range len(w) {
		c := w[i]
		if c >= 0x80 {
			return 0
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return sqlWords[string(lower[:len(w)])]
}
