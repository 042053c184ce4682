package content_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

const jsonLines, jsonSeq = "application/jsonl", "application/geo+json-seq"

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		typ, raw string
		texts    []string // as they stand in the body
	}{
		{jsonLines, `{"a":1}`, []string{`{"a":1}`}},
		{"application/x-ndjson", "{\"a\":1}\n[2, 3]\n", []string{`{"a":1}`, `[2, 3]`}},
		{"application/ndjson", "1\r\n \"\\n\\r\" \r\nnull", []string{`1`, `"\n\r"`, `null`}},
		{"application/x-jsonlines", "{}\n{}", []string{`{}`, `{}`}},
		{jsonSeq, "\x1e{\n \"a\": 1\n}\n\x1e2 \n", []string{"{\n \"a\": 1\n}", `2`}},
		{"application/json-seq", "\x1e\"\\u001e\"\n", []string{`"\u001e"`}},
	} {
		n, err := content.Parse([]byte(c.raw), content.Media{Type: c.typ}, content.Limits{})
		if err != nil || n.Kind != content.Array || n.Start != 0 || int(n.End) != len(c.raw) {
			t.Errorf("%q: %+v, %v", c.raw, n, err)
			continue
		}
		var texts []string
		for _, e := range n.Children {
			texts = append(texts, c.raw[e.Start:e.End])
		}
		if !reflect.DeepEqual(texts, c.texts) {
			t.Errorf("%q: %q", c.raw, texts)
		}
	}
}

func TestSequenceRefused(t *testing.T) {
	for _, c := range []struct {
		typ, raw string
		code     content.Code
		at       int64
	}{
		{jsonLines, "{}\n\n{}", content.Malformed, 3},          // an empty line is nothing to some and an error to others
		{jsonLines, "{}\n{\n\"a\":1}\n", content.Malformed, 4}, // who reads value after value would see two texts
		{jsonLines, "{} {}\n", content.Malformed, 3},
		{jsonLines, "{}\r{}", content.Ambiguous, 2},
		{jsonLines, "[1,\r2]\n", content.Ambiguous, 3},
		{jsonLines, "{}\n{\"a\":1,\"A\":2}", content.Ambiguous, 10},
		{jsonLines, "{}\n\"\xff\"", content.Ambiguous, 4},
		{jsonLines, "\x1e{}\n", content.Malformed, 0},
		{jsonSeq, "{}\n", content.Malformed, 0},
		{jsonSeq, "\x1e{}", content.Malformed, 3}, // perhaps cut off: 1 could have been 12
		{jsonSeq, "\x1e1\x1e2\n", content.Malformed, 2},
		{jsonSeq, "\x1e\x1e2\n", content.Malformed, 1},
		{jsonSeq, "\x1e{}{}\n", content.Malformed, 3},
		{jsonLines, strings.Repeat("[", 64) + strings.Repeat("]", 64), content.TooComplex, 63},
		{jsonLines, strings.Repeat("0\n", 200_000), content.TooComplex, -1},
	} {
		_, err := content.Parse([]byte(c.raw), content.Media{Type: c.typ}, content.Limits{})
		var e *content.Error
		if !errors.As(err, &e) || e.Code != c.code || c.at >= 0 && e.Offset != c.at {
			t.Errorf("%.40q: %v, want %v at %d", c.raw, err, c.code, c.at)
		}
	}
}

// Whatever is accepted is a sequence of texts, each of which another parser reads in the same way.
func FuzzSequence(f *testing.F) {
	for _, s := range []string{"{}\n[1]\n", "1\r\n2", "\x1e{}\n\x1e2\n", "{\"a\":1,\"A\":2}\n", "\n", "[\n]", "\x1e\n"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, lines bool) {
		m := content.Media{Type: jsonSeq}
		if lines {
			m.Type = jsonLines
		}
		n, err := content.Parse(data, m, content.Limits{})
		if err != nil || n == nil {
			return
		}
		inside(t, data, n)
		for i := range n.Children {
			e := &n.Children[i]
			agree(t, data[e.Start:e.End], e)
		}
	})
}
