package content

import "strings"

// ParseJSON reads one JSON text (RFC 8259), strictly: UTF-8 without a byte order mark, no lone surrogates, no two
// members whose names are equal or differ in case only, no NUL in a name, no number that float64 cannot hold, nothing after the value. Limits.Cases lets names differ in case only.
// The nodes alias data, which must not change afterwards. The error is an [*Error].
func ParseJSON(data []byte, lim Limits) (*Node, error) {
	lim = lim.WithDefaults()
	if err := measure(data, lim); err != nil {
		return nil, err
	}
	return parseJSON(data, lim)
}

func parseJSON(data []byte, lim Limits) (*Node, error) {
	p := jsonParser{data: data, lim: lim, builder: newBuilder(len(data), lim.Nodes), names: names{exact: lim.Cases}}
	return p.document()
}

// document reads one value from pos to the end.
func (p *jsonParser) document() (*Node, error) {
	defer p.release()
	if !p.text() {
		return nil, p.err
	}
	return &p.take(0)[0], nil
}

// text pushes the one value that there is from pos to the end of data.
func (p *jsonParser) text() bool {
	p.white()
	if !p.value("", p.pos) {
		return false
	}
	p.white()
	return p.pos == len(p.data) || p.fail(Malformed, p.pos, "data after the JSON value")
}

// A jsonParser reads one JSON text. Its methods return false after setting err.
type jsonParser struct {
	builder
	data  []byte
	pos   int
	depth int
	lim   Limits
	names names
	err   error
}

func (p *jsonParser) fail(code Code, at int, detail string) bool {
	p.err = fail(code, at, detail)
	return false
}

// unexpected says that the byte at pos has no place there.
func (p *jsonParser) unexpected(want string) bool {
	if p.pos >= len(p.data) {
		return p.fail(Malformed, p.pos, "the JSON text ends early")
	}
	return p.fail(Malformed, p.pos, want+" expected")
}

func (p *jsonParser) white() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next returns the byte at pos, 0 at the end. A NUL in the input is no token either.
func (p *jsonParser) next() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// value reads one value and pushes its node.
func (p *jsonParser) value(name string, nameStart int) bool {
	switch c := p.next(); c {
	case '{':
		return p.container(name, nameStart, Object, '}')
	case '[':
		return p.container(name, nameStart, Array, ']')
	case '"':
		start := p.pos
		text, ok := p.string()
		return ok && p.scalar(String, name, text, nameStart, start)
	case 't':
		return p.literal(Bool, "true", name, nameStart)
	case 'f':
		return p.literal(Bool, "false", name, nameStart)
	case 'n':
		return p.literal(Null, "null", name, nameStart)
	default:
		start := p.pos
		return p.number() && p.scalar(Number, name, alias(p.data[start:p.pos]), nameStart, start)
	}
}

// scalar pushes the node of a scalar that ends at pos.
func (p *jsonParser) scalar(k Kind, name, text string, nameStart, start int) bool {
	n := p.node(k, name, nameStart, start)
	if n == nil {
		return false
	}
	n.Text = text
	return true
}

// node pushes a node that ends at pos; nil after an error.
func (p *jsonParser) node(k Kind, name string, nameStart, start int) *Node {
	n := p.push()
	if n == nil {
		p.fail(TooComplex, start, "more values than allowed")
		return nil
	}
	n.Kind, n.Name = k, name
	n.NameStart, n.Start, n.End = uint32(nameStart), uint32(start), uint32(p.pos)
	return n
}

func (p *jsonParser) literal(k Kind, word, name string, nameStart int) bool {
	end := p.pos + len(word)
	if end > len(p.data) || string(p.data[p.pos:end]) != word {
		return p.unexpected("a value")
	}
	start := p.pos
	p.pos = end
	if k == Null {
		word = ""
	}
	return p.scalar(k, name, word, nameStart, start)
}

// container reads an Array or Object from its opening to its closing byte.
func (p *jsonParser) container(name string, nameStart int, k Kind, closing byte) bool {
	start, base := p.pos, len(p.stack)
	p.depth++
	if p.depth > p.lim.Depth {
		return p.fail(TooComplex, start, "nested deeper than allowed")
	}
	p.pos++
	p.white()
	for first := true; p.next() != closing; first = false {
		if !first && !p.comma() {
			return false
		}
		if k == Object && !p.member() || k == Array && !p.value("", p.pos) {
			return false
		}
		p.white()
	}
	p.pos++
	p.depth--
	if k == Object {
		if twin := p.names.twin(p.stack[base:]); twin != nil {
			return p.fail(Ambiguous, int(twin.NameStart), "a name that occurs twice or differs in case only")
		}
	}
	children := p.take(base)
	n := p.node(k, name, nameStart, start)
	if n == nil {
		return false
	}
	n.Children = children
	return true
}

// comma reads what separates two elements. A closing byte must not follow it.
func (p *jsonParser) comma() bool {
	if p.next() != ',' {
		return p.unexpected("a comma or the end of the array or object")
	}
	p.pos++
	p.white()
	if c := p.next(); c == ']' || c == '}' {
		return p.unexpected("a value")
	}
	return true
}

// member reads a name, a colon and a value.
func (p *jsonParser) member() bool {
	start := p.pos
	if p.next() != '"' {
		return p.unexpected("a member name")
	}
	name, ok := p.string()
	if !ok {
		return false
	}
	if len(name) > p.lim.NameSize {
		return p.fail(TooComplex, start, "a name that is longer than allowed")
	}
	if strings.IndexByte(name, 0) >= 0 { // where a reader in C ends the name
		return p.fail(Ambiguous, start, "a name with a NUL")
	}
	p.white()
	if p.next() != ':' {
		return p.unexpected("a colon")
	}
	p.pos++
	p.white()
	return p.value(name, start)
}
