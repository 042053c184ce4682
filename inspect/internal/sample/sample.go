// Package sample makes texts near to what attack rules look for, to hold two ways of evaluation against each other in
// tests: matches of the rules' own expressions, broken and disguised in the ways that transformations undo.
package sample

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"unicode"
)

// A Maker makes texts. It is not safe for concurrent use; equal seeds make equal texts.
type Maker struct {
	rand    *rand.Rand
	exprs   []*syntax.Regexp
	phrases []string
	from    []int
}

// New returns a maker for expressions, in the syntax of package regexp, and phrases. Expressions that do not parse are an
// error.
func New(seed uint64, exprs, phrases []string) (*Maker, error) {
	m := &Maker{rand: rand.New(rand.NewPCG(seed, 1)), phrases: phrases}
	for _, e := range exprs {
		re, err := syntax.Parse(e, syntax.Perl|syntax.DotNL)
		if err != nil {
			return nil, err
		}
		m.exprs = append(m.exprs, re)
	}
	return m, nil
}

// maxText bounds a text in bytes.
const maxText = 400

// Next makes a text.
func (m *Maker) Next() string {
	m.from = m.from[:0]
	s := m.core()
	for m.one(3) {
		s = m.join(s, m.core())
	}
	for m.one(3) {
		s = m.mutate(s)
	}
	for m.one(2) {
		s = m.disguise(s)
	}
	for m.one(6) {
		s = m.mutate(s)
	}
	return s[:min(len(s), maxText)]
}

// Match makes a text that one of the expressions matches, but for what stands around it.
func (m *Maker) Match() string {
	var b strings.Builder
	m.write(&b, pick(m, m.exprs), 0)
	return b.String()
}

// From lists the indices of the expressions that the last text was made from. It is valid until the next text.
func (m *Maker) From() []int { return m.from }

func (m *Maker) one(n int) bool { return m.rand.IntN(n) == 0 }

func pick[T any](m *Maker, list []T) T { return list[m.rand.IntN(len(list))] }

func (m *Maker) join(a, b string) string {
	return a + pick(m, []string{"", " ", ";", "'", "\n", "=", "/", "\x00", "&", "\""}) + b
}

func (m *Maker) core() string {
	switch n := m.rand.IntN(20); {
	case n < 12 && len(m.exprs) > 0:
		var b strings.Builder
		chosen := m.rand.IntN(len(m.exprs))
		m.from = append(m.from, chosen)
		m.write(&b, m.exprs[chosen], 0)
		return b.String()
	case n < 16 && len(m.phrases) > 0:
		return pick(m, m.phrases)
	case n < 17:
		b := make([]byte, m.rand.IntN(24))
		for i := range b {
			b[i] = byte(m.rand.IntN(256))
		}
		return string(b)
	case n < 19:
		return pick(m, pieces) + pick(m, pieces) + pick(m, pieces)
	}
	return pick(m, []string{"", "a", "1", "Hello, world", "2026-11-24", "john.doe@example.com", "/api/v1/orders", "true", "ſK", "naïve café"})
}

// pieces are what injections are made of, whatever the rules say.
var pieces = []string{"'", "\"", "`", " or ", "1=1", "--", "#", "/*", "*/", "<", ">", "<script", "onload=", "javascript:", "alert(1)", "../", "..\\", "/etc/passwd",
	"${", "}", "#{", "{{", "}}", "$(", ")", "|", "&&", ";", "cat ", "%0a", "%00", "\x00", "\r\n", "union", " select ", " from ", "sleep(5)", "http://127.0.0.1/", "php://", "<?php",
	"=", "0x41", "@@version", "\\x41", "\\u0041", "&#x41;", "\xff", "\xc0\xaf", "İ", "ſ", "K", "\u2028", "\u00a0", "a", "1", " ", "\t", "[$ne]", "__proto__", "%", "+"}

// write writes a text that the expression matches; what stands around it, as a word's boundary, is left to chance.
func (m *Maker) write(b *strings.Builder, re *syntax.Regexp, depth int) {
	if b.Len() > maxText {
		return
	}
	times := 1
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			m.rune(b, r, re.Flags&syntax.FoldCase != 0)
		}
		return
	case syntax.OpCharClass:
		m.class(b, re.Rune)
		return
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString(pick(m, []string{"a", "Z", "0", " ", "'", ".", "\n", "é", "\xfe", "-", "\x00", "<"}))
		return
	case syntax.OpAlternate:
		m.write(b, pick(m, re.Sub), depth+1)
		return
	case syntax.OpBeginLine, syntax.OpEndLine:
		if m.one(8) {
			b.WriteByte('\n')
		}
		return
	case syntax.OpWordBoundary:
		if m.one(4) {
			b.WriteByte(' ')
		}
		return
	case syntax.OpStar:
		times = m.rand.IntN(3)
	case syntax.OpPlus:
		times = 1 + m.rand.IntN(3)
	case syntax.OpQuest:
		times = m.rand.IntN(2)
	case syntax.OpRepeat:
		times = re.Min + m.rand.IntN(3)
		if re.Max >= 0 {
			times = min(times, re.Max)
		}
	}
	for range times {
		for _, sub := range re.Sub {
			m.write(b, sub, depth+1)
		}
	}
}

func (m *Maker) rune(b *strings.Builder, r rune, fold bool) {
	for n := m.rand.IntN(4); fold && n > 0; n-- {
		r = unicode.SimpleFold(r)
	}
	m.put(b, r)
}

// put writes a character; one above ASCII as a byte, now and then.
func (m *Maker) put(b *strings.Builder, r rune) {
	if r >= 0x80 && r < 0x100 && m.one(2) {
		b.WriteByte(byte(r))
		return
	}
	b.WriteRune(r)
}

func (m *Maker) class(b *strings.Builder, pairs []rune) {
	if len(pairs) == 0 {
		return
	}
	i := m.rand.IntN(len(pairs)/2) * 2
	from, to := pairs[i], pairs[i+1]
	if from < 0x80 && !m.one(10) {
		to = min(to, 0x7f)
	}
	to = min(to, from+0x300)
	m.put(b, from+rune(m.rand.IntN(int(to-from)+1)))
}
