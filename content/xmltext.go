package content

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// textName is the member that holds an element's text beside attributes or other elements.
const textName = "#text"

// A textRun is the text between two tags. More than one piece means that a comment or CDATA section cuts it.
type textRun struct {
	pieces int
	solid  bool // not only white space
	node   Node // the last piece
}

// content reads what stands between the start tag and the end tag of n, which has to repeat tag. Children and texts
// are pushed behind base; an element that has nothing but text gets it as its own.
func (p *xmlParser) content(n *Node, base int, tag string) error {
	var run textRun
	for {
		if err := p.text(&run); err != nil {
			return err
		}
		switch {
		case p.at("<!--"):
			if err := p.comment(); err != nil {
				return err
			}
		case p.at("<![CDATA["):
			if err := p.cdata(&run); err != nil {
				return err
			}
		case p.at("</"):
			n.End = uint32(p.pos)
			return p.close(n, base, tag, run)
		default:
			n.Kind = Object
			if err := p.flush(&run); err != nil {
				return err
			}
			if err := p.element(); err != nil {
				return err
			}
		}
	}
}

// close reads the end tag at pos and settles the last run of text.
func (p *xmlParser) close(n *Node, base int, tag string, run textRun) error {
	start := p.pos
	p.pos += len("</")
	if !p.at(tag) {
		return fail(Malformed, start, "an end tag that does not match")
	}
	p.pos += len(tag)
	p.white()
	if !p.at(">") {
		return fail(Malformed, start, "an end tag that does not match")
	}
	p.pos++
	if n.Kind == String && len(p.stack) == base && run.pieces == 1 {
		n.Text = run.node.Text
		return nil
	}
	return p.flush(&run)
}

// flush pushes a run of text that is not only white space, and begins the next one.
func (p *xmlParser) flush(run *textRun) error {
	done := *run
	*run = textRun{}
	switch {
	case !done.solid:
		return nil
	case done.pieces > 1:
		return fail(Ambiguous, int(done.node.Start), "text that is cut into pieces by a comment or CDATA section")
	}
	return p.add(done.node)
}

// text reads character data up to the next "<".
func (p *xmlParser) text(run *textRun) error {
	end := bytes.IndexByte(p.data[p.pos:], '<')
	if end < 0 {
		return fail(Malformed, len(p.data), "the XML document ends early")
	}
	if end == 0 {
		return nil
	}
	start := p.pos
	p.pos += end
	if i := bytes.Index(p.data[start:p.pos], []byte("]]>")); i >= 0 {
		return fail(Malformed, start+i, "a ]]> outside of a CDATA section")
	}
	text, err := p.decode(start, p.pos, false)
	if err != nil {
		return err
	}
	run.piece(text, start, p.pos)
	return nil
}

// cdata reads the CDATA section at pos. Its node spans the whole section, so that a splice replaces it with text.
func (p *xmlParser) cdata(run *textRun) error {
	start := p.pos
	open := start + len("<![CDATA[")
	end := bytes.Index(p.data[open:], []byte("]]>"))
	if end < 0 {
		return fail(Malformed, start, "a CDATA section without an end")
	}
	p.pos = open + end + len("]]>")
	text := alias(p.data[open : open+end])
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	run.piece(text, start, p.pos)
	return nil
}

func (r *textRun) piece(text string, start, end int) {
	r.pieces++
	r.solid = r.solid || strings.Trim(text, " \t\r\n") != ""
	r.node = Node{Kind: String, Name: textName, Text: text, NameStart: uint32(start), Start: uint32(start), End: uint32(end)}
}

// decode replaces references, and normalises line breaks (section 2.11), and white space in an attribute.
func (p *xmlParser) decode(start, end int, attribute bool) (string, error) {
	raw := alias(p.data[start:end])
	special := "&\r"
	if attribute {
		special = "&\r\n\t"
	}
	if !strings.ContainsAny(raw, special) {
		return raw, nil
	}
	out := p.space(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '&':
			r, n, err := reference(raw[i:], start+i)
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			i += n - 1
			continue
		case c == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			c = '\n'
		}
		if attribute && (c == '\n' || c == '\t') {
			c = ' '
		}
		out = append(out, c)
	}
	return p.keep(out), nil
}

// longestReference is the length of "&#x10ffff;" with two leading zeros.
const longestReference = 12

// reference decodes the reference that s begins with and returns its length.
func reference(s string, at int) (rune, int, error) {
	end := strings.IndexByte(s[:min(len(s), longestReference)], ';')
	if end < 0 {
		return 0, 0, fail(Malformed, at, "a malformed reference")
	}
	name := s[1:end]
	switch name {
	case "lt":
		return '<', end + 1, nil
	case "gt":
		return '>', end + 1, nil
	case "amp":
		return '&', end + 1, nil
	case "apos":
		return '\'', end + 1, nil
	case "quot":
		return '"', end + 1, nil
	}
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return 0, 0, fail(Ambiguous, at, "an entity that XML does not define")
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || strings.HasPrefix(digits, "+") || !isXMLChar(rune(n)) {
		return 0, 0, fail(Malformed, at, "a malformed reference")
	}
	return rune(n), end + 1, nil
}

// isXMLChar is the production Char of XML 1.0.
func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd ||
		r >= 0x10000 && r <= utf8.MaxRune
}
