package content_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

// eventwise expects events, and nothing else.
type eventwise struct{ content.Fields }

func (eventwise) EachEvent() bool { return true }

func readEvents(t *testing.T, stream string, lim content.Limits) (*content.Node, error) {
	t.Helper()
	b, err := content.New([]byte(stream), content.Header{ContentType: []string{"text/event-stream"}}, lim)
	if err != nil {
		return nil, err
	}
	b.Expect(eventwise{})
	return b.Tree()
}

func TestEvents(t *testing.T) {
	for stream, want := range map[string]string{
		"data: a\n\n": "{data=a}",
		"\n\ndata:a\r\ndata: b\r\n\r\nevent\nid: 7\n\n": "{data=a\nb}{event= id=7}",
		"data: a\nretry: 10\ndata\n\n":                  "{data=a\n retry=10}",
		"data:  x\nevent: y\n\n\n":                      "{data= x event=y}",
		"data: {\"a\":\ndata: 1}\n\n":                   "{data={\"a\":\n1}→1}",
		"data: [DONE]\n\ndata: 5\n\n":                   "{data=[DONE]}{data=5→0}",
	} {
		n, err := readEvents(t, stream, content.Limits{})
		if err != nil {
			t.Errorf("%q: %v", stream, err)
			continue
		}
		if got := spelled(n); got != want {
			t.Errorf("%q is %s, want %s", stream, got, want)
		}
	}
}

// spelled writes events out, with the number of members of the document in their data.
func spelled(n *content.Node) string {
	var out strings.Builder
	for _, e := range n.Children {
		var fields []string
		for _, f := range e.Children {
			field := f.Name + "=" + f.Text
			if len(f.Children) == 1 {
				field += "→" + string(rune('0'+len(f.Children[0].Children)))
			}
			fields = append(fields, field)
		}
		out.WriteString("{" + strings.Join(fields, " ") + "}")
	}
	return out.String()
}

func TestEventsRefused(t *testing.T) {
	for _, c := range []struct {
		stream string
		code   content.Code
		at     int64
	}{
		{"data: a", content.Malformed, 7},
		{"data: a\n", content.Malformed, 8},               // readers drop what no empty line ends
		{"data: a\n\ndata: b\r\n", content.Malformed, 18}, //
		{"data: a\rdata: b\n\n", content.Ambiguous, 7},
		{"data: a\r\r", content.Malformed, 9},
		{"data: a\x00\n\n", content.Ambiguous, 7},
		{"\ufeffdata: a\n\n", content.Ambiguous, 0},
		{"data: \xff\n\n", content.Ambiguous, 6},
		{": comment\ndata: a\n\n", content.Ambiguous, 0},
		{"data: a\nDATA: b\n\n", content.Ambiguous, 8},
		{"data : a\n\n", content.Ambiguous, 0},
		{"data: a\nrole: admin\n\n", content.Ambiguous, 8},
		{"event: a\nevent: b\ndata: x\n\n", content.Ambiguous, 9},
		{"id: a\ndata: x\nid: a\n\n", content.Ambiguous, 14},
		{"data: x\nretry: 1e3\n\n", content.Malformed, 8},
		{"data: x\nretry: 010\n\n", content.Malformed, 8},
		{"data: x\nretry: -1\n\n", content.Malformed, 8},
		{"id: 5\n\n", content.Ambiguous, 0},
		{"data: {\"a\":1,\"A\":2}\n\n", content.Ambiguous, 6},
		{"data: " + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "\n\n", content.TooComplex, 6},
		{strings.Repeat("data: a\n\n", 100_000), content.TooComplex, -1},
		{strings.Repeat("data: [1,1,1,1,1,1,1,1,1,1]\n\n", 20_000), content.TooComplex, -1},
	} {
		n, err := readEvents(t, c.stream, content.Limits{})
		var e *content.Error
		if !errors.As(err, &e) || e.Code != c.code || c.at >= 0 && e.Offset != c.at {
			t.Errorf("%.40q: %v, %v, want %v at %d", c.stream, n != nil, err, c.code, c.at)
		}
	}
}

// Nobody who does not expect events is given any.
func TestEventsOfNobody(t *testing.T) {
	n, err := content.Parse([]byte(": a\n"), content.Media{Type: "text/event-stream"}, content.Limits{})
	if err != nil || n.Kind != content.String || n.Text != ": a\n" {
		t.Errorf("%+v, %v", n, err)
	}
}

// What is accepted as events of a request is read in the same way event by event, as those of answers are; no line is passed
// over, and documents agree with another parser.
func FuzzRequestEvents(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "event: x\r\ndata: {\"a\":[1]}\r\n\r\n\n", "id: 1\nretry: 5\ndata\ndata:b\n\ndata: 1\n\n", ": c\n\n", "data: a\r\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := readEvents(t, string(data), content.Limits{})
		if err != nil || n == nil {
			return
		}
		last := uint32(0)
		for _, e := range n.Children {
			if e.Start < last || e.End <= e.Start || e.End > n.End {
				t.Fatalf("an event from %d to %d behind %d", e.Start, e.End, last)
			}
			last = e.End
		}
		var events []content.Node
		for rest := data; len(rest) > 0; {
			end := content.EventEnd(rest, 0)
			if end < 0 {
				t.Fatalf("%q is left over of %q", rest, data)
			}
			e, err := content.ParseEvent(rest[:end], len(rest) == len(data), content.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if e != nil {
				events = append(events, *e)
			}
			rest = rest[end:]
		}
		if len(events) != len(n.Children) {
			t.Fatalf("%q has %d events, and %d as it comes", data, len(n.Children), len(events))
		}
		for i := range events {
			one := &n.Children[i]
			if len(one.Children) != len(events[i].Children) {
				t.Fatalf("%q: %d fields, and %d as it comes", data, len(one.Children), len(events[i].Children))
			}
			for _, field := range events[i].Children {
				same := one.Get(field.Name)
				if same == nil || same.Text != field.Text || same.Kind != field.Kind || len(same.Children) != len(field.Children) {
					t.Fatalf("%q: %s is %+v, and %+v as it comes", data, field.Name, same, field)
				}
				if len(same.Children) == 1 {
					agree(t, []byte(same.Text), &same.Children[0])
				}
			}
		}
	})
}
