package protect

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// hiddenText stands for a value of which nothing is shown.
const hiddenText = "********"

// strictness orders the masks: where two schemas ask for different ones, the stricter holds.
var strictness = map[string]int{"": 0, "none": 0, "partial": 1, "last4": 2, "hash": 3, "full": 4, "remove": 5}

// Mask shows text of a kind in one of the ways of config.Property.Mask.
func Mask(mask, kind, text string) string {
	switch mask {
	case "last4":
		return last(text, 4)
	case "partial":
		return partial(kind, text)
	case "hash":
		return digest(text)
	}
	return hiddenText
}

// last keeps the last n letters and digits, and the layout of separators. Of a text that has fewer than twice as many,
// nothing is kept: too little would be hidden.
func last(text string, n int) string {
	total := 0
	for _, r := range text {
		if shown(r) {
			total++
		}
	}
	hide := total - n
	if total < 2*n {
		hide = total
	}
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if shown(r) {
			if hide > 0 {
				r = '*'
			}
			hide--
		}
		b.WriteRune(r)
	}
	return b.String()
}

func partial(kind, text string) string {
	if kind == "email" {
		if at := strings.LastIndexByte(text, '@'); at > 0 {
			_, size := utf8.DecodeRuneInString(text)
			return text[:size] + "***" + text[at:]
		}
	}
	if kind == "phone" {
		return last(text, 2)
	}
	r, size := utf8.DecodeRuneInString(text)
	if size == len(text) {
		return "***"
	}
	return string(r) + "***"
}

// shown reports whether a character carries a part of the value.
func shown(r rune) bool { return r >= utf8.RuneSelf || alphanumeric(byte(r)) }

// hashKey lives as long as the process: equal values can be told to be equal, nobody can look them up.
var hashKey = func() []byte { k := make([]byte, 32); _, _ = rand.Read(k); return k }()

// hiddenName stands for a value in the name of a member. Different values have different names; the stars keep it apart
// from what stands beside it.
func hiddenName(text string) string { return "*" + digest(text) + "*" }

// hiddenAlready reports whether text is what masks put in place of a whole value.
func hiddenAlready(text string) bool {
	return text == hiddenText || len(text) == len("*h:0123456789abcdef*") && strings.HasPrefix(text, "*h:")
}

func digest(text string) string {
	h := hmac.New(sha256.New, hashKey)
	h.Write([]byte(text))
	return "h:" + hex.EncodeToString(h.Sum(nil)[:8])
}
