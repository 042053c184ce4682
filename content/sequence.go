package content

import "bytes"

// Sequence reports whether the type is a sequence of JSON texts: JSON Lines, one text on each line, or JSON text
// sequences (RFC 7464, RFC 8091), each text between a record separator and a line feed.
func (m Media) Sequence() bool { return m.lines() || m.records() }

func (m Media) lines() bool {
	switch m.Type {
	case "application/jsonl", "application/x-jsonlines", "application/x-ndjson", "application/ndjson":
		return true
	}
	return false
}

func (m Media) records() bool {
	const suffix = "json-seq"
	n := len(m.Type) - len(suffix)
	return n > 0 && m.Type[n:] == suffix && (m.Type[n-1] == '+' || m.Type[:n] == "application/")
}

const recordSeparator = 0x1e

// parseSequence reads a sequence as one Array of its texts. Where one text ends and the next begins has to be the same
// for every reader: those that split first, and those that read one value after the other.
func parseSequence(data []byte, m Media, lim Limits, _ Fields) (*Node, error) {
	p := jsonParser{data: data, lim: lim, builder: newBuilder(len(data), lim.Nodes), names: names{exact: lim.Cases}, depth: 1}
	defer p.release()
	read := p.line
	if m.records() {
		read = p.record
	}
	for p.pos < len(data) {
		if !read(data) {
			return nil, p.err
		}
	}
	children := p.take(0)
	n := p.node(Array, "", 0, 0)
	if n == nil {
		return nil, p.err
	}
	n.Children = children
	return &p.take(0)[0], nil
}

// line reads one text and the line feed behind it, which the last one may lack. No line ends within a text; a lone
// carriage return would end one for some readers.
func (p *jsonParser) line(whole []byte) bool {
	line, _, _ := bytes.Cut(whole[p.pos:], []byte("\n"))
	next := min(p.pos+len(line)+1, len(whole))
	if next > p.pos+len(line) {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	if at := bytes.IndexByte(line, '\r'); at >= 0 {
		return p.fail(Ambiguous, p.pos+at, "a carriage return within a line")
	}
	p.data = whole[:p.pos+len(line)]
	if !p.text() {
		return false
	}
	p.pos = next
	return true
}

// record reads a record separator, one text and the line feed that shows that it is whole (RFC 7464, section 2.4).
func (p *jsonParser) record(whole []byte) bool {
	if whole[p.pos] != recordSeparator {
		return p.fail(Malformed, p.pos, "a record separator expected")
	}
	p.pos++
	text, _, _ := bytes.Cut(whole[p.pos:], []byte{recordSeparator})
	p.data = whole[:p.pos+len(text)]
	if !bytes.HasSuffix(text, []byte("\n")) {
		return p.fail(Malformed, len(p.data), "a line feed expected")
	}
	return p.text()
}
