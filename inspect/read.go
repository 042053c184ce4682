package inspect

import (
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

// read.go reads messages off exchanges, from what has been parsed already.

var messages = sync.Pool{New: func() any { return new(Message) }}

// borrow returns an empty message; release gives it back.
func borrow(s Stage) *Message {
	m := messages.Get().(*Message)
	m.reset(s)
	return m
}

// release must not be called before the last use of anything that Inspect returned. Large messages are left to the
// collector, so that one of them does not bind memory for good.
func release(m *Message) {
	if cap(m.Values) > 4096 || cap(m.steps) > 16384 {
		return
	}
	m.reset(Head)
	messages.Put(m)
}

// readLine sets request line and client.
func (m *Message) readLine(e *exchange.Exchange) {
	m.Method, m.Proto = e.Request.Method, e.Request.Proto
	m.Path, m.RawQuery = e.Target.Path, e.Target.RawQuery
	for _, segment := range e.Target.Segments {
		m.path = append(append(m.path, '/'), segment...)
	}
	if len(m.path) == 0 {
		m.path = append(m.path, '/')
	}
	m.Decoded = unsafe.String(unsafe.SliceData(m.path), len(m.path))
	m.Client = e.Client.Addr
}

// readHead adds request line, header, cookies and parameters.
func (m *Message) readHead(e *exchange.Exchange) {
	r := e.Request
	m.readLine(e)
	m.readPath(e)
	for _, p := range e.Target.Query {
		m.addNamed(QueryPart, p.Name, p.Value)
		if e.Operation != nil && e.Operation.SecretInQuery(p.Name) {
			m.conceal()
		}
	}
	if values := r.Header["Content-Type"]; len(values) > 0 {
		// A type that is not acceptable is refused with the body; without one there is nothing that it could describe.
		m.Media, _ = content.ParseMedia(values)
	}
	m.addNamed(HeaderPart, "Host", r.Host)
	for _, te := range r.TransferEncoding {
		m.addNamed(HeaderPart, "Transfer-Encoding", te)
	}
	for name, values := range r.Header {
		for _, v := range values {
			m.addNamed(HeaderPart, name, v)
			m.Values[len(m.Values)-1].private = !common[name]
			if name == "Cookie" {
				m.readCookies(v)
			}
		}
	}
}

// common are the fields of which everybody knows that no secret is in them.
var common = map[string]bool{"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true, "Connection": true,
	"Content-Length": true, "Content-Type": true, "Origin": true, "Pragma": true, "Sec-Fetch-Dest": true, "Sec-Fetch-Mode": true,
	"Sec-Fetch-Site": true, "Te": true, "User-Agent": true, "X-Requested-With": true}

// conceal says that the value that was added last, which is part of the target, is a secret.
func (m *Message) conceal() { m.Values[len(m.Values)-1].private, m.concealed = true, true }

// readPath adds the path parameters, which the Core Rule Set on its own would see as a file name only. Where the spec
// does not tell which segments are parameters, all are.
func (m *Message) readPath(e *exchange.Exchange) {
	if e.Operation != nil && !e.Operation.Undocumented {
		for i := range e.Params.Values {
			if v := &e.Params.Values[i]; v.Param.In == "path" {
				m.addNamed(PathPart, v.Param.Name, v.Raw)
				if v.Param.Property.Secret() {
					m.conceal()
				}
			}
		}
		return
	}
	for i, s := range e.Target.Segments {
		m.add(PathPart, m.push(-1, "", i), s)
	}
}

// readCookies splits a Cookie field at every semicolon. net/http's reading is not used: it drops pairs that it finds
// malformed, and what is dropped would be forwarded without inspection.
func (m *Message) readCookies(line string) {
	for rest, more := line, true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if name != "" || value != "" {
			m.addNamed(CookiePart, name, value)
			m.Values[len(m.Values)-1].private = true
		}
	}
}

// readBody adds what a request body carries, by the tree that everybody reads, but for the texts of secrets. A
// body without a tree is text, and judged as such, unless it is binary: no rule is meant for that. s is what is known of
// the shape of a JSON body.
func (m *Message) readBody(b *content.Body, secrets map[*content.Node]bool, s *shape) error {
	m.Media, m.secrets = b.Media(), secrets
	tree, err := b.Tree()
	if err != nil {
		return err
	}
	switch {
	case m.Media.JSON():
		m.addBody(-1, root, tree, s)
	case m.Media.XML():
		m.addXML(-1, tree)
	case m.Media.Form():
		if m.Raw = string(b.Bytes()); !m.open {
			m.Raw = without(secrets, b.Bytes())
		}
		fallthrough
	case m.Media.Multipart() || tree != nil && tree.Kind == content.Array: // events, or parts that have a place
		m.addBody(-1, noKin, tree, nil)
	case m.Media.Text() || textual(b.Bytes()):
		m.Raw = string(b.Bytes())
		m.add(BodyPart, -1, m.Raw)
	}
	return nil
}

// textual reports whether bytes of an opaque type can be text at all.
func textual(b []byte) bool {
	return utf8.Valid(b) && !strings.Contains(string(b), "\x00")
}

// addXML adds character data and attributes; attributes are members whose name begins with @.
func (m *Message) addXML(at int32, n *content.Node) {
	if n == nil {
		return
	}
	if len(n.Children) == 0 {
		p := TextPart
		if strings.HasPrefix(n.Name, "@") {
			p = AttrPart
		}
		m.addOnce(p, at, noKin, m.textOf(n))
		return
	}
	for i := range n.Children {
		c := &n.Children[i]
		if n.Kind == content.Array {
			m.addXML(m.push(at, "", i), c)
		} else {
			m.addXML(m.push(at, c.Name, -1), c)
		}
	}
}

// readAnswer adds the texts of an answer: the strings of a JSON document, decoded, or the whole of another text.
func (m *Message) readAnswer(r *exchange.Response) {
	m.Status, m.Header, m.Media = r.Status, r.Header, r.Body.Media()
	if m.Media.JSON() {
		// A malformed answer is for validation to refuse; it is looked at as text here.
		if tree, err := r.Body.Tree(); err == nil && tree != nil {
			m.addAnswer(-1, tree)
			return
		}
	}
	if b := r.Body.Bytes(); textual(b) {
		m.add(AnswerPart, -1, string(b))
	}
}
