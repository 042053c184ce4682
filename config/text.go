package config

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A text is a config as it was written, with the places of its lines. What edits it splices bytes, so that comments, order
// and everything else stay as they are.
type text struct {
	data  []byte
	lines []int // where each begins
	root  ast.Node
}

var errShape = errors.New("the config is written in a form that cannot be edited here")

func newText(data []byte) (*text, error) {
	tree, err := ParseYAML(data)
	if err != nil {
		return nil, err
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, errShape
	}
	t := &text{data: data, lines: []int{0}, root: tree.Docs[0].Body}
	for i, b := range data {
		if b == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t, nil
}

// offset is where a token begins in data; columns count characters.
func (t *text) offset(tk *token.Token) (int, bool) {
	line := tk.Position.Line - 1
	if line < 0 || line >= len(t.lines) {
		return 0, false
	}
	at := t.lines[line]
	for range tk.Position.Column - 1 {
		_, size := utf8.DecodeRune(t.data[at:])
		if at += size; size == 0 {
			return 0, false
		}
	}
	return at, true
}

// span is where a scalar stands. It is false for one that is spread over lines.
func (t *text) span(n ast.Node) (start, end int, ok bool) {
	tk := n.GetToken()
	start, ok = t.offset(tk)
	if !ok || start >= len(t.data) {
		return 0, 0, false
	}
	rest := t.data[start:]
	switch tk.Type {
	case token.DoubleQuoteType, token.SingleQuoteType:
		end := quoted(rest)
		return start, start + end, end > 0
	}
	return start, start + len(tk.Value), tk.Value != "" && bytes.HasPrefix(rest, []byte(tk.Value))
}

// quoted is the length of the quoted scalar at the beginning of b, or 0.
func quoted(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '\n':
			return 0
		case b[0] == '"' && b[i] == '\\':
			i++
		case b[i] == b[0] && b[0] == '\'' && i+1 < len(b) && b[i+1] == '\'':
			i++
		case b[i] == b[0]:
			return i + 1
		}
	}
	return 0
}

// A splice replaces data[start:end].
type splice struct {
	start, end int
	with       string
}

func (t *text) apply(list ...splice) []byte {
	slices.SortFunc(list, func(a, b splice) int { return a.start - b.start })
	var out []byte
	last := 0
	for _, s := range list {
		out = append(append(out, t.data[last:s.start]...), s.with...)
		last = s.end
	}
	return append(out, t.data[last:]...)
}

// entries are those of a mapping, nil of anything else.
func entries(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	return nil
}

func entry(n ast.Node, key string) *ast.MappingValueNode {
	for _, e := range entries(n) {
		if keyText(e) == key {
			return e
		}
	}
	return nil
}
