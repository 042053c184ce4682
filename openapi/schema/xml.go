package schema

// XML is how a schema says that its values are written in XML (OpenAPI, XML Object). Namespaces and prefixes are not
// part of it: elements are told apart by their local names.
type XML struct {
	Name      string // of the element or attribute; "": that of the property
	Attribute bool   // an attribute of the element around it
	Text      bool   // 3.2: the text of the element around it
	Wrapped   bool   // of lists: the elements stand within one of their own
}

// xml reads the keyword xml. Since OpenAPI 3.2, nodeType says what attribute and wrapped say.
func (b *builder) xml() {
	m, ok := b.m["xml"].(map[string]any)
	if !ok {
		return
	}
	x := &XML{}
	x.Name, _ = m["name"].(string)
	x.Attribute, _ = m["attribute"].(bool)
	x.Wrapped, _ = m["wrapped"].(bool)
	if m["namespace"] != nil {
		b.c.unsupported(b.at, "xml/namespace", "namespace is not enforced: elements are told apart by their local names")
	}
	switch kind, _ := m["nodeType"].(string); kind {
	case "attribute":
		x.Attribute = true
	case "text", "cdata":
		x.Text = true
	case "element":
		x.Wrapped = true
	case "none":
		if b.m["type"] != "array" {
			b.c.unsupported(b.at, "xml", "nodeType: none is understood of lists only")
		}
	}
	b.n.xml = x
}
