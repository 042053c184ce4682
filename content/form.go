package content

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// parseForm reads application/x-www-form-urlencoded into an Object of Strings; a repeated name becomes an Array, and
// what f says to be JSON is read as such. Raw
// bytes beyond ASCII are accepted as UTF-8; raw control characters and ";", which some readers take for a
// separator, are not.
func parseForm(data []byte, lim Limits, f Fields) (*Node, error) {
	p := formParser{data: data, lim: lim, fields: f, builder: newBuilder(len(data), lim.Nodes)}
	defer p.release()
	p.nodes = 1 // the Object
	for start := 0; start <= len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[start:], '&'); i >= 0 {
			end = start + i
		}
		if err := p.pair(start, end); err != nil {
			return nil, err
		}
		start = end + 1
	}
	members, err := p.group(0)
	if err != nil {
		return nil, err
	}
	return &Node{Kind: Object, Children: members, End: uint32(len(data))}, nil
}

type formParser struct {
	builder
	data   []byte
	lim    Limits
	fields Fields // may be nil
}

// pair reads the pair between start and end; an empty one means nothing to anybody.
func (p *formParser) pair(start, end int) error {
	if start == end {
		return nil
	}
	nameEnd, value := end, end
	if i := bytes.IndexByte(p.data[start:end], '='); i >= 0 {
		nameEnd, value = start+i, start+i+1
	}
	name, err := p.component(start, nameEnd)
	if err != nil {
		return err
	}
	if err := checkName(name, start, p.lim); err != nil {
		return err
	}
	text, err := p.component(value, end)
	if err != nil {
		return err
	}
	if strings.IndexByte(text, 0) >= 0 {
		return fail(Ambiguous, value, "a NUL in a value")
	}
	n := Node{Kind: String, Name: name, Text: text, NameStart: uint32(start), Start: uint32(value), End: uint32(end)}
	if p.fields != nil && p.fields.JSON(Part{Name: name}) {
		if n, err = p.embedded(n); err != nil {
			return err
		}
	}
	if !p.builder.add(n) {
		return fail(TooComplex, start, "more values than allowed")
	}
	return nil
}

// component decodes what stands between start and end.
func (p *formParser) component(start, end int) (string, error) {
	raw := p.data[start:end]
	escaped := false
	for i, c := range raw {
		switch {
		case c < ' ' || c == 0x7f:
			return "", fail(Malformed, start+i, "a raw control character")
		case c == ';':
			return "", fail(Ambiguous, start+i, "a raw semicolon")
		case c == '%' || c == '+':
			escaped = true
		}
	}
	text := alias(raw)
	if escaped {
		out, bad := appendUnescaped(p.space(len(raw)), text, true)
		if bad >= 0 {
			return "", fail(Malformed, start+bad, "a malformed escape")
		}
		text = p.keep(out)
	}
	if !utf8.ValidString(text) {
		return "", fail(Ambiguous, start, "invalid UTF-8")
	}
	return text, nil
}

// checkName refuses names of fields that readers cut, trim or drop.
func checkName(name string, at int, lim Limits) error {
	switch {
	case name == "":
		return fail(Ambiguous, at, "a field without a name")
	case len(name) > lim.NameSize:
		return fail(TooComplex, at, "a name that is longer than allowed")
	case hasControl(name):
		return fail(Ambiguous, at, "a control character in a name")
	}
	return nil
}

// hasControl reports whether s holds a C0 or C1 control character or DEL.
func hasControl(s string) bool {
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return true
		}
	}
	return false
}
