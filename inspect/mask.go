package inspect

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// mask shows of a matched fragment what an analyst needs to recognise it, and no more: the first and last characters
// and the length in characters. What is short shows less.
func mask(s string) string {
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0:
		return ""
	case n < 4:
		return fmt.Sprintf("… (%d)", n)
	case n < 12:
		return fmt.Sprintf("%s…%s (%d)", edge(s, 1, false), edge(s, 1, true), n)
	}
	return fmt.Sprintf("%s…%s (%d)", edge(s, 3, false), edge(s, 2, true), n)
}

// edge returns the first or last n characters, with everything that a terminal might obey escaped.
func edge(s string, n int, last bool) string {
	at := 0
	if last {
		for at = len(s); n > 0; n-- {
			_, size := utf8.DecodeLastRuneInString(s[:at])
			at -= size
		}
		s = s[at:]
	} else {
		for ; n > 0; n-- {
			_, size := utf8.DecodeRuneInString(s[at:])
			at += size
		}
		s = s[:at]
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}
