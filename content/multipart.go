package content

import (
	"bytes"
	"strings"
)

// parseMultipart reads multipart/form-data (RFC 7578) into an Object: a part with a file name becomes a File, every
// other one a String, or what its JSON says where f expects JSON. Only files, and texts where f says so, may share a
// name, and become an Array. Where f says that parts are told by their place, they are an Array of those, whatever kind of
// multipart it is. Between the delimiters every byte counts:
// no preamble, no epilogue, no padding, no bare line breaks, and the delimiter nowhere else in the body.
func parseMultipart(data []byte, m Media, lim Limits, f Fields) (*Node, error) {
	listed := f != nil && f.EachPart()
	if !listed && !m.Multipart() {
		return nil, nil // octets
	}
	p := multipartParser{data: data, lim: lim, fields: f, form: m.Multipart(), delimiter: []byte("--" + m.Boundary), builder: newBuilder(0, lim.Nodes)}
	defer p.release()
	p.nodes = 1 // the Object or Array
	if !bytes.HasPrefix(data, p.delimiter) {
		return nil, fail(Malformed, 0, "the multipart body does not begin with its delimiter")
	}
	for {
		last, err := p.afterDelimiter()
		if err != nil {
			return nil, err
		}
		if last {
			break
		}
		if err := p.part(); err != nil {
			return nil, err
		}
	}
	if listed {
		list := p.take(0)
		for i := range list {
			list[i].Name = ""
		}
		return &Node{Kind: Array, Children: list, End: uint32(len(data))}, nil
	}
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	return &Node{Kind: Object, Children: members, End: uint32(len(data))}, nil
}

type multipartParser struct {
	builder
	data      []byte
	delimiter []byte // with its two dashes
	pos       int    // at a delimiter, then behind it
	parts     int
	lim       Limits
	fields    Fields // may be nil
	form      bool   // multipart/form-data
}

// afterDelimiter passes over the delimiter at pos and the line break behind it. It reports whether it was the closing
// delimiter, which ends the body.
func (p *multipartParser) afterDelimiter() (last bool, err error) {
	p.pos += len(p.delimiter)
	rest := p.data[p.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		p.pos += 2
		return false, nil
	case string(rest) == "--" || string(rest) == "--\r\n":
		return true, nil
	case bytes.HasPrefix(rest, []byte("--")):
		return false, fail(Ambiguous, p.pos, "data after the closing delimiter")
	}
	return false, fail(Ambiguous, p.pos, "a delimiter with something behind it")
}

// part reads the part at pos up to the next delimiter.
func (p *multipartParser) part() error {
	start := p.pos - len(p.delimiter) - 2
	if p.parts++; p.parts > p.lim.Parts {
		return fail(TooComplex, start, "more parts than allowed")
	}
	h, err := p.header()
	if err != nil {
		return err
	}
	begin := p.pos
	next := bytes.Index(p.data[begin:], p.delimiter)
	if next < 0 {
		return fail(Malformed, len(p.data), "the multipart body has no closing delimiter")
	}
	p.pos = begin + next
	end := p.pos - 2
	if end < begin || string(p.data[end:p.pos]) != "\r\n" {
		return fail(Ambiguous, p.pos, "a delimiter that does not begin a line")
	}
	n, err := p.node(h, start, begin, end)
	if err != nil {
		return err
	}
	if !p.builder.add(n) {
		return fail(TooComplex, start, "more values than allowed")
	}
	return nil
}

// node makes the node of a part whose content is known.
func (p *multipartParser) node(h partHeader, start, begin, end int) (Node, error) {
	content := p.data[begin:end]
	if h.length >= 0 && h.length != len(content) {
		return Node{}, fail(Ambiguous, start, "a part whose length is not what it says")
	}
	n := Node{Kind: String, Name: h.name, Text: alias(content), NameStart: uint32(start), Start: uint32(begin), End: uint32(end)}
	if h.isFile {
		n.Kind = File
	}
	if h.isFile || h.contentType != "" {
		n.File = &FileInfo{Filename: h.filename, ContentType: h.contentType}
	}
	if at := firstInvalid(content); at >= 0 && !h.isFile {
		return Node{}, fail(Ambiguous, begin+at, "invalid UTF-8")
	}
	if h.ascii {
		if at := firstNonASCII(content); at >= 0 {
			return Node{}, fail(Ambiguous, begin+at, "the charset us-ascii does not hold")
		}
	}
	if p.fields != nil && !h.isFile && p.fields.JSON(p.described(h)) {
		return p.embedded(n)
	}
	return n, nil
}

// members groups the parts by name, and refuses a name that is shared by anything but files, unless it is expected.
func (p *multipartParser) members() ([]Node, error) {
	members, err := p.group(0)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Kind != Array || !grouped(&m) || p.fields != nil && p.fields.Repeats(m.Name) {
			continue
		}
		for _, element := range m.Children {
			if element.Kind != File {
				return nil, fail(Ambiguous, int(element.NameStart), "a part name that occurs twice")
			}
		}
	}
	return members, nil
}

const (
	maxPartHeader = 8 << 10 // bytes
	maxPartFields = 8
)

// header reads the header of a part and the empty line behind it.
func (p *multipartParser) header() (partHeader, error) {
	h := partHeader{length: -1}
	start := p.pos
	for fields := 0; ; fields++ {
		line, err := p.line(start)
		if err != nil {
			return h, err
		}
		if line == "" {
			break
		}
		if fields == maxPartFields {
			return h, fail(TooComplex, start, "a part with too many header fields")
		}
		if code, detail := h.field(line); detail != "" {
			return h, fail(code, start, detail)
		}
	}
	if !p.form {
		h.isFile = h.isFile || h.binary
		return h, p.expected(h, start)
	}
	if h.seen&disposition == 0 || !h.formData {
		return h, fail(Malformed, start, "a part without Content-Disposition: form-data")
	}
	if strings.EqualFold(h.name, "_charset_") {
		return h, fail(Ambiguous, start, "a part that changes the charset of others")
	}
	if err := checkName(h.name, start, p.lim); err != nil {
		return h, err
	}
	return h, p.expected(h, start)
}

// expected holds the header of a part against what the operation says of it.
func (p *multipartParser) expected(h partHeader, start int) error {
	switch {
	case len(h.filename) > p.lim.NameSize:
		return fail(TooComplex, start, "a file name that is longer than allowed")
	case p.fields == nil && len(h.own) > 0:
		return fail(Ambiguous, start, "a header field that a part must not have")
	case p.fields == nil:
		return nil
	}
	if detail := p.fields.Part(p.described(h)); detail != "" {
		return fail(UnsupportedMedia, start, detail)
	}
	return nil
}

// described is the part at hand as the operation sees it.
func (p *multipartParser) described(h partHeader) Part {
	return Part{At: p.parts - 1, Name: h.name, File: h.isFile, ContentType: h.contentType, Header: h.own}
}

// line reads one header line that ends with CRLF; a CR or LF on its own is refused.
func (p *multipartParser) line(start int) (string, error) {
	rest := p.data[p.pos:min(len(p.data), start+maxPartHeader)]
	end := bytes.IndexAny(rest, "\r\n")
	switch {
	case (end < 0 || end+1 == len(rest)) && len(rest) == len(p.data)-p.pos:
		return "", fail(Malformed, len(p.data), "the multipart body ends in a part's header")
	case end < 0 || end+1 == len(rest):
		return "", fail(TooComplex, start, "a part's header that is longer than allowed")
	case rest[end] != '\r' || rest[end+1] != '\n':
		return "", fail(Ambiguous, p.pos+end, "a bare line break in a part's header")
	}
	if bytes.Contains(rest[:end], p.delimiter) {
		return "", fail(Ambiguous, p.pos, "a delimiter in a part's header")
	}
	p.pos += end + 2
	return alias(rest[:end]), nil
}
