package inspect

import (
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/sallyport/sallyport/inspect/rules"
)

// scratch.go puts a message into the terms of the rule language, and places what rules object to in the message.

// A scratch is what one inspection needs and the next can use again.
type scratch struct {
	fields []rules.Field
	values []int // by field: the index in Message.Values, or -1
	hits   []rules.Hit
	text   []byte // of names and lines that are put together
}

var scratches = sync.Pool{New: func() any { return &scratch{} }}

func (s *scratch) release() {
	clear(s.fields)
	clear(s.hits)
	s.fields, s.values, s.hits, s.text = s.fields[:0], s.values[:0], s.hits[:0], s.text[:0]
	scratches.Put(s)
}

func (s *scratch) add(c rules.Collection, key, text string, value int) {
	s.fields = append(s.fields, rules.Field{Collection: c, Key: key, Text: text})
	s.values = append(s.values, value)
}

// keep notes in which values of the head there is nothing: they come again with the body.
func (s *scratch) keep(m *Message) {
	for i := range s.fields {
		switch f := &s.fields[i]; {
		case !f.Clear:
		case s.values[i] >= 0:
			m.Values[s.values[i]].clear = true
		case f.Collection <= rules.QueryString:
			m.clear |= 1 << f.Collection
		}
	}
}

// partCollections are where the values of a part belong.
var partCollections = [...]rules.Collection{PathPart: rules.ArgsPath, QueryPart: rules.ArgsGet, HeaderPart: rules.RequestHeaders,
	CookiePart: rules.RequestCookies, BodyPart: rules.ArgsPost, FilePart: rules.Files, TextPart: rules.XML, AttrPart: rules.XML}

func (s *scratch) readRequest(m *Message) {
	s.line(m)
	sizes := [2]int{}
	for i := range m.Values {
		v := &m.Values[i]
		key := s.name(m, v)
		switch v.Part {
		case TextPart:
			key = "/*"
		case AttrPart:
			key = "//@*"
		case QueryPart, BodyPart:
			sizes[0] += len(key) + len(v.Text)
		case FilePart:
			s.file(i, key, v)
		}
		c := partCollections[v.Part]
		if v.Nameless { // path parameters are ARGS like those of a body, but not ARGS_NAMES
			c = rules.ArgsPath
		}
		s.add(c, key, v.Text, i)
		f := &s.fields[len(s.fields)-1]
		f.Clear, f.Private = v.clear, v.private
		if v.Part == BodyPart { // whatever looks at those of a path looks at those of a body
			f.Short = v.short
		}
	}
	s.add(rules.ArgsCombinedSize, "", s.number(sizes[0]), -1)
	s.add(rules.FilesCombinedSize, "", "0", -1)
	s.body(m)
}

// name is the value's name in the language of the Core Rule Set: json.items.0.note, or the plain name outside of JSON. It is
// valid until the scratch is released.
func (s *scratch) name(m *Message, v *Value) string {
	if v.Part != BodyPart || !m.Media.JSON() {
		return m.plain(v.step)
	}
	from := len(s.text)
	s.text = m.dotted(append(s.text, "json"...), v.step)
	return s.since(from)
}

func (s *scratch) since(from int) string {
	return unsafe.String(unsafe.SliceData(s.text[from:]), len(s.text)-from)
}

func (s *scratch) number(n int) string {
	from := len(s.text)
	s.text = strconv.AppendInt(s.text, int64(n), 10)
	return s.since(from)
}

// join is the texts in a row. It is valid until the scratch is released.
func (s *scratch) join(texts ...string) string {
	from := len(s.text)
	for _, t := range texts {
		s.text = append(s.text, t...)
	}
	return s.since(from)
}

func (s *scratch) line(m *Message) {
	uri := m.Path
	if m.RawQuery != "" {
		uri = s.join(uri, "?", m.RawQuery)
	}
	s.add(rules.RequestMethod, "", m.Method, -1)
	s.add(rules.RequestProtocol, "", m.Proto, -1)
	s.add(rules.RequestURI, "", uri, -1)
	s.add(rules.RequestURIRaw, "", uri, -1)
	s.add(rules.RequestLine, "", s.join(m.Method, " ", uri, " ", m.Proto), -1)
	s.add(rules.RequestFilename, "", m.Decoded, -1)
	base := m.Decoded
	if i := strings.LastIndexAny(base, `/\`); i >= 0 && i+1 < len(base) {
		base = base[i+1:]
	}
	s.add(rules.RequestBasename, "", base, -1)
	s.add(rules.QueryString, "", m.RawQuery, -1)
	for i := range s.fields {
		f := &s.fields[i]
		f.Clear, f.Private = m.clear>>f.Collection&1 != 0, m.concealed
	}
}

func (s *scratch) file(i int, key string, v *Value) {
	s.add(rules.FilesNames, key, key, i)
	s.add(rules.PartHeaders, key, s.join(`Content-Disposition: form-data; name="`, key, `"; filename="`, v.Text, `"`), i)
	if v.Type != "" {
		s.add(rules.PartHeaders, key, s.join("Content-Type: ", v.Type), i)
	}
}

func (s *scratch) body(m *Message) {
	switch {
	case m.Media.JSON():
		s.add(rules.BodyProcessor, "", "JSON", -1)
	case m.Media.XML():
		s.add(rules.BodyProcessor, "", "XML", -1)
	case m.Media.Multipart():
		s.add(rules.BodyProcessor, "", "MULTIPART", -1)
	case m.Media.Type != "":
		s.add(rules.BodyProcessor, "", "URLENCODED", -1)
	}
	if m.Raw != "" {
		s.add(rules.RequestBody, "", m.Raw, -1)
		s.fields[len(s.fields)-1].Private = len(m.secrets) > 0
		s.add(rules.RequestBodyLength, "", s.number(len(m.Raw)), -1)
	}
}

func (s *scratch) readAnswer(m *Message, p *rules.Program) {
	for c := rules.RequestMethod; c <= rules.QueryString; c++ {
		if p.Reads(c, 3, 4) {
			s.line(m)
			break
		}
	}
	if p.Reads(rules.RemoteAddr, 3, 4) {
		s.add(rules.RemoteAddr, "", m.Client.String(), -1)
	}
	if p.Reads(rules.ResponseHeaders, 3, 4) {
		for name, values := range m.Header {
			for _, v := range values {
				s.add(rules.ResponseHeaders, name, v, -1)
			}
		}
	}
	s.add(rules.ResponseStatus, "", strconv.Itoa(m.Status), -1)
	for i := range m.Values {
		s.add(rules.ResponseBody, "", m.Values[i].Text, i)
	}
}

// locate says where a match lies.
func (s *scratch) locate(m *Message, r *Rule, h *rules.Hit) Match {
	out := Match{Rule: r, Message: h.Message, Value: -1, InName: h.Name, Fragment: h.Fragment}
	if h.Field >= 0 {
		out.Value = s.values[h.Field]
	}
	if out.Value >= 0 {
		out.InName = out.InName || h.Variable == "FILES_NAMES"
		return out
	}
	switch h.Variable {
	case "REQUEST_FILENAME", "REQUEST_BASENAME":
		out.Place = "path"
	case "QUERY_STRING":
		out.Place = "query"
	case "REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE":
		out.Place = "path"
		if h.Fragment != "" && strings.Contains(m.RawQuery, h.Fragment) {
			out.Place = "query"
		}
	case "REQUEST_METHOD":
		out.Place = "method"
	case "REQUEST_PROTOCOL":
		out.Place = "protocol"
	case "REQUEST_BODY", "REQUEST_BODY_LENGTH":
		out.Place = "body"
	default:
		out.Place = "request"
		if m.Stage == Answer {
			out.Place = "response"
		}
	}
	return out
}
