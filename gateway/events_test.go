package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

const eventSpec = `
openapi: 3.2.0
info: { title: Events, version: "1" }
components:
  schemas:
    Tick: { type: object, required: [n], properties: { n: { type: integer } } }
    Event:
      type: object
      required: [data]
      properties:
        event: { enum: [tick, tock] }
        data: { type: string, contentMediaType: application/json, contentSchema: { $ref: "#/components/schemas/Tick" } }
paths:
  /events: { get: { x-sallyport: { streaming: sse }, responses: { "200": &events { description: ticks, content: { text/event-stream: { itemSchema: { $ref: "#/components/schemas/Event" } } } } } } }
  /whole: { get: { responses: { "200": *events } } }
`

// Of a stream whose events are declared, what comes before the first that is none of them passes; the rest does not, and
// the record says why.
func TestEventsAreJudged(t *testing.T) {
	const good = ": hello\n\nevent: tick\ndata: {\"n\":1}\n\n"
	for name, c := range map[string]struct{ sent, passed, detail string }{
		"declared":    {good + "retry: 5\r\n\r\ndata: {\ndata: \"n\":2}\r\n\r\n", "", ""},
		"cut short":   {good + "data: {\"n\":2}", "", ""},
		"event":       {good + "event: boom\ndata: {\"n\":2}\n\n" + good, good, "event/event must be one of"},
		"no data":     {good + "event: tick\n\n", good, "event/data is required"},
		"not JSON":    {good + "data: {\"n\":\n\n", good, "event/data must be a JSON text"},
		"member":      {good + "data: {\"n\":\"SELECT\"}\n\n", good, "event/data/n must be an integer"},
		"mark":        {"\ufeffdata: {\"n\":\"x\"}\n\n", "", "event/data/n must be an integer"},
		"at the end":  {good + "data: x", good, "event/data must be a JSON text"},
		"UTF-8":       {good + "data: \xff\n\n", good, "invalid UTF-8"},
		"undeclared":  {good + "data: {\"n\":2,\"more\":1}\n\n", "", ""},
		"large event": {"data: {\"n\":1}\n\n: " + strings.Repeat("x", 20<<10), "data: {\"n\":1}\n\n", "larger than max_response"},
	} {
		for _, mode := range []string{"enforce", "monitor"} {
			want := c.passed
			if c.detail == "" || mode == "monitor" {
				want = c.sent
			}
			g := serve(t, eventSpec, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, c.sent)
			}), "    max_response: 16KiB\n    modes: { identity: off, validate.response: "+mode+" }\n")
			got, broken := stream(t, g.url+"/events")
			if got != want || broken != (want != c.sent) {
				t.Errorf("%s, %s: %.80q, broken %v", name, mode, got, broken)
			}
			if detail := objection(g.record(t)); c.detail == "" && detail != "" || !strings.Contains(detail, c.detail) {
				t.Errorf("%s, %s: recorded %q", name, mode, detail)
			}
		}
	}
}

func stream(t *testing.T, url string) (body string, broken bool) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil { // nothing of it passed, not even the head
		return "", true
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return string(got), err != nil
}

func objection(r *exchange.Record) string {
	for _, s := range r.Steps {
		if s.Guard == "validate.response" && s.Code == "validate.response" {
			return s.Detail
		}
	}
	return ""
}

// Encoded events cannot be judged, and events that come as a whole answer are.
func TestEventsOtherwise(t *testing.T) {
	for path, header := range map[string]string{"/events": "gzip", "/whole": ""} {
		g := serve(t, eventSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			if header != "" {
				w.Header().Set("Content-Encoding", header)
			}
			_, _ = io.WriteString(w, "data: {\"n\":\"x\"}\n\n")
		}), open)
		status, _, body := exchanged(t, g.url, "GET "+path, nil, "", "")
		if r := g.record(t); status != http.StatusBadGateway || r.Code != "validate.response" {
			t.Errorf("%s: %d %s, recorded %+v", path, status, body, r)
		}
	}
}
