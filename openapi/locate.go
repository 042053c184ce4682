package openapi

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml/ast"

	"github.com/sallyport/sallyport/config"
)

// A spot is a node in the tree of pointers that are looked for. One walk over the file finds them all.
type spot struct {
	children map[string]*spot
	found    bool
	line     int
	column   int
	node     ast.Node // YAML: the value
	offset   int      // JSON: where the key, or else the value, begins
	value    int      // JSON: where the value begins
	end      int      // JSON: where the value ends
}

func (s *spot) add(ptr string) *spot {
	if ptr == "" {
		return s
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(ptr, "/"), "/") {
		token = unescape(token)
		next := s.children[token]
		if next == nil {
			if s.children == nil {
				s.children = map[string]*spot{}
			}
			next = &spot{}
			s.children[token] = next
		}
		s = next
	}
	return s
}

// locate finds where the pointers stand: at their key in an object, at their value in an array. A pointer to nothing
// gets the position of its nearest parent that exists.
func (s *source) locate(ptrs []string) []Position {
	root := &spot{found: true, line: 1, column: 1}
	spots := make([]*spot, len(ptrs))
	for i, p := range ptrs {
		spots[i] = root.add(p)
	}
	if s.yaml {
		root.walkYAML(s.nodes())
	} else {
		_ = root.walkJSON(newDecoder(s.data), s.data) // the document was read before: no error to expect
		root.number(newLines(s.data))
	}
	root.inherit()
	out := make([]Position, len(ptrs))
	for i, sp := range spots {
		out[i] = Position{File: s.name, Line: sp.line, Column: sp.column}
	}
	return out
}

func (s *spot) inherit() {
	for _, c := range s.children {
		if !c.found {
			c.line, c.column = s.line, s.column
		}
		c.inherit()
	}
}

func (s *spot) walkYAML(n ast.Node) {
	if len(s.children) == 0 {
		return
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			s.pairYAML(pair)
		}
	case *ast.MappingValueNode:
		s.pairYAML(n)
	case *ast.SequenceNode:
		for i, e := range n.Values {
			if c := s.children[strconv.Itoa(i)]; c != nil {
				c.here(e)
				c.node = e
				c.walkYAML(e)
			}
		}
	case *ast.AnchorNode:
		s.walkYAML(n.Value)
	case *ast.TagNode:
		s.walkYAML(n.Value)
	}
}

func (s *spot) pairYAML(pair *ast.MappingValueNode) {
	key, ok := keyText(pair.Key)
	if c := s.children[key]; ok && c != nil {
		c.here(pair.Key)
		c.node = pair.Value
		c.walkYAML(pair.Value)
	}
}

func (s *spot) here(n ast.Node) {
	s.line, s.column = config.Begin(n)
	s.found = true
}

func (s *spot) walkJSON(d *jsontext.Decoder, data []byte) error {
	kind := d.PeekKind()
	if len(s.children) == 0 || (kind != '{' && kind != '[') {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for i := 0; d.PeekKind() != '}' && d.PeekKind() != ']'; i++ {
		token, start := strconv.Itoa(i), -1
		if kind == '{' {
			raw, err := d.ReadValue()
			if err != nil {
				return err
			}
			start = int(d.InputOffset()) - len(raw)
			text, err := jsontext.AppendUnquote(nil, raw)
			if err != nil {
				return err
			}
			token = string(text)
		}
		c := s.children[token]
		if c == nil {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		c.value = skipSpace(data, int(d.InputOffset()))
		if start < 0 {
			start = c.value
		}
		c.offset, c.found = start, true
		if err := c.walkJSON(d, data); err != nil {
			return err
		}
		c.end = int(d.InputOffset())
	}
	_, err := d.ReadToken()
	return err
}

// skipSpace returns the offset of the next value after a comma, a colon and white space.
func skipSpace(data []byte, at int) int {
	for at < len(data) && strings.IndexByte(" \t\r\n,:", data[at]) >= 0 {
		at++
	}
	return at
}

func (s *spot) number(l *lines) {
	if s.found {
		s.line, s.column = l.position(s.offset)
	}
	for _, c := range s.children {
		c.number(l)
	}
}

// lines finds line numbers by offset without counting from the beginning each time.
type lines struct {
	data   []byte
	starts []int
}

func newLines(data []byte) *lines {
	l := &lines{data: data, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

func (l *lines) position(offset int) (line, column int) {
	i, found := slices.BinarySearch(l.starts, offset)
	if !found {
		i--
	}
	start := l.starts[i]
	if offset-start > 10_000 { // minified: the column is counted in bytes, for time's sake
		return i + 1, offset - start + 1
	}
	return i + 1, utf8.RuneCount(l.data[start:offset]) + 1
}
