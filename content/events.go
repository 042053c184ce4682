package content

import (
	"bytes"
	"strconv"
	"strings"
)

// parseEvents reads a whole stream of events (HTML Living Standard, section 9.2) as one Array of Objects, as
// [ParseEvent] reads each of them. Where the data of an event is a JSON text, the String has it as its one child.
//
// What a server makes of a request has to be certain, so nothing is passed over as in an answer: no byte order mark, no
// comment, no unknown field, no field that replaces an earlier one, no line that ends with a lone carriage return, and no
// event without its empty line, which readers drop.
func parseEvents(data []byte, lim Limits) (*Node, error) {
	if at := firstInvalid(data); at >= 0 {
		return nil, fail(Ambiguous, at, "invalid UTF-8")
	}
	p := eventParser{data: data, lim: lim, builder: newBuilder(len(data)/4, lim.Nodes)}
	defer p.release()
	p.nodes = 1 // the Array
	for p.pos < len(data) {
		if err := p.block(); err != nil {
			return nil, err
		}
	}
	return &Node{Kind: Array, Children: p.take(0), End: uint32(len(data))}, nil
}

type eventParser struct {
	builder
	data []byte
	pos  int
	lim  Limits
	text []string // lines of data of the event at hand
}

// block reads the lines up to an empty one and pushes the event that they are; an empty line alone is none.
func (p *eventParser) block() error {
	start, base := p.pos, len(p.stack)
	p.text = p.text[:0]
	for {
		at := p.pos
		line, err := p.line()
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if err := p.field(line, at, base); err != nil {
			return err
		}
	}
	if len(p.stack) == base {
		return nil
	}
	members := p.take(base)
	n := Node{Kind: Object, Children: members, NameStart: uint32(start), Start: uint32(start), End: uint32(p.pos)}
	data := n.Get("data")
	if data == nil && n.Get("event") == nil {
		return fail(Ambiguous, start, "a block of a stream that is no event")
	}
	if data != nil {
		data.Text = strings.Join(p.text, "\n")
		if err := p.document(data); err != nil {
			return err
		}
	}
	return p.push(n, start)
}

func (p *eventParser) push(n Node, at int) error {
	if !p.builder.add(n) {
		return fail(TooComplex, at, "more values than allowed")
	}
	return nil
}

// line reads one line with its end, CRLF or LF.
func (p *eventParser) line() (string, error) {
	rest := p.data[p.pos:]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		return "", fail(Malformed, len(p.data), "an event without the empty line that ends it")
	}
	line := bytes.TrimSuffix(rest[:end], []byte("\r"))
	if at := bytes.IndexAny(line, "\r\x00"); at >= 0 {
		return "", fail(Ambiguous, p.pos+at, "a carriage return or NUL within a line")
	}
	p.pos += end + 1
	return alias(line), nil
}

// field pushes one field of the event whose fields begin at base; lines of data are one field.
func (p *eventParser) field(line string, at, base int) error {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	kind := String
	switch name {
	case "data", "event", "id":
	case "retry":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || strconv.FormatUint(n, 10) != value {
			return fail(Malformed, at, "a time to retry that is no number")
		}
		kind = Number
	default:
		return fail(Ambiguous, at, "a line of an event that is none of data, event, id and retry")
	}
	if name == "data" {
		p.text = append(p.text, value)
	}
	end := at + len(line)
	for i := range p.stack[base:] {
		known := &p.stack[base+i]
		switch {
		case known.Name != name:
		case name != "data":
			return fail(Ambiguous, at, "a field that occurs twice in an event")
		default:
			known.End = uint32(end)
			return nil
		}
	}
	return p.push(Node{Kind: kind, Name: name, Text: value, NameStart: uint32(at), Start: uint32(end - len(value)), End: uint32(end)}, at)
}

// document reads data as the JSON text that it may be; one that readers take for different things is refused. Its nodes
// have no bytes of their own in the body: each has the span of the whole data.
func (p *eventParser) document(data *Node) error {
	inner := jsonParser{data: []byte(data.Text), lim: p.lim, depth: 2, builder: newBuilder(len(data.Text), max(0, p.lim.Nodes-p.nodes))}
	n, err := inner.document()
	if err != nil {
		e := *err.(*Error) // the only kind there is
		if e.Offset = int64(data.Start); e.Code != Malformed {
			return &e
		}
		return nil // a text as any other
	}
	p.nodes += inner.nodes
	data.Children = []Node{*n}
	spread(data.Children, data.Start, data.End)
	return nil
}
