package inspect

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/inspect/rules"
)

// A Stage says how much of a message there is.
type Stage uint8

// The stages.
const (
	Head   Stage = iota // request line, header, parameters
	Body                // the whole request
	Answer              // the body of the answer
)

// A Part says where in a message a value stands.
type Part uint8

// The parts.
const (
	PathPart   Part = iota // a path parameter, or a segment where the operation is not known; decoded
	QueryPart              // one pair of the query, decoded
	HeaderPart             // one field line, as received
	CookiePart             // one cookie-pair, as received
	BodyPart               // a scalar of a JSON, form, multipart or text body, decoded
	FilePart               // an uploaded file: its text is the file name
	TextPart               // character data of an XML document
	AttrPart               // an attribute's value of an XML document
	AnswerPart             // a scalar of a JSON answer, or the whole of another text
)

// prefixes are the beginnings of field paths, by Part.
var prefixes = [...]string{"path", "query", "header", "cookie", "body", "body", "body", "body", "response"}

// A Value is one piece of text that a message carries, with the place where it stands.
type Value struct {
	Part Part
	Text string
	// Type is the declared media type of a FilePart.
	Type string
	// Nameless: the text alone is to be judged; the name is, in another value.
	Nameless            bool
	private             bool            // it may be a credential, and is not remembered
	clear               bool            // there was nothing in text and name when the head was judged
	short               *rules.Shortcut // what is left to be looked for in the text; nil: everything
	step                int32           // in Message.steps; -1: the root
	firstTwin, lastTwin int32           // in Message.twins, plus one; 0: there are none
}

// A step leads from a container to a member or an element; following the parents gives the place of a value. Paths
// are spelled out only for values that a rule objects to.
type step struct {
	parent int32
	index  int32 // of an element; -1: name counts
	name   string
}

// A Message is what an Engine judges: everything decoded, nothing parsed twice. It is valid until it is released.
type Message struct {
	Stage    Stage
	Method   string
	Proto    string        // "HTTP/1.1"
	Path     string        // canonical, percent-encoded: as it is forwarded
	Decoded  string        // Path, decoded
	RawQuery string        // canonical, percent-encoded, without "?"
	Media    content.Media // of the body
	// Raw is a form or text body as a whole, for the rules that look at it so; "" for other types.
	Raw    string
	Client netip.Addr
	Status int         // of the answer
	Header http.Header // of the answer
	Values []Value

	steps     []step
	path      []byte                 // Decoded
	size      int                    // what judging costs: bytes of texts and names, and a weight for each value of a body
	secrets   map[*content.Node]bool // of the body; their text is not among Values, unless …
	open      bool                   // … they are judged like everything else
	judge     *judge                 // that has judged the head
	concealed bool                   // there is a secret in path or query
	clear     uint64                 // the collections of one value in which there was nothing then
	folds
}

func (m *Message) reset(s Stage) {
	clear(m.Values)
	clear(m.steps)
	m.folds.reset()
	*m = Message{Stage: s, Values: m.Values[:0], steps: m.steps[:0], path: m.path[:0], folds: m.folds}
}

// push adds a step below parent and returns it.
func (m *Message) push(parent int32, name string, index int) int32 {
	m.steps = append(m.steps, step{parent, int32(index), name})
	return int32(len(m.steps) - 1)
}

func (m *Message) add(p Part, step int32, text string) {
	m.size += len(text)
	m.Values = append(m.Values, Value{Part: p, Text: text, step: step})
}

// addNamed adds a value that stands right below the root of its part.
func (m *Message) addNamed(p Part, name, text string) {
	m.size += len(name)
	m.add(p, m.push(-1, name, -1), text)
}

// addAnswer adds the scalars of an answer's tree.
func (m *Message) addAnswer(at int32, n *content.Node) {
	switch n.Kind {
	case content.Array:
		for i := range n.Children {
			m.addAnswer(m.push(at, "", i), &n.Children[i])
		}
	case content.Object:
		for i := range n.Children {
			m.addAnswer(m.push(at, n.Children[i].Name, -1), &n.Children[i])
		}
	case content.Null:
		m.add(AnswerPart, at, "")
	default:
		m.add(AnswerPart, at, n.Text)
	}
}

// plain is the innermost name: elements of a repeated form field share the field's.
func (m *Message) plain(s int32) string {
	for s >= 0 {
		if st := &m.steps[s]; st.index < 0 {
			return st.name
		}
		s = m.steps[s].parent
	}
	return ""
}

func (m *Message) dotted(b []byte, s int32) []byte {
	if s < 0 {
		return b
	}
	st := &m.steps[s]
	b = append(m.dotted(b, st.parent), '.')
	if st.index >= 0 {
		return strconv.AppendInt(b, int64(st.index), 10)
	}
	return append(b, st.name...)
}

// Field is the value's place in the notation of records and exclusions: body.items[2].note, header.user-agent.
func (m *Message) Field(v *Value) string {
	b := m.field([]byte(prefixes[v.Part]), v.Part, v.step)
	if v.Part == FilePart {
		b = append(b, ".filename"...)
	}
	return string(b)
}

func (m *Message) field(b []byte, p Part, s int32) []byte {
	if s < 0 {
		return b
	}
	st := &m.steps[s]
	b = m.field(b, p, st.parent)
	if st.index >= 0 {
		b = append(b, '[')
		return append(strconv.AppendInt(b, int64(st.index), 10), ']')
	}
	name := st.name
	if p == HeaderPart {
		name = strings.ToLower(name)
	}
	return appendName(b, name)
}

// maxName bounds a stranger's name in a field path.
const maxName = 64

// appendName writes .name, or ["name"] where the name could be mistaken for notation or does harm in a log.
func appendName(b []byte, name string) []byte {
	if plainName(name) {
		return append(append(b, '.'), name...)
	}
	cut := len(name) > maxName
	if cut {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	b = strconv.AppendQuoteToASCII(append(b, '['), name)
	if cut {
		b = append(b, "…"...)
	}
	return append(b, ']')
}

func plainName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '$', c == '@', c == ':':
		default:
			return false
		}
	}
	return true
}
