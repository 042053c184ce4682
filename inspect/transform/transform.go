package transform

import (
	"fmt"
	"strings"
)

// A Func changes a text. It returns the very same string where there is nothing to change.
type Func func(string) string

// A Chain is a sequence of transformations, as a rule lists them. The zero Chain changes nothing. It is immutable and
// safe for concurrent use.
type Chain struct {
	name  string
	funcs []Func
	moves Bytes
	folds bool
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
		if name == "lowercase" {
			c.folds = true
		}
		for i := range c.moves {
			c.moves[i] |= t.moves[i]
		}
	}
	c.name = strings.Join(kept, ",")
	return c, nil
}

// Name identifies the chain: equal names, equal effects. It is "" for a chain that changes nothing.
func (c *Chain) Name() string { return c.name }

// Apply transforms a text.
func (c *Chain) Apply(s string) string {
	for _, f := range c.funcs {
		s = f(s)
	}
	return s
}

// Keeps reports whether a text of these bytes is certainly unchanged.
func (c *Chain) Keeps(b *Bytes) bool { return c.moves != all && !c.moves.Meets(b) }

// KeepsButCase is Keeps for a reader to whom A and a are the same: letters that the chain makes small do not count.
func (c *Chain) KeepsButCase(b *Bytes) bool {
	if !c.folds || c.moves == all { // digests change the empty text too
		return c.Keeps(b)
	}
	moves := c.moves
	moves.remove('A', 'Z')
	return !moves.Meets(b)
}

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
	apply Func
	moves Bytes
}{
	"base64Decode":       {base64Decode, all},
	"base64DecodeExt":    {base64DecodeExt, all},
	"base64Encode":       {base64Encode, all},
	"cmdLine":            {cmdLine, union(span('A', 'Z'), BytesOf("\"'\\^,;/("), blank)},
	"compressWhitespace": {compressWhitespace, union(blank, wide)},
	"cssDecode":          {cssDecode, BytesOf(`\`)},
	"escapeSeqDecode":    {escapeSeqDecode, BytesOf(`\`)},
	"hexDecode":          {hexDecode, all},
	"hexEncode":          {hexEncode, all},
	"htmlEntityDecode":   {htmlEntityDecode, BytesOf("&")},
	"jsDecode":           {jsDecode, BytesOf(`\`)},
	"length":             {length, all},
	"lowercase":          {strings.ToLower, union(span('A', 'Z'), wide)},
	"md5":                {md5Sum, all},
	"normalisePath":      {normalizePath, BytesOf("/.")},
	"normalisePathWin":   {normalizePathWin, BytesOf(`/\.: `)},
	"normalizePath":      {normalizePath, BytesOf("/.")},
	"normalizePathWin":   {normalizePathWin, BytesOf(`/\.: `)},
	"removeComments":     {removeComments, BytesOf("/<-#")},
	"removeCommentsChar": {removeCommentsChar, BytesOf("/*<-#")},
	"removeNulls":        {removeNulls, BytesOf("\x00")},
	"removeWhitespace":   {removeWhitespace, union(blank, wide)},
	"replaceComments":    {replaceComments, BytesOf("/")},
	"replaceNulls":       {replaceNulls, BytesOf("\x00")},
	"sha1":               {sha1Sum, all},
	"trim":               {trim, blank},
	"trimLeft":           {trimLeft, blank},
	"trimRight":          {trimRight, blank},
	"uppercase":          {strings.ToUpper, union(span('a', 'z'), wide)},
	"urlDecode":          {urlDecode, BytesOf("%+")},
	"urlDecodeUni":       {urlDecodeUni, BytesOf("%+")},
	"urlEncode":          {urlEncode, all},
	"utf8toUnicode":      {utf8toUnicode, wide},
}
