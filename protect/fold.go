package protect

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A folded text is one in which detectors find what a reader would see: digits of all scripts and full-width forms
// are ASCII, spaces and hyphens of all widths are the plain ones, and characters without any width are gone.
type folded struct {
	text   string
	shifts []shift // ascending; none where the text is the original
	whole  string  // the original
}

// A shift says that from here on, and up to the next one, the folded text runs beside the original.
type shift struct{ folded, original int }

// invisible stands for a character that is dropped.
const invisible = -1

// fold looks at each character once. It copies the text only where something is folded.
func fold(text string) folded {
	f := folded{text: text, whole: text}
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		as := plainForm(r)
		if as != r {
			if done == 0 {
				b.Grow(len(text))
			}
			b.WriteString(text[done:i])
			f.shifts = append(f.shifts, shift{b.Len(), i})
			if as != invisible {
				b.WriteByte(byte(as))
			}
			done = i + size
			f.shifts = append(f.shifts, shift{b.Len(), done})
		}
		i += size
	}
	if done > 0 {
		b.WriteString(text[done:])
		f.text = b.String()
	}
	return f
}

// plainForm is the ASCII character that r stands for, invisible, or r itself.
func plainForm(r rune) rune {
	switch {
	case r >= 0xC0 && r < 0x300, r >= 0x3040 && r < 0xA000, r >= 0xAC00 && r < 0xD7A4: // Latin, CJK: nothing to fold
		return r
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == 0x034F, r >= 0xFE00 && r <= 0xFE0F, unicode.Is(unicode.Cf, r):
		return invisible
	case unicode.Is(unicode.Zs, r):
		return ' '
	case r == 0x2212, unicode.Is(unicode.Pd, r):
		return '-'
	case unicode.Is(unicode.Nd, r):
		return decimal(r)
	}
	return r
}

// decimal is the digit that a character of category Nd stands for: they come in runs of ten, from zero to nine.
func decimal(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}

// restore moves matches from the folded text to the original.
func (f *folded) restore(found []match) []match {
	if len(f.shifts) == 0 {
		return found
	}
	for i := range found {
		m := &found[i]
		last := f.original(m.end - 1)
		_, size := utf8.DecodeRuneInString(f.whole[last:])
		m.start, m.end = f.original(m.start), last+size
	}
	return found
}

// original is where the character at an offset of the folded text begins in the original.
func (f *folded) original(at int) int {
	i := sort.Search(len(f.shifts), func(i int) bool { return f.shifts[i].folded > at })
	if i == 0 {
		return at
	}
	s := f.shifts[i-1]
	return s.original + at - s.folded
}
