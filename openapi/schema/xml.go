package schema

// XML is how a schema says that its values are written in XML (OpenAPI, XML Object). What prefix stands for a namespace is
// the writer's choice, and not part of it.
type XML struct {
	Name      string // of the element or attribute; "": that of the property
	Namespace string // that it is in; "": not said
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
	x.Namespace, _ = m["namespace"].(string)
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
