package content

import (
	"bytes"
	"strconv"
	"strings"
)

// EventEnd returns where the first block of an event stream ends, behind the empty line that ends it, or -1 where none has
// yet (HTML Living Standard, section 9.2.5). Lines end with CRLF, LF or CR. The first searched bytes have been looked at
// before, and it does not end in them.
func EventEnd(stream []byte, searched int) int {
	empty, split := true, false
	if searched > 0 {
		before := stream[searched-1]
		empty, split = before == '\r' || before == '\n', before == '\r'
	}
	for i := searched; i < len(stream); i++ {
		if split = split && stream[i] == '\n'; split { // the rest of a CRLF
			split = false
			continue
		}
		switch stream[i] {
		case '\r', '\n':
			if stream[i] == '\r' && i+1 < len(stream) && stream[i+1] == '\n' {
				i++
			}
			if empty {
				return i + 1
			}
			empty = true
		default:
			empty = false
		}
	}
	return -1
}

// ParseEvent reads one block of an event stream as an Object of its fields: data, event and id as Strings, retry as a
// Number; data that is a JSON text has it as its one child. It is nil where no event comes of the block: comments, unknown fields and a time to retry are none. first says
// that nothing came before it, where a byte order mark is skipped. Nodes have no bytes of their own in the stream.
func ParseEvent(block []byte, first bool, lim Limits) (*Node, error) {
	if at := firstInvalid(block); at >= 0 {
		return nil, fail(Ambiguous, at, "invalid UTF-8")
	}
	if first {
		block = bytes.TrimPrefix(block, []byte("\ufeff"))
	}
	var e event
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(block))
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, _ := strings.Cut(line, ":")
		e.field(name, strings.TrimPrefix(value, " "))
	}
	return e.node(lim), nil
}

// An event is what the fields of a block have said so far.
type event struct {
	data            []string
	name, id, retry *string
}

func (e *event) field(name, value string) {
	switch name {
	case "data":
		e.data = append(e.data, value)
	case "event":
		e.name = &value
	case "id":
		if strings.IndexByte(value, 0) < 0 {
			e.id = &value
		}
	case "retry":
		if n, err := strconv.ParseUint(value, 10, 63); err == nil {
			plain := strconv.FormatUint(n, 10)
			e.retry = &plain
		}
	}
}

func (e *event) node(lim Limits) *Node {
	if e.data == nil && e.name == nil {
		return nil
	}
	n := &Node{Kind: Object}
	add := func(kind Kind, name string, text *string) {
		if text != nil {
			n.Children = append(n.Children, Node{Kind: kind, Name: name, Text: *text})
		}
	}
	if e.data != nil {
		data := strings.Join(e.data, "\n")
		add(String, "data", &data)
		if text, err := Parse([]byte(data), Media{Type: "application/json"}, lim); err == nil && text != nil {
			n.Children[0].Children = []Node{*text}
		}
	}
	add(String, "event", e.name)
	add(String, "id", e.id)
	add(Number, "retry", e.retry)
	return n
}
