package transform

import (
	"fmt"
	"strings"
	"unsafe"
)

// A function appends the changed text to b, or returns false where there is nothing to change.
type function func(b []byte, s string) ([]byte, bool)

// A Chain is a sequence of transformations, as a rule lists them. The zero Chain changes nothing. It is immutable and
// safe for concurrent use.
type Chain struct {
	name  string
	funcs []function
	moves Bytes // without these it changes nothing
	other Bytes // moves, but for letters that it makes small
	keeps bool  // there may be such a text
	makes bool  // what comes out may hold bytes that did not go in
}

// NewChain looks up transformations by the names of the language's manual, letter case included. "none" forgets what
// stands before it.
func NewChain(names ...string) (Chain, error) {
	var c Chain
	var kept []string
	for _, name := range names {
		if name == "none" {
			c, kept = Chain{}, nil
			continue
		}
		t, ok := table[name]
		if !ok {
			return Chain{}, fmt.Errorf("the transformation %s is not supported", name)
		}
		c.funcs, kept = append(c.funcs, t.apply), append(kept, name)
		c.moves, c.makes = union(c.moves, t.moves), c.makes || !moving[name]
		moves := t.moves
		if name == "lowercase" {
			moves.remove('A', 'Z')
		}
		c.other = union(c.other, moves)
	}
	c.name, c.keeps = strings.Join(kept, ","), c.moves != all
	return c, nil
}

// Name identifies the chain: equal names, equal effects. It is "" for a chain that changes nothing.
func (c *Chain) Name() string { return c.name }

// Apply transforms a text. It returns the very same string where there is nothing to change.
func (c *Chain) Apply(s string) string {
	for _, f := range c.funcs {
		if b, changed := f(nil, s); changed {
			s = string(b)
		}
	}
	return s
}

// A Buffer holds transformed texts. The zero Buffer is ready to use; it is not safe for concurrent use.
type Buffer struct{ now, before []byte }

// ApplyIn is Apply without an allocation: the text lies in b and is valid until b is used again.
func (c *Chain) ApplyIn(b *Buffer, s string) string {
	for _, f := range c.funcs {
		out, changed := f(b.now[:0], s)
		if !changed {
			b.now = out // grown, perhaps
			continue
		}
		b.now, b.before = b.before, out // the next function reads what this one has written
		s = unsafe.String(unsafe.SliceData(out), len(out))
	}
	return s
}

// Keeps reports whether a text of these bytes is certainly unchanged.
func (c *Chain) Keeps(b *Bytes) bool { return c.name == "" || c.keeps && !c.moves.Meets(b) }

// KeepsButCase is Keeps for a reader to whom A and a are the same: letters that the chain makes small do not count.
func (c *Chain) KeepsButCase(b *Bytes) bool { return c.name == "" || c.keeps && !c.other.Meets(b) }

// Moves is the set of bytes without which the chain changes nothing but letter case.
func (c *Chain) Moves() Bytes { return c.other }

// Fixed reports whether the chain may change any text, whatever its bytes.
func (c *Chain) Fixed() bool { return c.name != "" && !c.keeps }

// Makes reports whether what comes out may hold other bytes than what went in, blanks and small letters aside.
func (c *Chain) Makes() bool { return c.makes }

// moving are the functions that take bytes away, or replace them by blanks and small letters.
var moving = map[string]bool{"cmdLine": true, "compressWhitespace": true, "lowercase": true, "normalisePath": true, "normalizePath": true,
	"removeComments": false, "removeCommentsChar": true, "removeNulls": true, "removeWhitespace": true, "replaceComments": true, "replaceNulls": true,
	"trim": true, "trimLeft": true, "trimRight": true}

// Bytes is a set of bytes.
type Bytes [4]uint64

// BytesOf is the set of bytes that occur in s.
func BytesOf(s string) (b Bytes) {
	for i := range len(s) {
		b[s[i]>>6] |= 1 << (s[i] & 63)
	}
	return b
}

// Has reports whether c is in the set.
func (b *Bytes) Has(c byte) bool { return b[c>>6]>>(c&63)&1 != 0 }

// Meets reports whether the sets share a byte.
func (b *Bytes) Meets(o *Bytes) bool {
	return b[0]&o[0]|b[1]&o[1]|b[2]&o[2]|b[3]&o[3] != 0
}

// Within reports whether every byte of the set is in o.
func (b *Bytes) Within(o *Bytes) bool {
	return b[0]&^o[0]|b[1]&^o[1]|b[2]&^o[2]|b[3]&^o[3] == 0
}

// Union is the bytes of both sets.
func (b *Bytes) Union(o *Bytes) Bytes { return union(*b, *o) }

// Folded is the set with small letters in place of capitals.
func (b *Bytes) Folded() Bytes {
	out := *b
	capitals := out[1] & (1<<27 - 2) // A to Z
	out[1] = out[1]&^capitals | capitals<<32
	return out
}

func (b *Bytes) remove(from, to byte) {
	for c := int(from); c <= int(to); c++ {
		b[c>>6] &^= 1 << (c & 63)
	}
}

func span(from, to byte) (b Bytes) {
	for c := int(from); c <= int(to); c++ {
		b[c>>6] |= 1 << (c & 63)
	}
	return b
}

func union(sets ...Bytes) (b Bytes) {
	for _, s := range sets {
		for i := range b {
			b[i] |= s[i]
		}
	}
	return b
}

var (
	all   = span(0, 255)
	wide  = span(0x80, 0xFF)
	blank = BytesOf(" \t\n\v\f\r")
)

// table holds the functions, with the bytes without which they change nothing.
var table = map[string]struct {
	apply function
	moves Bytes
}{
	"base64Decode":       {base64Decode, all},
	"base64DecodeExt":    {base64DecodeExt, all},
	"base64Encode":       {whole(base64Encode), all},
	"cmdLine":            {cmdLine, union(span('A', 'Z'), BytesOf("\"'\\^,;/("), blank)},
	"compressWhitespace": {compressWhitespace, union(blank, wide)},
	"cssDecode":          {cssDecode, BytesOf(`\`)},
	"escapeSeqDecode":    {escapeSeqDecode, BytesOf(`\`)},
	"hexDecode":          {whole(hexDecode), all},
	"hexEncode":          {whole(hexEncode), all},
	"htmlEntityDecode":   {whole(htmlEntityDecode), BytesOf("&")},
	"jsDecode":           {jsDecode, BytesOf(`\`)},
	"length":             {whole(length), all},
	"lowercase":          {lowercase, union(span('A', 'Z'), wide)},
	"md5":                {whole(md5Sum), all},
	"normalisePath":      {whole(normalizePath), BytesOf("/.")},
	"normalisePathWin":   {whole(normalizePathWin), BytesOf(`/\.: `)},
	"normalizePath":      {whole(normalizePath), BytesOf("/.")},
	"normalizePathWin":   {whole(normalizePathWin), BytesOf(`/\.: `)},
	"removeComments":     {whole(removeComments), BytesOf("/<-#")},
	"removeCommentsChar": {removeCommentsChar, BytesOf("/*<-#")},
	"removeNulls":        {removeNulls, BytesOf("\x00")},
	"removeWhitespace":   {removeWhitespace, union(blank, wide)},
	"replaceComments":    {replaceComments, BytesOf("/")},
	"replaceNulls":       {whole(replaceNulls), BytesOf("\x00")},
	"sha1":               {whole(sha1Sum), all},
	"trim":               {whole(trim), blank},
	"trimLeft":           {whole(trimLeft), blank},
	"trimRight":          {whole(trimRight), blank},
	"uppercase":          {whole(strings.ToUpper), union(span('a', 'z'), wide)},
	"urlDecode":          {urlDecode, BytesOf("%+")},
	"urlDecodeUni":       {urlDecodeUni, BytesOf("%+")},
	"urlEncode":          {whole(urlEncode), all},
	"utf8toUnicode":      {whole(utf8toUnicode), wide},
}

// whole makes a function of one that returns the text: for those that are seldom asked for, or seldom change anything.
func whole(f func(string) string) function {
	return func(b []byte, s string) ([]byte, bool) {
		out := f(s)
		if out == s {
			return b, false
		}
		return append(b, out...), true
	}
}
