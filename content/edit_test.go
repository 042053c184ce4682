package content_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
	"pgregory.net/rapid"
)

func open(t testing.TB, typ, raw string) (*content.Body, *content.Node) {
	t.Helper()
	b, err := content.New([]byte(raw), content.Header{ContentType: []string{typ}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := b.Tree()
	if err != nil {
		t.Fatal(err)
	}
	return b, root
}

// at follows member names and element numbers to a node, and returns its parent too.
func at(root *content.Node, path string) (parent, n *content.Node) {
	n = root
	for step := range strings.SplitSeq(path, "/") {
		parent = n
		var i int
		if _, err := fmt.Sscan(step, &i); err == nil && n.Kind == content.Array {
			n = &n.Children[i]
		} else {
			n = n.Get(step)
		}
	}
	return parent, n
}

func TestEdits(t *testing.T) {
	const j, f, m, x = "application/json", formType, "multipart/form-data; boundary=X", "text/xml"
	p := func(name, value string) string {
		return lines("--X", `Content-Disposition: form-data; name="`+name+`"`, "", value, "")
	}
	file := func(name, value string) string { return p(name+`"; filename="f`, value) }
	for _, c := range []struct{ typ, raw, edits, want string }{
		{j, `{"a": 1, "b": 2, "c": 3}`, "-a", `{"b": 2, "c": 3}`},
		{j, `{"a": 1, "b": 2, "c": 3}`, "-b", `{"a": 1, "c": 3}`},
		{j, `{"a": 1, "b": 2, "c": 3}`, "-c", `{"a": 1, "b": 2}`},
		{j, `{"a": 1, "b": 2, "c": 3}`, "-c -b", `{"a": 1}`},
		{j, `{"a": 1, "b": 2, "c": 3}`, "-a -c", `{"b": 2}`},
		{j, `{ "a": 1, "b": 2, "c": 3 }`, "-b -a -c -a", `{  }`},
		{j, `[1,2,3]`, "-0 -2", `[2]`},
		{j, `[1]`, "-0", `[]`},
		{j, `[1]`, "-0 0=2", `[]`},
		{j, `[1]`, "0=2 -0", `[]`},
		{j, `[1,2]`, "0=8 0=9", `[9,2]`},
		{j, `{"a":{"b":1,"c":[1,2]},"d":4}`, "a/b=2 -a/c d=5", `{"a":{"b":2},"d":5}`},
		{j, `{"a":{"b":1,"c":[1,2]},"d":4}`, "a/b=2 -a -a/c/0", `{"d":4}`},
		{j, `{"a":{"b":1,"c":[1,2]},"d":4}`, "a/b=2 a=null a/c=3", `{"a":null,"d":4}`},
		{jsonLines, "{\"a\":1,\"b\":2}\n3\n4\n", "-0/a -1", "{\"b\":2}\n4\n"},
		{jsonLines, "1\n2\n", "-1", "1\n"},
		{jsonLines, "1\n2\n", "-0 -1", ""},
		{jsonSeq, "\x1e1\n\x1e2\n", "0=[] -1", "\x1e[]\n"},
		{jsonSeq, "\x1e{\"a\":1}\n", "-0 -0/a", ""},
		{f, "a=1&b=2&c=3", "-a", "b=2&c=3"},
		{f, "a=1&b=2&c=3", "-c b=x", "a=1&b=x"},
		{f, "a=1&b=2&a=3", "-a", "b=2"},
		{f, "a=1&b=2&a=3", "-a/1 a/0=x", "a=x&b=2"},
		{f, "a=1&b=2&a=3", "a=x", "a=x&b=2&a=x"},
		{f, "a=1&b=2&a=3", "-a -b", ""},
		{f, "a&b=&c=3", "a=x b=y", "a=x&b=y&c=3"},
		{f, "a=1&b=", "-b b=y", "a=1"},
		{f, "a=&b=2", "a=x -b", "a=x"},
		{f, "&a=1&&b=2", "-a", "&b=2"},
		{m, p("a", "1") + p("b", "2") + p("c", "3") + "--X--\r\n", "-b c=x", p("a", "1") + p("c", "x") + "--X--\r\n"},
		{m, p("a", "1") + p("b", "2") + "--X--\r\n", "-b a=x", p("a", "x") + "--X--\r\n"},
		{m, p("a", "1") + p("b", "") + "--X--\r\n", "-a b=x", p("b", "x") + "--X--\r\n"},
		{m, p("a", "1") + p("b", "2") + "--X--\r\n", "-a -b", "--X--\r\n"},
		{m, file("a", "1") + p("b", "2") + file("a", "3") + "--X--\r\n", "-a", p("b", "2") + "--X--\r\n"},
		{m, file("a", "1") + p("b", "2") + file("a", "3") + "--X--\r\n", "-a/0 a/1=x", p("b", "2") + file("a", "x") + "--X--\r\n"},
		{x, `<a b="1" c="2"><d>x</d><e/></a>`, "@b=9 d=y e=z", `<a b="9" c="2"><d>y</d><e>z</e></a>`},
		{x, `<a b="1" c="2"><d>x</d><e/></a>`, "-@b -d", `<a  c="2"><e/></a>`},
		{x, `<a b="1" c="2"><d>x</d><e/></a>`, "-e d=y", `<a b="1" c="2"><d>y</d></a>`},
		{x, `<a><d>x</d>,<d></d ><e/></a>`, "-d", `<a>,<e/></a>`},
		{x, `<a><d>x</d><d></d ><e/></a>`, "-d/0 d/1=y", `<a><d>y</d ><e/></a>`},
		{x, `<a><d>x</d><d/><e/></a>`, "d=y", `<a><d>y</d><d>y</d><e/></a>`},
		{x, `<a xmlns:p="u"><p:d q="1" /></a>`, "d=y", `<a xmlns:p="u"><p:d q="1" >y</p:d></a>`},
		{x, `<a>x<b/><![CDATA[y]]></a>`, "#text/0=1 #text/1=2", `<a>1<b/>2</a>`},
		{x, `<a>x<b/>y</a>`, "-#text", `<a><b/></a>`},
		{x, `<a><b><c/></b></a>`, "b/c=1 -b", `<a></a>`},
		{x, `<a><b c="1">/></b></a>`, "-b", `<a></a>`},
	} {
		b, root := open(t, c.typ, c.raw)
		for e := range strings.FieldsSeq(c.edits) {
			if path, ok := strings.CutPrefix(e, "-"); ok {
				parent, n := at(root, path)
				b.Remove(parent, n)
			} else {
				path, with, _ := strings.Cut(e, "=")
				_, n := at(root, path)
				b.Splice(n, []byte(with))
			}
		}
		if got := string(b.Result()); got != c.want || !b.Edited() {
			t.Errorf("%s: %s\n got %q\nwant %q", c.raw, c.edits, got, c.want)
		}
		if string(b.Bytes()) != c.raw {
			t.Errorf("%s: the body itself changed", c.raw)
		}
	}
}

func TestRollback(t *testing.T) {
	b, root := open(t, "application/json", `{"a":1,"b":2}`)
	b.Splice(root.Get("a"), []byte("7"))
	mark := b.Mark()
	b.Remove(root, root.Get("b"))
	if got := string(b.Result()); got != `{"a":7}` {
		t.Errorf("edited: %s", got)
	}
	b.Rollback(mark)
	if got := string(b.Result()); got != `{"a":7,"b":2}` {
		t.Errorf("rolled back: %s", got)
	}
	b.Rollback(0)
	if b.Edited() || string(b.Result()) != `{"a":1,"b":2}` {
		t.Errorf("rolled back whole: %s", b.Result())
	}
	b.Rollback(5)
	b.Rollback(-1)
}

// drawJSON draws a value with white space and escapes in various places.
func drawJSON(t *rapid.T, depth int) string {
	white := rapid.SampledFrom([]string{"", "", " ", "\n\t"})
	pad := func(s string) string { return white.Draw(t, "before") + s + white.Draw(t, "after") }
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 4, 5:
		items := make([]string, rapid.IntRange(0, 20).Draw(t, "items"))
		for i := range items {
			items[i] = pad(drawJSON(t, depth-1))
			if kind == 5 {
				items[i] = pad(fmt.Sprintf(`"n\u0061%d"`, i)) + ":" + items[i]
			}
		}
		if kind == 5 {
			return "{" + strings.Join(items, ",") + white.Draw(t, "end") + "}"
		}
		return "[" + strings.Join(items, ",") + white.Draw(t, "end") + "]"
	default:
		return rapid.SampledFrom([]string{"null", "true", "-1.5e2", `"x"`, `"a\n,]}"`, `""`}).Draw(t, "scalar")
	}
}

// change is what happens to a node in the model of edits.
type change struct {
	removed bool
	with    any
	spliced bool
}

// edited is the model: what the tree means after the changes.
func edited(n *content.Node, changes map[*content.Node]change) any {
	if c := changes[n]; c.spliced {
		return c.with
	}
	list, object := []any{}, map[string]any{}
	for i := range n.Children {
		child := &n.Children[i]
		if changes[child].removed {
			continue
		}
		v := edited(child, changes)
		list = append(list, v)
		object[child.Name] = v
	}
	switch n.Kind {
	case content.Array:
		return list
	case content.Object:
		return object
	}
	return values(n)
}

func TestEditsAreWhatTheyMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := drawJSON(t, 3)
		b, err := content.New([]byte(raw), content.Header{ContentType: []string{"application/json"}}, content.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		root, err := b.Tree()
		if err != nil {
			t.Fatal(err)
		}
		type place struct{ parent, n *content.Node }
		var all []place
		var walk func(n *content.Node)
		walk = func(n *content.Node) {
			for i := range n.Children {
				all = append(all, place{n, &n.Children[i]})
				walk(&n.Children[i])
			}
		}
		walk(root)
		changes := map[*content.Node]change{}
		for range rapid.IntRange(0, 2*len(all)).Draw(t, "edits") {
			p := rapid.SampledFrom(all).Draw(t, "place")
			c := changes[p.n]
			if rapid.Bool().Draw(t, "remove") {
				c.removed = true
				b.Remove(p.parent, p.n)
			} else {
				with := rapid.SampledFrom([]string{`"***"`, "0", "[]"}).Draw(t, "with")
				other, err := content.ParseJSON([]byte(with), content.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				c.spliced, c.with = true, values(other)
				b.Splice(p.n, []byte(with))
			}
			changes[p.n] = c
		}
		after, err := content.ParseJSON(b.Result(), content.Limits{})
		if err != nil {
			t.Fatalf("%s\nafter the edits: %s\n%v", raw, b.Result(), err)
		}
		if want := edited(root, changes); !reflect.DeepEqual(values(after), want) {
			t.Fatalf("%s\nafter the edits: %s\nwant %v", raw, b.Result(), want)
		}
	})
}

func TestFormEditsAreWhatTheyMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := rapid.SliceOfN(rapid.SampledFrom([]string{"a=1", "b=", "c", "a=4", "d=%20", ""}), 1, 8).Draw(t, "pairs")
		raw := strings.Join(pairs, "&")
		n, err := content.Parse([]byte(raw), content.Media{Type: formType}, content.Limits{})
		if err != nil || n == nil || len(n.Children) == 0 {
			t.Skip()
		}
		b, err := content.New([]byte(raw), content.Header{ContentType: []string{formType}}, content.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		root, err := b.Tree()
		if err != nil {
			t.Fatal(err)
		}
		want := values(root).(map[string]any)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			m := &root.Children[rapid.IntRange(0, len(root.Children)-1).Draw(t, "member")]
			if rapid.Bool().Draw(t, "remove") {
				b.Remove(root, m)
				delete(want, m.Name)
				continue
			}
			b.Splice(m, []byte("x"))
			switch old := want[m.Name].(type) {
			case string:
				want[m.Name] = "x"
			case []any:
				for i := range old {
					old[i] = "x"
				}
			}
		}
		got := map[string]any{}
		if after, err := content.Parse(b.Result(), content.Media{Type: formType}, content.Limits{}); err != nil {
			t.Fatalf("%s: %s: %v", raw, b.Result(), err)
		} else if after != nil {
			got = values(after).(map[string]any)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nafter the edits: %s\nwant %v", raw, b.Result(), want)
		}
	})
}
