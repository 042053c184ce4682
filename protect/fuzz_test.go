package protect

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

var fuzzTexts = append([]string{
	"", "4111 1111 1111 1111 12/26 123", "4111-1111-1111-1111 5555.5555.5555.4444", "iban de89 3704 0044 0532 0130 00, 123-45-6789", "jane.doe@example.com +49 160 1234567",
	"a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl b", "-----BEGIN PRIVATE KEY-----\n" + keyBody, "postgres://app:s3cret@db", "４１１１\u200b1111\u00a01111 １１１１", "h:0123456789abcdef",
	"AKIA" + "IOSFODNN7EXAMPLE.AKIA" + "IOSFODNN7EXAMPLE", "q=%204111111111111111%3d4242424242424242", `\n4111111111111111`, "4111111111111111@example.com",
}, testHashes...)

var everything = func() (kinds []string) {
	for i := range known {
		kinds = append(kinds, known[i].kind)
	}
	return kinds
}()

// Spans are in order and whole characters; what is masked is not found again; nothing grows without bound.
func FuzzDetectors(f *testing.F) {
	for _, text := range fuzzTexts {
		f.Add(text)
	}
	d, err := newDetectors(everything)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // content refuses it
		}
		at := 0
		for _, m := range d.find(text, "", new([]span)) {
			if m.start < at || m.end <= m.start || m.end > len(text) || !utf8.ValidString(text[m.start:m.end]) || !utf8.ValidString(text[at:m.start]) {
				t.Fatalf("span %d to %d behind %d of %q", m.start, m.end, at, text)
			}
			at = m.end
		}
		once, _ := d.mask(text)
		if len(once) > 2*len(text)+16 {
			t.Errorf("%d bytes became %d", len(text), len(once))
		}
		settles(t, once, func(text string) string {
			more, _ := d.mask(text)
			return more
		})
	})
}

// settles demands that masking comes to an end. It may find more in what it has masked: a number beside another is told from it by what
// stands around it.
func settles(t *testing.T, text string, mask func(string) string) {
	t.Helper()
	first := text
	for round := 0; ; round++ {
		next := mask(text)
		if next == text {
			return
		}
		if text = next; round == 10 {
			t.Fatalf("%q became %q, and goes on", first, text)
		}
	}
}

// What was valid stays valid, and every byte that is not of a masked value stays.
func FuzzMask(f *testing.F) {
	for _, text := range fuzzTexts {
		f.Add([]byte(`{"a":[` + string(encode(content.Media{Type: jsonType}, text)) + `],` + string(encode(content.Media{Type: jsonType}, text)) + `:1,"card":4.111111111111111e15}`))
	}
	f.Add([]byte(" [ 1.0E+2 , \"\\u0034111111111111111\\ud83d\\ude00\" , { \"\\u0034242 4242 4242 4242\" : null } ]\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		before, tree := masked(t, body)
		if tree == nil {
			return
		}
		out := before.Response.Body.Result()
		after, again := masked(t, out)
		if again == nil {
			t.Fatalf("%q became %q, which is refused", body, out)
		}
		if len(out) > 4*len(body)+64 {
			t.Errorf("%d bytes became %d", len(body), len(out))
		}
		settles(t, string(after.Response.Body.Result()), func(body string) string {
			more, _ := masked(t, []byte(body))
			return string(more.Response.Body.Result())
		})
		if a, b := skeleton(body, tree), skeleton(out, again); !bytes.Equal(a, b) {
			t.Errorf("%q became %q: around the values, %q became %q", body, out, a, b)
		}
		sameValues(t, body, out, tree, again)
	})
}

// masked runs the guards over a body; the tree is nil where content refuses it.
func masked(t *testing.T, body []byte) (*exchange.Exchange, *content.Node) {
	b, err := content.New(body, content.Header{ContentType: []string{jsonType}}, content.Limits{})
	if err != nil {
		return nil, nil
	}
	tree, err := b.Tree()
	if err != nil || tree == nil {
		return nil, nil
	}
	e := answered(t, nil, jsonType, string(body))
	return protected(t, config.Protect{Detect: everything}, e), tree
}

// skeleton is a body without its values and names.
func skeleton(data []byte, root *content.Node) []byte {
	var out []byte
	done := uint32(0)
	var visit func(n *content.Node)
	visit = func(n *content.Node) {
		if n.Kind == content.Object || n.Kind == content.Array {
			for i := range n.Children {
				if n.Kind == content.Object {
					start, end := nameSpan(data, &n.Children[i])
					out, done = append(out, data[done:start]...), uint32(end)
				}
				visit(&n.Children[i])
			}
			return
		}
		out, done = append(append(out, data[done:n.Start]...), '_'), n.End
	}
	visit(root)
	return append(out, data[done:]...)
}

// sameValues compares values one by one: those in which nothing is found are the same bytes, and the others keep what
// stands before and behind what was found.
func sameValues(t *testing.T, was, is []byte, a, b *content.Node) {
	d, _ := newDetectors(everything)
	if len(a.Children) != len(b.Children) {
		t.Fatalf("%q became %q", was, is)
	}
	for i := range a.Children {
		sameValues(t, was, is, &a.Children[i], &b.Children[i])
	}
	before, after := was[a.Start:a.End], is[b.Start:b.End]
	switch {
	case a.Kind == content.Object || a.Kind == content.Array || bytes.Equal(before, after):
	case a.Kind == content.Number && cardNumber(a.Text) != "" && b.Kind == content.String:
	case a.Kind == content.String && b.Kind == content.String:
		found := d.find(a.Text, "", new([]span))
		if len(found) == 0 {
			t.Fatalf("%q became %q: nothing is found in %q", was, is, a.Text)
		}
		first, last := a.Text[:found[0].start], a.Text[found[len(found)-1].end:]
		if !strings.HasPrefix(b.Text, first) || !strings.HasSuffix(b.Text, last) {
			t.Fatalf("%q became %q: %q became %q", was, is, a.Text, b.Text)
		}
	default:
		t.Fatalf("%q became %q: %q became %q", was, is, before, after)
	}
}

// XML, forms and text stay what they are, too.
func FuzzMaskOtherMedia(f *testing.F) {
	types := []string{"application/xml", "application/x-www-form-urlencoded", "text/plain"}
	for i := range types {
		f.Add(uint8(i), "a=4111+1111+1111+1111&b=%26")
		f.Add(uint8(i), `<a b="4111111111111111">x &amp; 4242424242424242<c/><![CDATA[5555555555554444]]></a>`)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		mediaType := types[int(which)%len(types)]
		parse := func(body string) (*content.Body, *content.Node) {
			b, err := content.New([]byte(body), content.Header{ContentType: []string{mediaType}}, content.Limits{})
			if err != nil {
				return nil, nil
			}
			tree, err := b.Tree()
			if err != nil {
				return nil, nil
			}
			return b, tree
		}
		if _, tree := parse(body); tree == nil {
			return
		}
		e := protected(t, config.Protect{Detect: everything}, answered(t, nil, mediaType, body))
		out := string(e.Response.Body.Result())
		if _, tree := parse(out); tree == nil {
			t.Errorf("%s: %q became %q, which is refused", mediaType, body, out)
		}
		if len(e.Findings) == 0 && out != body {
			t.Errorf("%s: %q became %q without a finding", mediaType, body, out)
		}
	})
}
