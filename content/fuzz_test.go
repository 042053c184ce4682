package content_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,true,null,"x\ud83d\ude00"],"b":{"c":""}}`, `[]`, `"\u0000"`, `{"a":1,"A":2}`, "\"\xff\"", `1e400`, ` [ 0 , -0 ] `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := content.ParseJSON(data, content.Limits{})
		if err != nil {
			return
		}
		agree(t, data, n)
		inside(t, data, n)
		again, err := content.ParseJSON(data[n.Start:n.End], content.Limits{})
		if err != nil {
			t.Fatalf("its own span is refused: %v", err)
		}
		agree(t, data, again)
	})
}

// inside fails unless the spans of children lie in that of their parent, in order and without overlap.
func inside(t *testing.T, data []byte, n *content.Node) {
	if n.Start > n.End || int(n.End) > len(data) || n.NameStart > n.Start {
		t.Fatalf("span %d, %d to %d of %d", n.NameStart, n.Start, n.End, len(data))
	}
	last := n.Start
	for i := range n.Children {
		c := &n.Children[i]
		if c.NameStart < last || c.End > n.End {
			t.Fatalf("child %d to %d in %d to %d", c.NameStart, c.End, n.Start, n.End)
		}
		last = c.End
		inside(t, data, c)
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2&a=3", "a", "&=", "a=%41+%zz", "a=%ff", "a;b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { edit(t, data, formType) })
}

func FuzzMultipart(f *testing.F) {
	for _, s := range []string{
		onePart(field), onePart(field+`; filename="a.png"`, "Content-Type: image/png"), "--X--", lines("--X", field, "", "1", "--X", `Content-Disposition: form-data; name=b`, "", "2", "--X--"),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { edit(t, data, "multipart/form-data; boundary=X") })
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0"?><a b="1"><c>x</c><c/>y</a>`, `<p:a xmlns:p="u" p:b="&lt;"><![CDATA[x]]></p:a>`, `<a><!-- c --></a>`, `<!DOCTYPE a><a/>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { edit(t, data, "text/xml") })
}

// edit removes and replaces each member of an accepted body in turn. What comes out has to be accepted too, and
// without the member, or with its new value.
func edit(t *testing.T, data []byte, typ string) {
	b, err := content.New(data, content.Header{ContentType: []string{typ}}, content.Limits{})
	if err != nil {
		return
	}
	root, err := b.Tree()
	if err != nil || root == nil {
		return
	}
	for i := range min(len(root.Children), 20) {
		m := &root.Children[i]
		b.Remove(root, m)
		if n := reread(t, b); n.Get(m.Name) != nil {
			t.Fatalf("%q is still there: %q", m.Name, b.Result())
		}
		b.Rollback(0)
		b.Splice(m, []byte("sallyport"))
		if n := reread(t, b).Get(m.Name); n == nil || first(n).Text != "sallyport" {
			t.Fatalf("%q was not replaced: %q", m.Name, b.Result())
		}
		b.Rollback(0)
	}
}

func first(n *content.Node) *content.Node {
	if n.Kind == content.Array {
		return &n.Children[0]
	}
	return n
}

func reread(t *testing.T, b *content.Body) *content.Node {
	n, err := content.Parse(b.Result(), b.Media(), content.Limits{})
	if err != nil {
		t.Fatalf("%q: after an edit: %q: %v", b.Bytes(), b.Result(), err)
	}
	return n
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/", "*", "/a/b?c=d&e", "/%41/%c3%bc?x=+%2b", "/a?b[c]=1&&", "//a", "/%2e%2e/", "http://h/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		first, err := content.ParseTarget(raw)
		if err == nil {
			idempotent(t, first)
		}
		second, host, hostErr := content.ParseTargetHost(raw)
		if err == nil && (hostErr != nil || host != "" || second.Path != first.Path) {
			t.Fatalf("%q: %q %q, %v", raw, host, second.Path, hostErr)
		}
		if hostErr == nil {
			idempotent(t, second)
		}
		third, _, err := content.ParseTargetMatrix(raw)
		if (err == nil) != (hostErr == nil) && third.Semicolons == 0 || third.Semicolons != strings.Count(third.Path, ";") {
			t.Fatalf("%q: %+v, %v", raw, third, err)
		}
	})
}

func FuzzMedia(f *testing.F) {
	for _, s := range []string{"application/json; charset=utf-8", `multipart/form-data; boundary="a b"`, `a/b; c="\""`, "text/plain;;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := content.ParseMedia([]string{raw})
		if err != nil {
			return
		}
		if again, err := content.ParseMedia([]string{m.Type + `; boundary="` + m.Boundary + `"`}); m.Boundary != "" && (err != nil || again.Boundary != m.Boundary) {
			t.Fatalf("%q: %+v: %v", raw, m, err)
		}
	})
}

func FuzzEncoding(f *testing.F) {
	for coding, open := range codings {
		f.Add(coding, encode(f, open, []byte("hello, hello, hello"), 1))
	}
	f.Fuzz(func(t *testing.T, coding string, data []byte) {
		b, err := content.New(data, encoded(coding), content.Limits{Bytes: 1 << 16})
		if err == nil && len(b.Bytes()) > 1<<16 {
			t.Fatalf("%d bytes", len(b.Bytes()))
		}
	})
}
