package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/content"
)

const tooMany = "has too many elements"

// text reads a value from one text, by the readings that its schema allows. Elements of arrays stand between sep;
// members of objects too: between their names and values stands "=" where explode is set, else pair again.
func (s *slot) text(raw string, sep, pair byte, explode bool) reading {
	sh := s.shape
	if sh.scalar() {
		n := sh.node("", raw)
		if sh.try == nil || (!sh.array && !sh.object) || sh.fits(n) {
			return reading{node: n}
		}
	}
	if sh.array {
		r := s.elements(raw, sep)
		if r.detail != "" || sh.try == nil || !sh.object || sh.fits(r.node) {
			return r
		}
	}
	if sh.object {
		return sh.members(raw, sep, pair, explode)
	}
	return reading{node: sh.node("", raw)}
}

// elements splits an array. Commas within the quoted strings of a header do not count, RFC 9110 section 5.6.1.
func (s *slot) elements(raw string, sep byte) reading {
	header := s.param.In == "header"
	n := strings.Count(raw, string(sep)) + 1
	if n > maxElements {
		return refuse(tooMany)
	}
	node := content.Node{Kind: content.Array, Children: make([]content.Node, 0, n)}
	for rest, more := raw, true; more; {
		var part string
		if header {
			i := commaOutside(rest)
			if i < 0 {
				return refuse("has a quoted string without end")
			}
			part, rest, more = rest[:i], rest[min(i+1, len(rest)):], i < len(rest)
			part = strings.Trim(part, " \t")
		} else {
			part, rest, more = strings.Cut(rest, string(sep))
		}
		node.Children = append(node.Children, s.shape.items.node("", part))
	}
	return reading{node: node}
}

// commaOutside returns the index of the first comma that is not quoted, the length of text when there is none, and
// -1 when a quoted string does not end.
func commaOutside(text string) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return i
		}
	}
	if quoted {
		return -1
	}
	return len(text)
}

// members splits an object: a=1,b=2 where explode is set, else a,1,b,2.
func (s *shape) members(raw string, sep, pair byte, explode bool) reading {
	node := content.Node{Kind: content.Object}
	if raw == "" {
		return reading{node: node}
	}
	n := strings.Count(raw, string(sep)) + 1
	if n > 2*maxMembers {
		return refuse(tooMany)
	}
	node.Children = make([]content.Node, 0, n)
	for rest, more := raw, true; more; {
		var name, value string
		var ok bool
		if explode {
			name, rest, more = strings.Cut(rest, string(sep))
			name, value, ok = strings.Cut(name, "=")
		} else {
			name, rest, ok = strings.Cut(rest, string(pair))
			value, rest, more = strings.Cut(rest, string(sep))
		}
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		if !ok || name == "" {
			return refuse("must be pairs of names and values")
		}
		if node.Get(name) != nil {
			return refuse("has a member twice")
		}
		node.Children = append(node.Children, s.child(name, value))
	}
	return reading{node: node}
}

// child is a member of an object, whether or not the schema knows it: unknown ones are for validation to refuse.
func (s *shape) child(name, value string) content.Node {
	m := s.member(name)
	if m == nil || !m.scalar() {
		m = anyText
	}
	return m.node(name, value)
}

// label reads ".blue", ".blue,black" and, exploded, ".blue.black" (RFC 6570 section 3.2.5).
func (s *slot) label(raw string) reading {
	rest, ok := strings.CutPrefix(raw, ".")
	if !ok {
		return refuse("must begin with a dot")
	}
	if s.param.Explode {
		return s.text(rest, '.', '.', true)
	}
	return s.text(rest, ',', ',', false)
}

// matrix reads ";color=blue", ";color=blue,black" and, exploded, ";color=blue;color=black" or ";R=100;G=200"
// (RFC 6570 section 3.2.7).
func (s *slot) matrix(raw string) reading {
	rest, ok := strings.CutPrefix(raw, ";")
	if !ok {
		return refuse("must begin with a semicolon")
	}
	sh, name := s.shape, s.param.Name
	if s.param.Explode && sh.object && !sh.scalar() && !sh.array {
		return sh.members(rest, ';', ';', true)
	}
	if s.param.Explode && sh.array {
		if strings.Count(rest, ";") >= maxElements {
			return refuse(tooMany)
		}
		node := content.Node{Kind: content.Array}
		for part := range strings.SplitSeq(rest, ";") {
			value, ok := named(part, name)
			if !ok {
				return refuse("must repeat its name before each value")
			}
			node.Children = append(node.Children, sh.items.node("", value))
		}
		return reading{node: node}
	}
	value, ok := named(rest, name)
	if !ok || strings.Contains(value, ";") {
		return refuse("must be of the form ;name=value")
	}
	return s.text(value, ',', ',', false)
}

// named takes the name off "name=value"; "name" alone is the empty value.
func named(part, name string) (string, bool) {
	rest, ok := strings.CutPrefix(part, name)
	if !ok {
		return "", false
	}
	if rest == "" {
		return "", true
	}
	return strings.CutPrefix(rest, "=")
}
