package openapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

func (b *builder) requestBody(c cursor) *RequestBody {
	c, ok := b.follow(c)
	if !ok {
		return nil
	}
	b.misplaced(c, "a request body")
	body := &RequestBody{Required: b.flag(c, "required", false), Content: b.content(c)}
	for i := range body.Content {
		if m := &body.Content[i]; m.Events != nil {
			m.Schema = schema.Sequence(m.Events.item, m.Schema)
		}
	}
	if !c.has("content") {
		b.fail(c.place, "spec.no_content", "content: { application/json: { schema: … } }", "the request body has no content")
	}
	return body
}

// content reads a map of media types.
func (b *builder) content(c cursor) []MediaType {
	types, ok := b.object(c, "content")
	if !ok {
		return nil
	}
	var list []MediaType
	kept := map[string]cursor{}
	// Ranges without parameters come first and win: requests are matched without parameters.
	entries := types.members()
	slices.SortStableFunc(entries, func(x, y cursor) int {
		return strings.Count(x.key(), ";") - strings.Count(y.key(), ";")
	})
	for _, e := range entries {
		r := mediaRange(e.key())
		if !validRange(r) {
			// Not an error: no message has such a type, and types that are not declared are refused.
			b.warn(e.place, "spec.media", "application/json", "%q is not a media type; it is left out", e.key())
			continue
		}
		if first, twice := kept[r]; twice {
			if !reflect.DeepEqual(first.v, e.v) {
				b.warn(e.place, "spec.media_parameters", "", "%s differs from %s in parameters only and cannot be told apart; its schema is not used", e.key(), first.key())
			}
			continue
		}
		kept[r] = e
		if m, ok := b.mediaType(e, r); ok {
			list = append(list, m)
		}
	}
	return list
}

// mediaRange is a media type in lower case, without parameters.
func mediaRange(key string) string {
	r, _, _ := strings.Cut(key, ";")
	r = strings.ToLower(strings.TrimSpace(r))
	if r == "*" {
		return "*/*" // not in RFC 9110, but written in many documents
	}
	return r
}

func validRange(r string) bool {
	kind, sub, ok := strings.Cut(r, "/")
	return ok && isToken(kind) && isToken(sub) && (kind != "*" || sub == "*")
}

func (b *builder) mediaType(c cursor, r string) (MediaType, bool) {
	c, ok := b.follow(c)
	if !ok {
		return MediaType{}, false
	}
	b.misplaced(c, "a media type")
	m := MediaType{Range: r, place: c.place}
	if s, ok := c.get("schema"); ok {
		m.Schema = b.compile(s)
		if textual(r) && m.Schema != nil {
			m.shape = shaper{}.shape(m.Schema)
		}
	}
	b.items(c, &m)
	if m.Schema != nil {
		types := m.Schema.Types()
		m.Octets = types == nil || slices.Contains(types, "string")
	}
	b.positions(c, &m)
	b.encoding(c, &m)
	if isMultipart(r) && r != "multipart/form-data" && m.Schema != nil && m.positions == nil {
		b.warn(c.below("schema"), "spec.unsupported", "openapi: 3.2.0 and the schema of a list, or multipart/form-data", "the schema is not enforced: the parts of %s have places, and no names", r)
	}
	return m, true
}

// items makes the schema of a sequential media type that of a list. OpenAPI says since 3.2 what a schema means there;
// in older documents one that can only be an object means each text, and one that cannot be told is not enforced.
func (b *builder) items(c cursor, m *MediaType) {
	sequential := content.Media{Type: m.Range}.Sequence()
	s, ok := c.get("itemSchema")
	switch {
	case ok && b.minor < 2:
		b.warn(s.place, "spec.version", "openapi: 3.2.0", "itemSchema exists since OpenAPI 3.2; it is ignored")
	case ok && m.Range == "text/event-stream":
		m.Events = b.events(s)
	case ok && !sequential && !isMultipart(m.Range):
		b.warn(s.place, "spec.unsupported", "application/jsonl, application/x-ndjson, application/json-seq, text/event-stream and multipart types are judged", "itemSchema is not enforced in %s: its parts pass", m.Range)
	case ok:
		if each := b.compile(s); each != nil {
			m.Schema = schema.Sequence(each, m.Schema)
		}
	}
	if !sequential || b.minor >= 2 || m.Schema == nil {
		return
	}
	switch types := m.Schema.Types(); {
	case len(types) == 1 && types[0] == "object":
		m.Schema = schema.Sequence(m.Schema, nil)
	case !slices.Contains(types, "array"):
		b.warn(c.below("schema"), "spec.unsupported", "openapi: 3.2.0, and itemSchema", "the schema is not enforced: before OpenAPI 3.2 nobody says whether it means all of %s or each text", m.Range)
		m.Schema = nil
	}
}

func (b *builder) responses(op *Operation, c cursor) {
	all, ok := b.object(c, "responses")
	if !ok {
		if !c.has("responses") && b.minor == 0 {
			b.warn(c.place, "spec.no_responses", "without them no answer can be judged", "%s declares no responses", op.Key)
		}
		return
	}
	for _, e := range all.members() {
		if strings.HasPrefix(e.key(), "x-") {
			continue
		}
		status, ok := statusKey(e.key())
		if !ok {
			b.fail(e.place, "spec.status", `"200", "2XX" or default`, "%q is not a status", e.key())
			continue
		}
		r, ok := b.follow(e)
		if !ok {
			continue
		}
		b.misplaced(r, "a response")
		response := &Response{Status: status, Content: b.content(r), place: r.place}
		for i := range response.Content {
			if m := &response.Content[i]; m.Events != nil {
				m.Schema = nil // of all events together, which come one by one
			}
		}
		if headers, ok := b.object(r, "headers"); ok {
			for _, h := range headers.members() {
				if strings.EqualFold(h.key(), "Content-Type") {
					continue // OpenAPI gives it no effect
				}
				if p := b.header(h); p != nil {
					response.Headers = append(response.Headers, p)
				}
			}
		}
		op.Responses = append(op.Responses, response)
	}
}

func statusKey(key string) (string, bool) {
	if key == "default" {
		return key, true
	}
	key = strings.ToUpper(key)
	if len(key) != 3 || key[0] < '1' || key[0] > '5' {
		return "", false
	}
	if key[1:] == "XX" {
		return key, true
	}
	return key, key[1] >= '0' && key[1] <= '9' && key[2] >= '0' && key[2] <= '9'
}
