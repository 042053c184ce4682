package protect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A detector finds one kind of sensitive value in text. Each validates what it finds by the published form of the
// kind, so that an order number is not taken for a card number. Its time grows linearly with the text, whatever the
// text is, and it sees ASCII forms only: fold comes before it.
type detector struct {
	kind string
	mask string // as in config.Property.Mask
	// needs are characters of which a text with a value has at least one; least is the length of the shortest value.
	needs class
	least int
	// find appends the spans of all values, ascending and disjoint.
	find func(text string, found []span) []span
}

// A span is a part of a text, in bytes.
type span struct{ start, end int }

var known = []detector{
	{"pan", "last4", hasDigit, 13, findPAN},
	{"iban", "last4", hasDigit, 15, findIBAN},
	{"ssn", "last4", hasDigit, 11, findSSN},
	{"secret", "full", hasJoint, 12, findSecret},
	{"password_hash", "full", hasSign, 20, findPasswordHash},
	{"email", "partial", hasAt, 6, findEmail},
	{"phone", "partial", hasPlus, 9, findPhone},
	{"jwt", "full", hasJoint, 20, findJWT},
}

// defaultDetect are the kinds that have no business in a string that the spec does not declare as one.
var defaultDetect = []string{"pan", "iban", "ssn", "secret", "password_hash"}

type detectors struct {
	list  []detector
	least int
	pan   bool // numbers are looked at too
}

func newDetectors(kinds []string) (detectors, error) {
	if kinds == nil {
		kinds = defaultDetect
	}
	d := detectors{least: 1 << 10}
	for _, k := range kinds {
		i := slices.IndexFunc(known, func(n detector) bool { return n.kind == k })
		if i < 0 {
			return d, fmt.Errorf("protect.detect: there is no detector for %q, only for %s", k, strings.Join(knownKinds(), ", "))
		}
		d.list = append(d.list, known[i])
		d.least = min(d.least, known[i].least)
		d.pan = d.pan || k == "pan"
	}
	return d, nil
}

func knownKinds() []string {
	var kinds []string
	for i := range known {
		kinds = append(kinds, known[i].kind)
	}
	return kinds
}

// A class says which characters occur in a text: one look at every byte spares most texts the detectors.
type class uint8

const (
	hasDigit class = 1 << iota
	hasAt
	hasPlus
	hasSign  // of password hashes
	hasJoint // of secrets: what joins their parts, and the A that those without a joint begin with
	hasHigh  // beyond ASCII: the text has to be folded
)

var classes = func() (t [256]class) {
	for c, k := range map[string]class{"0123456789": hasDigit, "@": hasAt, "+": hasPlus, "${": hasSign, "-_.:A": hasJoint} {
		for i := range len(c) {
			t[c[i]] = k
		}
	}
	for c := 0x80; c < len(t); c++ {
		t[c] = hasHigh
	}
	return t
}()

func classOf(text string) (k class) {
	for i := range len(text) {
		k |= classes[text[i]]
	}
	return k
}

// A match is a value that a detector found: its span in the text, and what is to stand there.
type match struct {
	span
	kind string
	with string
}

// find returns the values in a text, ascending and disjoint, but those of the kind that is excepted. Scratch is memory
// that it uses again.
func (d *detectors) find(text, except string, scratch *[]span) []match {
	if len(text) < d.least {
		return nil
	}
	k := classOf(text)
	if k == 0 {
		return nil
	}
	f := folded{text: text}
	if k&hasHigh != 0 {
		if f = fold(text); len(f.shifts) > 0 {
			k = classOf(f.text)
		}
	}
	return f.restore(d.matches(f.text, k, except, scratch))
}

// matches are the values in a text in ASCII forms.
func (d *detectors) matches(text string, k class, except string, scratch *[]span) []match {
	var found []match
	for i := range d.list {
		det := &d.list[i]
		if k&det.needs == 0 || len(text) < det.least || det.kind == except {
			continue
		}
		*scratch = det.find(text, (*scratch)[:0])
		for _, s := range *scratch {
			found = append(found, match{s, det.kind, Mask(det.mask, det.kind, text[s.start:s.end])})
		}
	}
	return disjoint(found)
}

// disjoint puts matches in order. Of two that overlap, none could be shown in part without showing some of the other.
func disjoint(found []match) []match {
	if len(found) < 2 {
		return found
	}
	slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(a.start, b.start) })
	out := found[:1]
	for _, m := range found[1:] {
		if last := &out[len(out)-1]; m.start < last.end {
			last.end, last.with = max(last.end, m.end), hiddenText
		} else {
			out = append(out, m)
		}
	}
	return out
}

// sensitive reports whether a detector finds something.
func (d *detectors) sensitive(text string) bool { return len(d.find(text, "", new([]span))) > 0 }

// mask returns the text with every value masked, and the first kind found, or "".
func (d *detectors) mask(text string) (masked, kind string) {
	found := d.find(text, "", new([]span))
	if len(found) == 0 {
		return text, ""
	}
	return joined(text, found), found[0].kind
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

func letter(c byte) bool { return upper(c) || c >= 'a' && c <= 'z' }

func alphanumeric(c byte) bool { return digit(c) || letter(c) }

func word(c byte) bool { return alphanumeric(c) || c == '_' }

// begins reports whether no word goes on at start.
func begins(text string, start int) bool {
	return start == 0 || !word(text[start-1]) || letter(text[start-1]) && escaped(text[:start])
}

// ends reports whether no word goes on at end.
func ends(text string, end int) bool { return end == len(text) || !word(text[end]) }

// escaped reports whether the last letter of text belongs to an escape sequence: text often quotes JSON (\n) or URLs (%3D).
func escaped(text string) bool {
	n := len(text)
	switch text[n-1] {
	case 'n', 'r', 't':
		return n > 1 && text[n-2] == '\\'
	}
	return n > 2 && text[n-3] == '%' && digit(text[n-2])
}

// run returns where the bytes of a set that begin at from end.
func run(text string, from int, in func(byte) bool) int {
	for from < len(text) && in(text[from]) {
		from++
	}
	return from
}
