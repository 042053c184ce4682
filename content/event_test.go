package content_test

import (
	"bytes"
	"testing"

	"github.com/sallyport/sallyport/content"
)

func TestParseEvent(t *testing.T) {
	for block, want := range map[string]string{
		"data: a\n\n":             "data=a",
		"data:a\r\ndata: b\r\rid": "data=a\nb id=",
		"data\n\n":                "data=",
		": keep-alive\n\n":        "",
		"id: 5\nretry: 10\n\n":    "",
		"event: a\nevent: b\nid: 7\nretry: 010\n\n": "event=b id=7 retry=10",
		"data:  x\nretry: -1\nDATA: y\nid: \x00\n":  "data= x",
		"\ufeffdata: a\n\n":                         "data=a",
		"dat: a":                                    "",
	} {
		n, err := content.ParseEvent([]byte(block), true, content.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if n != nil {
			for _, c := range n.Children {
				got += " " + c.Name + "=" + c.Text
			}
			got = got[1:]
		}
		if got != want {
			t.Errorf("%q is %q, want %q", block, got, want)
		}
	}
	if n, err := content.ParseEvent([]byte("\ufeffdata: a"), false, content.Limits{}); n != nil || err != nil {
		t.Error("a byte order mark within the stream was skipped")
	}
	if _, err := content.ParseEvent([]byte("data: \xff\n\n"), false, content.Limits{}); err == nil {
		t.Error("what is no UTF-8 passed")
	}
}

// Wherever a stream is cut, its blocks end at the same places; and no block holds an empty line but at its end.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{"data: a\n\ndata: b\r\n\r\n", "a\r\rb\n\r\n\n", "\ufeffdata: x\r\n\ndata"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for rest, first := stream, true; len(rest) > 0; first = false {
			end := content.EventEnd(rest, 0)
			for cut := range rest { // as it arrives
				if content.EventEnd(rest[:cut], 0) >= 0 {
					break
				}
				if at := content.EventEnd(rest, cut); at != end {
					t.Fatalf("%q, cut at %d, ends at %d, want %d", rest, cut, at, end)
				}
			}
			if end < 0 {
				break
			}
			block := rest[:end]
			if at := content.EventEnd(block[:max(0, end-2)], 0); at >= 0 && at < end-2 {
				t.Fatalf("%q ends at %d already", block, at)
			}
			n, err := content.ParseEvent(block, first, content.Limits{})
			if err == nil && n == nil && (bytes.HasPrefix(block, []byte("data:")) || bytes.Contains(block, []byte("\ndata:"))) {
				t.Fatalf("%q is no event", block)
			}
			rest = rest[end:]
		}
	})
}
