package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// Events is what a document says of each event of a stream (OpenAPI 3.2, itemSchema of text/event-stream).
type Events struct {
	item *schema.Schema // the event as an object of data, event, id and retry
	data *schema.Schema // what its data is as JSON: contentSchema of the property; nil: not said
}

// events learns what the events of an answer are.
func (b *builder) events(s cursor) *Events {
	item := b.compile(s)
	if item == nil {
		return nil
	}
	e := &Events{item: item}
	s, ok := b.follow(s)
	if !ok {
		return e
	}
	properties, ok := s.get("properties")
	if !ok {
		return e
	}
	data, ok := properties.get("data")
	if !ok {
		return e
	}
	if data, ok = b.follow(data); !ok {
		return e
	}
	media, _ := data.get("contentMediaType")
	if of, _ := media.v.(string); !isJSON(mediaRange(of)) {
		return e
	}
	if c, ok := data.get("contentSchema"); ok {
		e.data = b.compile(c)
	}
	return e
}

// Judge says what is wrong with a block of the stream: "" where it is a declared event, or none. first says that it is
// the first of the stream. What the schemas do not declare is not wrong: an event cannot be changed on its way.
func (e *Events) Judge(block []byte, first bool, lim content.Limits) string {
	n, err := content.ParseEvent(block, first)
	if err != nil {
		return err.Error()
	}
	if n == nil {
		return ""
	}
	if wrong := violations(e.item, n, ""); wrong != "" {
		return wrong
	}
	data := n.Get("data")
	if e.data == nil || data == nil {
		return ""
	}
	tree, err := content.Parse([]byte(data.Text), content.Media{Type: "application/json"}, lim)
	if err != nil {
		return "data: " + err.Error()
	}
	if tree == nil {
		return "data is empty, and not JSON"
	}
	return violations(e.data, tree, "/data")
}

func violations(s *schema.Schema, n *content.Node, below string) string {
	r := s.Evaluate(n, schema.Response)
	if r.Valid() {
		return ""
	}
	var wrong []string
	for _, v := range r.Violations {
		wrong = append(wrong, "event"+below+v.Pointer+" "+v.Detail)
	}
	return strings.Join(slices.Compact(wrong), "; ")
}
