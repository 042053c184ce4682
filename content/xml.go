package content

import (
	"bytes"
	"strings"
)

// parseXML reads an XML 1.0 document in UTF-8 with namespaces, without document type declaration, processing
// instructions and entities other than the five of XML itself and numeric ones.
//
// The tree is that of the root element; its Name is the element's. An element maps to:
//
//   - a String of its text, where it has neither attributes nor child elements;
//   - otherwise an Object with a String "@name" for each attribute, a member for each child element, and a String
//     "#text" for text that is not white space. What occurs more than once becomes an Array.
//
// Names are without prefix; [Node.Namespace] tells the namespace. Siblings and attributes that differ in
// prefix only are refused, as are names that differ in case only, and text that a comment or CDATA section cuts into
// pieces, of which many readers see the first one only. The span of an element is its content, that of an attribute
// what stands between its quotes; NameStart is where the tag or the attribute begins.
func parseXML(data []byte, lim Limits) (*Node, error) {
	if err := checkXMLChars(data); err != nil {
		return nil, err
	}
	p := xmlParser{data: data, lim: lim, builder: newBuilder(len(data)/2, lim.Nodes)}
	defer p.release()
	err := p.document()
	if err != nil {
		return nil, err
	}
	return &p.take(0)[0], nil
}

// checkXMLChars checks that data consists of what XML calls characters (section 2.2), without a byte order mark.
func checkXMLChars(data []byte) error {
	if at := firstInvalid(data); at >= 0 {
		return fail(Ambiguous, at, "invalid UTF-8")
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return fail(Ambiguous, 0, "a byte order mark")
	}
	for i, c := range data {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return fail(Malformed, i, "a control character")
		}
	}
	for _, s := range []string{"\ufffe", "\uffff"} {
		if at := bytes.Index(data, []byte(s)); at >= 0 {
			return fail(Malformed, at, "a character that is not allowed in XML")
		}
	}
	return nil
}

type xmlParser struct {
	builder
	data   []byte
	pos    int
	depth  int
	lim    Limits
	scopes []scope // namespaces declared by the open elements
	known  map[string]*FileInfo
}

// document reads prolog, root element and what may follow.
func (p *xmlParser) document() error {
	if err := p.declaration(); err != nil {
		return err
	}
	if err := p.misc(); err != nil {
		return err
	}
	if p.pos == len(p.data) || p.data[p.pos] != '<' {
		return fail(Malformed, p.pos, "an element expected")
	}
	if err := p.element(); err != nil {
		return err
	}
	if err := p.misc(); err != nil {
		return err
	}
	if p.pos < len(p.data) {
		return fail(Malformed, p.pos, "data after the root element")
	}
	return nil
}

// declaration reads the XML declaration, which may name no encoding but UTF-8 or ASCII.
func (p *xmlParser) declaration() error {
	const open = "<?xml"
	if !p.at(open) || len(p.data) == len(open) || !isXMLSpace(p.data[len(open)]) {
		return nil
	}
	end := bytes.Index(p.data, []byte("?>"))
	if end < 0 {
		return fail(Malformed, 0, "the XML declaration has no end")
	}
	p.pos = len(open)
	known := []string{"version", "encoding", "standalone"}
	for p.white(); p.pos < end; p.white() {
		name, value, err := p.pseudo(end)
		if err != nil {
			return err
		}
		for len(known) > 0 && known[0] != name {
			known = known[1:]
		}
		if len(known) == 0 || !allowedDeclaration(name, value) {
			return fail(Ambiguous, p.pos, "an XML declaration that is not acceptable")
		}
		known = known[1:]
	}
	p.pos = end + 2
	return nil
}

func allowedDeclaration(name, value string) bool {
	switch name {
	case "version":
		return value == "1.0"
	case "encoding":
		return strings.EqualFold(value, "utf-8") || strings.EqualFold(value, "us-ascii")
	default:
		return value == "yes" || value == "no"
	}
}

// pseudo reads one name="value" of the XML declaration, which ends at end.
func (p *xmlParser) pseudo(end int) (name, value string, err error) {
	start := p.pos
	name, rest, ok := strings.Cut(alias(p.data[p.pos:end]), "=")
	if ok && len(rest) > 1 && (rest[0] == '"' || rest[0] == '\'') {
		value, after, closed := strings.Cut(rest[1:], rest[:1])
		p.pos = end - len(after)
		if closed && (after == "" || isXMLSpace(after[0])) {
			return name, value, nil
		}
	}
	return "", "", fail(Malformed, start, "a malformed XML declaration")
}

// misc passes over white space and comments outside of the root element.
func (p *xmlParser) misc() error {
	for {
		p.white()
		if !p.at("<!--") {
			return nil
		}
		if err := p.comment(); err != nil {
			return err
		}
	}
}

// comment passes over the comment at pos.
func (p *xmlParser) comment() error {
	start := p.pos
	p.pos += len("<!--")
	end := bytes.Index(p.data[p.pos:], []byte("--"))
	if end < 0 || !bytes.HasPrefix(p.data[p.pos+end:], []byte("-->")) {
		return fail(Malformed, start, "a malformed comment")
	}
	p.pos += end + len("-->")
	return nil
}

func (p *xmlParser) white() {
	for p.pos < len(p.data) && isXMLSpace(p.data[p.pos]) {
		p.pos++
	}
}

func (p *xmlParser) at(s string) bool { return strings.HasPrefix(alias(p.data[p.pos:]), s) }

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
