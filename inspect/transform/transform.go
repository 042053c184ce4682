package transform

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// A function appends the changed text to b, or returns false where there is nothing to change.
type function func(b []byte, s string) ([]byte, bool)

// A Function is one transformation of the rule language. It is immutable and safe for concurrent use.
type Function struct {
	name   string
	apply  function
	moves  Bytes             // a text without these is not changed, or in nothing but letter case …
	leaves func(string) bool // … nor one of which this holds; nil: of none …
	marks  []string          // … nor one without any of these; nil: moves has to do
	folds  bool              // it changes letter case
	adds   bool              // more bytes of ASCII may come out than bytes went in
	makes  *Bytes            // bytes that may come out and have not gone in, but for letters in the other case; nil: any
}

// Name is the name in the language.
func (f *Function) Name() string { return f.name }

// Folds reports whether the function changes letter case.
func (f *Function) Folds() bool { return f.folds }

// Adds reports whether a text may hold more bytes of ASCII afterwards than bytes before.
func (f *Function) Adds() bool { return f.adds }

// Makes reports whether one of some bytes may come out where none of them, letters in either case, has gone in.
func (f *Function) Makes(of *Bytes) bool { return f.makes == nil || f.makes.Meets(of) }

// Fixed reports whether the function may change any text, whatever its bytes.
func (f *Function) Fixed() bool { return f.moves == all }

// Moves is the set of bytes without which the function changes nothing but letter case.
func (f *Function) Moves() *Bytes { return &f.moves }

// Marks are texts one of which a text holds that is changed in more than letter case. They say more than Moves, or are nil.
func (f *Function) Marks() []string { return f.marks }

// Changes reports whether more than letter case may be changed in s, whose bytes are present. False is certain.
func (f *Function) Changes(present *Bytes, s string) bool {
	return f.Fixed() || f.moves.Meets(present) && (f.leaves == nil || !f.leaves(s))
}

// Apply appends the changed text to b, or returns false where nothing is changed: then what it has appended means nothing.
func (f *Function) Apply(b []byte, s string) ([]byte, bool) {
	out, changed := f.apply(b, s)
	return out, changed && string(out[len(b):]) != s
}

// A Chain is a sequence of transformations, as a rule lists them. The zero Chain changes nothing. It is immutable and
// safe for concurrent use.
type Chain struct {
	name      string
	functions []*Function
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
		f, ok := table[name]
		if !ok {
			return Chain{}, fmt.Errorf("the transformation %s is not supported", name)
		}
		c.functions, kept = append(c.functions, f), append(kept, name)
	}
	c.name = strings.Join(kept, ",")
	return c, nil
}

// Name identifies the chain: equal names, equal effects. It is "" for a chain that changes nothing.
func (c *Chain) Name() string { return c.name }

// Functions are the transformations, in order.
func (c *Chain) Functions() []*Function { return c.functions }

// Folds reports whether the chain changes letter case.
func (c *Chain) Folds() bool {
	return slices.ContainsFunc(c.functions, (*Function).Folds)
}

// Apply transforms a text. It returns the very same string where there is nothing to change.
func (c *Chain) Apply(s string) string {
	for _, f := range c.functions {
		if b, changed := f.Apply(nil, s); changed {
			s = string(b)
		}
	}
	return s
}

// A Buffer holds transformed texts. The zero Buffer is ready to use; it is not safe for concurrent use.
type Buffer struct{ now, before []byte }

// Holds reports whether s lies in the buffer.
func (b *Buffer) Holds(s string) bool {
	at, from := unsafe.StringData(s), unsafe.SliceData(b.before)
	return at != nil && at == from
}

// ApplyIn is Apply without an allocation: the text lies in b and is valid until b is used again.
func (c *Chain) ApplyIn(b *Buffer, s string) string {
	for _, f := range c.functions {
		out, changed := f.Apply(b.now[:0], s)
		if !changed {
			b.now = out // grown, perhaps
			continue
		}
		b.now, b.before = b.before, out // the next function reads what this one has written
		s = unsafe.String(unsafe.SliceData(out), len(out))
	}
	return s
}

// Bytes is a set of bytes.
type Bytes [4]uint64

// BytesOf is the set of bytes that occur in s.
func BytesOf(s string) (b Bytes) {
	var low, high uint64 // of ASCII; in registers, because each byte would wait for the one before
	for i := range len(s) {
		c := s[i]
		if c >= 0x80 {
			b[c>>6] |= 1 << (c & 63)
			continue
		}
		bit, second := uint64(1)<<(c&63), -uint64(c>>6)
		low, high = low|bit&^second, high|bit&second
	}
	b[0], b[1] = low, high
	return b
}

// Has reports whether c is in the set.
func (b *Bytes) Has(c byte) bool { return b[c>>6]>>(c&63)&1 != 0 }

// Meets reports whether the sets share a byte.
func (b *Bytes) Meets(o *Bytes) bool {
	return b[0]&o[0]|b[1]&o[1]|b[2]&o[2]|b[3]&o[3] != 0
}

// Within reports whether all bytes of the set are in another.
func (b *Bytes) Within(o *Bytes) bool {
	return b[0]&^o[0]|b[1]&^o[1]|b[2]&^o[2]|b[3]&^o[3] == 0
}

// Union is the bytes of both sets.
func (b *Bytes) Union(o *Bytes) Bytes { return union(*b, *o) }

// AnyCase is the set with each ASCII letter in both cases.
func (b *Bytes) AnyCase() Bytes {
	const capitals = 1<<27 - 2 // A to Z; small letters are 32 further
	out := *b
	out[1] |= out[1]&capitals<<32 | out[1]>>32&capitals
	return out
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

	oneBlank, oneSlash = BytesOf(" "), BytesOf("/")
	letters            = union(span('A', 'Z'), span('a', 'z'), wide) // and what is not ASCII
)

// AnyByte is the set of all bytes.
var AnyByte = all

// table holds the functions by name.
var table = func() map[string]*Function {
	m := map[string]*Function{}
	for i := range functions {
		m[functions[i].name] = &functions[i]
	}
	return m
}()

var functions = []Function{
	{name: "base64Decode", apply: base64Decode, moves: all},
	{name: "base64DecodeExt", apply: base64DecodeExt, moves: all},
	{name: "base64Encode", apply: whole(base64Encode), moves: all, adds: true},
	{name: "cmdLine", apply: cmdLine, moves: union(BytesOf("\"'\\^,;"), blank), marks: []string{`"`, "'", `\`, "^", ",", ";", "\t", "\r", "\n", "  ", " /", " ("}, leaves: spaced, folds: true, makes: &oneBlank},
	{name: "compressWhitespace", apply: compressWhitespace, moves: union(blank, wide), adds: true, makes: &oneBlank},
	{name: "cssDecode", apply: cssDecode, moves: BytesOf(`\`)},
	{name: "escapeSeqDecode", apply: escapeSeqDecode, moves: BytesOf(`\`)},
	{name: "hexDecode", apply: whole(hexDecode), moves: all},
	{name: "hexEncode", apply: whole(hexEncode), moves: all, adds: true},
	{name: "htmlEntityDecode", apply: whole(htmlEntityDecode), moves: BytesOf("&")},
	{name: "jsDecode", apply: jsDecode, moves: BytesOf(`\`)},
	{name: "length", apply: whole(length), moves: all, adds: true},
	{name: "lowercase", apply: lowercase, moves: wide, folds: true, adds: true, makes: &letters},
	{name: "md5", apply: whole(md5Sum), moves: all, adds: true},
	{name: "normalisePath", apply: whole(normalizePath), moves: BytesOf("/."), marks: []string{"/", "."}, leaves: oneStep, adds: true, makes: &Bytes{}},
	{name: "normalisePathWin", apply: whole(normalizePathWin), moves: BytesOf(`/\.: `), marks: []string{"/", `\`, ":", ".", " "}, leaves: oneWinStep, adds: true, makes: &oneSlash},
	{name: "normalizePath", apply: whole(normalizePath), moves: BytesOf("/."), marks: []string{"/", "."}, leaves: oneStep, adds: true, makes: &Bytes{}},
	{name: "normalizePathWin", apply: whole(normalizePathWin), moves: BytesOf(`/\.: `), marks: []string{"/", `\`, ":", ".", " "}, leaves: oneWinStep, adds: true, makes: &oneSlash},
	{name: "removeComments", apply: whole(removeComments), moves: BytesOf("/<-#"), adds: true},
	{name: "removeCommentsChar", apply: removeCommentsChar, moves: BytesOf("/*<-#"), marks: []string{"/*", "*/", "<!--", "--", "#"}, makes: &Bytes{}},
	{name: "removeNulls", apply: removeNulls, moves: BytesOf("\x00"), makes: &Bytes{}},
	{name: "removeWhitespace", apply: removeWhitespace, moves: union(blank, wide), makes: &wide},
	{name: "replaceComments", apply: replaceComments, moves: BytesOf("/"), marks: []string{"/*"}, makes: &oneBlank},
	{name: "replaceNulls", apply: whole(replaceNulls), moves: BytesOf("\x00")},
	{name: "sha1", apply: whole(sha1Sum), moves: all, adds: true},
	{name: "trim", apply: whole(trim), moves: blank},
	{name: "trimLeft", apply: whole(trimLeft), moves: blank},
	{name: "trimRight", apply: whole(trimRight), moves: blank},
	{name: "uppercase", apply: whole(strings.ToUpper), moves: wide, folds: true, adds: true},
	{name: "urlDecode", apply: urlDecode, moves: BytesOf("%+")},
	{name: "urlDecodeUni", apply: urlDecodeUni, moves: BytesOf("%+")},
	{name: "urlEncode", apply: whole(urlEncode), moves: all, adds: true},
	{name: "utf8toUnicode", apply: utf8toUnicode, moves: wide, adds: true},
}

// spaced reports whether all that cmdLine could change in s are blanks, and it leaves those.
func spaced(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case '"', '\'', '\\', '^', ',', ';', '\t', '\r', '\n':
			return false
		case ' ':
			if i+1 < len(s) && (s[i+1] == ' ' || s[i+1] == '/' || s[i+1] == '(') {
				return false
			}
		}
	}
	return true
}

// oneStep reports whether s is a single step of a path, which is left as it is.
func oneStep(s string) bool { return s != "." && strings.IndexByte(s, '/') < 0 }

// oneWinStep is oneStep for Windows, where streams, and dots and blanks at the end, go.
func oneWinStep(s string) bool {
	return s != "" && !strings.ContainsAny(s, `/\:`) && s[len(s)-1] != '.' && s[len(s)-1] != ' '
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
