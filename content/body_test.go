package content_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sallyport/sallyport/content"
)

var jsonHeader = content.Header{ContentType: []string{"application/json"}}

func TestNilBody(t *testing.T) {
	var b *content.Body
	b.Splice(&content.Node{}, nil)
	b.Remove(&content.Node{}, &content.Node{})
	b.Rollback(b.Mark())
	tree, err := b.Tree()
	if b.Bytes() != nil || b.Raw() != nil || b.Result() != nil || b.Edited() || b.Media() != (content.Media{}) || tree != nil || err != nil {
		t.Error("a nil body is not empty")
	}
}

func TestRead(t *testing.T) {
	for _, size := range []int{2, 100, 16<<10 - 1, 16 << 10, 16<<10 + 1, 100_000, 1 << 20} {
		raw := `"` + strings.Repeat("x", size-2) + `"`
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(raw), "halves": iotest.HalfReader(strings.NewReader(raw)), "early end": iotest.DataErrReader(strings.NewReader(raw)),
		} {
			b, err := content.Read(r, jsonHeader, content.Limits{})
			if err != nil || string(b.Bytes()) != raw || string(b.Raw()) != raw {
				t.Errorf("%d bytes, %s: %v", size, name, err)
				continue
			}
			n, err := b.Tree()
			if again, _ := b.Tree(); err != nil || len(n.Text) != size-2 || again != n {
				t.Errorf("%d bytes, %s: %v", size, name, err)
			}
		}
	}
}

func TestReadEmpty(t *testing.T) {
	for _, h := range []content.Header{{}, jsonHeader, {ContentType: []string{"x", "y"}, ContentEncoding: []string{"gzip"}}} {
		for _, r := range []io.Reader{nil, strings.NewReader("")} {
			b, err := content.Read(r, h, content.Limits{})
			if err != nil {
				t.Errorf("%v: %v", h, err)
				continue
			}
			if n, err := b.Tree(); n != nil || err != nil || len(b.Bytes()) != 0 {
				t.Errorf("%v: %v, %v", h, n, err)
			}
		}
	}
}

func TestReadRefused(t *testing.T) {
	broken := errors.New("connection reset")
	small := content.Limits{Bytes: 10}
	typed := func(typ ...string) content.Header { return content.Header{ContentType: typ} }
	coded := func(coding ...string) content.Header {
		return content.Header{ContentType: jsonHeader.ContentType, ContentEncoding: coding}
	}
	for name, c := range map[string]struct {
		r    io.Reader
		h    content.Header
		code content.Code
		raw  string
	}{
		"too large":           {strings.NewReader("[1,2,3,4,5,6]"), jsonHeader, content.TooLarge, "[1,2,3,4,5,"},
		"broken":              {io.MultiReader(strings.NewReader("[1,"), iotest.ErrReader(broken)), jsonHeader, content.Incomplete, "[1,"},
		"cut off":             {io.MultiReader(strings.NewReader("[1,"), iotest.ErrReader(io.ErrUnexpectedEOF)), jsonHeader, content.Incomplete, "[1,"},
		"endless":             {endless{}, jsonHeader, content.Incomplete, ""},
		"no type":             {strings.NewReader("[1]"), typed(), content.UnsupportedMedia, "[1]"},
		"two types":           {strings.NewReader("[1]"), typed("application/json", "text/plain"), content.UnsupportedMedia, "[1]"},
		"charset":             {strings.NewReader("[1]"), typed("application/json; charset=utf-7"), content.UnsupportedMedia, "[1]"},
		"unknown coding":      {strings.NewReader("[1]"), coded("zip"), content.UnsupportedEncoding, "[1]"},
		"empty coding":        {strings.NewReader("[1]"), coded(""), content.UnsupportedEncoding, "[1]"},
		"two codings":         {strings.NewReader("[1]"), coded("gzip, br"), content.UnsupportedEncoding, "[1]"},
		"two coding fields":   {strings.NewReader("[1]"), coded("gzip", "gzip"), content.UnsupportedEncoding, "[1]"},
		"identity and gzip":   {strings.NewReader("[1]"), coded("identity,gzip"), content.UnsupportedEncoding, "[1]"},
		"coding with garbage": {strings.NewReader("[1]"), coded("gzip"), content.Malformed, "[1]"},
	} {
		b, err := content.Read(c.r, c.h, small)
		var e *content.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b == nil || string(b.Raw()) != c.raw || b.Bytes() != nil {
			t.Errorf("%s: body %+v", name, b)
			continue
		}
		if n, err := b.Tree(); n != nil || err == nil {
			t.Errorf("%s: a tree of what could not be judged: %v, %v", name, n, err)
		}
		if name == "broken" && !errors.Is(err, broken) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
	if b, err := content.New(make([]byte, 11), jsonHeader, small); err == nil || len(b.Raw()) != 11 {
		t.Errorf("New: %v", err)
	}
}

// endless never yields anything, and never ends.
type endless struct{}

func (endless) Read([]byte) (int, error) { return 0, nil }

func TestTreeErrorIsKept(t *testing.T) {
	b, err := content.Read(strings.NewReader(`{"a":1,"a":2}`), jsonHeader, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n, first := b.Tree()
	_, second := b.Tree()
	if n != nil || first == nil || first != second {
		t.Errorf("%v, %v, %v", n, first, second)
	}
	if !bytes.Equal(b.Result(), b.Raw()) {
		t.Errorf("result: %s", b.Result())
	}
}
