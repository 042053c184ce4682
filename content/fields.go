package content

// Fields is what an operation expects of the fields of a form or multipart body, beyond what its media type says.
// Its methods are called concurrently.
type Fields interface {
	// Repeats reports whether text fields may share the name. Files always may.
	Repeats(name string) bool
	// JSON reports whether the text of a field or part, which is no file, is a JSON document.
	JSON(p Part) bool
	// EachEvent reports whether a stream of events is read event by event. Without it, it is one text.
	EachEvent() bool
	// EachPart reports whether the parts of a multipart body are a list: what they are is told by their place, and names
	// are free. Without it, multipart/form-data is an object, and other multipart types are octets.
	EachPart() bool
	// Part judges the header of a part: "" or why it is refused, in words that are safe to show.
	Part(p Part) string
}

// A Part is the header of a multipart part.
type Part struct {
	At          int // its place, from 0
	Name        string
	File        bool // has a file name
	ContentType string
	Header      []Pair // fields other than those that every part may have; names in lower case
}

// Expect says what the fields of a form or multipart body are to be, before Tree is called first. Without it, text
// fields of one name are refused in multipart, every text stays text, and parts have no header fields of their own.
func (b *Body) Expect(f Fields) {
	if b != nil && !b.parsed {
		b.fields = f
	}
}

// grouped reports whether n, a value of a form or multipart body, stands for several fields: the elements of a
// repeated one, or the members of an object in brackets. Containers of an embedded JSON document are no groups.
func grouped(n *Node) bool { return len(n.Children) > 0 && n.Children[0].NameStart < n.Start }

// embedded parses the content of a part as a JSON document.
func (p *multipartParser) embedded(field Node) (Node, error) {
	inner := jsonParser{data: p.data[:field.End], pos: int(field.Start), lim: p.lim, builder: newBuilder(int(field.End-field.Start), p.lim.Nodes)}
	n, err := inner.document()
	p.nodes += inner.nodes // what is too many in sum, the field itself finds
	if err != nil {
		return Node{}, err
	}
	// The field's own span, so that white space around the document goes where the field goes.
	n.Name, n.NameStart, n.Start, n.End, n.File = field.Name, field.NameStart, field.Start, field.End, field.File
	return *n, nil
}

// embedded parses the text of a form field as a JSON document. Its nodes have no bytes of their own in the body: each
// has the span of the whole value.
func (p *formParser) embedded(field Node) (Node, error) {
	inner := jsonParser{data: []byte(field.Text), lim: p.lim, builder: newBuilder(len(field.Text), p.lim.Nodes)}
	n, err := inner.document()
	p.nodes += inner.nodes
	if err != nil {
		e := *err.(*Error) // the only kind there is
		e.Offset = int64(field.Start)
		return Node{}, &e
	}
	spread(n.Children, field.Start, field.End)
	n.Name, n.NameStart, n.Start, n.End = field.Name, field.NameStart, field.Start, field.End
	return *n, nil
}

func spread(nodes []Node, start, end uint32) {
	for i := range nodes {
		nodes[i].NameStart, nodes[i].Start, nodes[i].End = start, start, end
		spread(nodes[i].Children, start, end)
	}
}
