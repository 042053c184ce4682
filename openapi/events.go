package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// Events is what a document says of each event of a stream (OpenAPI 3.2, itemSchema of text/event-stream): an object of
// data, event, id and retry. The contentSchema of data judges the JSON text in it.
type Events struct{ item *schema.Schema }

func (b *builder) events(s cursor) *Events {
	item := b.compile(s)
	if item == nil {
		return nil
	}
	return &Events{schema.Documents(item)}
}

// EachEvent reports whether the body is read event by event: that of a request. Those of an answer are judged as they come.
func (m *MediaType) EachEvent() bool { return m.Events != nil && m.Schema != nil }

// Judge says what is wrong with a block of the stream: "" where it is a declared event, or none. first says that it is
// the first of the stream. What the schemas do not declare is not wrong: an event cannot be changed on its way.
func (e *Events) Judge(block []byte, first bool, lim content.Limits) string {
	n, err := content.ParseEvent(block, first, lim)
	if err != nil {
		return err.Error()
	}
	if n == nil {
		return ""
	}
	r := e.item.Evaluate(n, schema.Response)
	if r.Valid() {
		return ""
	}
	var wrong []string
	for _, v := range r.Violations {
		wrong = append(wrong, "event"+v.Pointer+" "+v.Detail)
	}
	return strings.Join(slices.Compact(wrong), "; ")
}
