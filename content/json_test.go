package content_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/sallyport/sallyport/content"
)

// stricter lists the texts of JSONTestSuite that a parser must accept and that are refused here, with the reason.
var stricter = map[string]string{
	"y_object_duplicated_key.json":           "two members of one name: one reader takes the first, another the last",
	"y_object_duplicated_key_and_value.json": "as above; that the values are equal is luck",
	"y_object_escaped_null_in_key.json":      "a reader in C ends the name at the NUL",
}

func TestJSONTestSuite(t *testing.T) {
	file, err := os.Open(shared(t, "data/json-parsing/test_parsing.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[byte]int{}
	for archive := tar.NewReader(unzipped); ; {
		head, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(head.Name)
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		seen[name[0]]++
		_, err = content.ParseJSON(data, content.Limits{})
		switch _, refused := stricter[name]; {
		case name[0] == 'y' && (err != nil) != refused:
			t.Errorf("%s: error %v, refused by a stricter rule: %v", name, err, refused)
		case name[0] == 'n' && err == nil:
			t.Errorf("%s: accepted", name)
		}
	}
	if seen['y'] != 95 || seen['n'] != 188 {
		t.Errorf("the suite is not whole: %v", seen)
	}
}

func TestJSONRefused(t *testing.T) {
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for _, c := range []struct {
		text string
		code content.Code
		at   int64
	}{
		{``, content.Malformed, 0},
		{` `, content.Malformed, 1},
		{"\ufeff{}", content.Malformed, 0},
		{"\xff\xfe{\x00}\x00", content.Malformed, 0},
		{`{"role":"u","role":"admin"}`, content.Ambiguous, 12},
		{`{"role":"u","Role":"admin"}`, content.Ambiguous, 12},
		{`{"role":"u","\u0072ole":"admin"}`, content.Ambiguous, 12},
		{`{"user":1,"u\u017fer":2}`, content.Ambiguous, 10},  // long s
		{"{\"key\":1,\"\u212aey\":2}", content.Ambiguous, 9}, // Kelvin sign
		{`{"ä":1,"Ä":2}`, content.Ambiguous, 8},
		{"{\"id\":1,\"\u0131d\":2}", content.Ambiguous, 8}, // dotless i, I in Java
		{"{\"id\":1,\"\u0130D\":2}", content.Ambiguous, 8}, // dotted I
		{strings.Replace(manyMembers, "}", `,"ıd":1}`, 1), content.Ambiguous, -2},
		{`[{"a":{"b":1,"B":1}}]`, content.Ambiguous, 13},
		{`{"a\u0000b":1}`, content.Ambiguous, 1},
		{`"\ud800"`, content.Ambiguous, 1},
		{`"\udc00\ud800"`, content.Ambiguous, 1},
		{`"\ud800\u0041"`, content.Ambiguous, 1},
		{"\"\xc0\xaf\"", content.Ambiguous, 1},
		{"\"\xed\xa0\x80\"", content.Ambiguous, 1},
		{"{\"\xff\":1}", content.Ambiguous, 2},
		{"\"a\nb\"", content.Malformed, 2},
		{`"\x41"`, content.Malformed, 1},
		{`"\u12`, content.Malformed, 5},
		{`"\u12"`, content.Malformed, 1},
		{`"\`, content.Malformed, 2},
		{`1 2`, content.Malformed, 2},
		{`{} //`, content.Malformed, 3},
		{`[1,]`, content.Malformed, 3},
		{`{"a":1,}`, content.Malformed, 7},
		{`[1}`, content.Malformed, 2},
		{`{"a":1]`, content.Malformed, 6},
		{`NaN`, content.Malformed, 0},
		{`Infinity`, content.Malformed, 0},
		{`-Infinity`, content.Malformed, 1},
		{`01`, content.Malformed, 1},
		{`-`, content.Malformed, 1},
		{`1.`, content.Malformed, 2},
		{`1e`, content.Malformed, 2},
		{`+1`, content.Malformed, 0},
		{`tru`, content.Malformed, 0},
		{`1e999`, content.TooComplex, 2},
		{`1e309`, content.Malformed, 0},
		{`-1e309`, content.Malformed, 0},
		{`1e-400`, content.Malformed, 0}, // above zero, and zero in float64
		{`[1e-324]`, content.Malformed, 1},
		{"0." + strings.Repeat("0", 330) + "1", content.Malformed, 0},
		{`1e99999999999999999999`, content.TooComplex, 2},
		{strings.Repeat("9", 309), content.Malformed, 0},
		{strings.Repeat("9", 401), content.TooComplex, 0},
		{"0." + strings.Repeat("0", 400), content.TooComplex, 0},
		{deep, content.TooComplex, 64},
		{`{"` + strings.Repeat("n", 1025) + `":1}`, content.TooComplex, 1},
		{"[" + strings.Repeat("1,", 100_000) + "1]", content.TooComplex, -2},
		{`"` + strings.Repeat("x", 1<<20) + `"`, content.TooLarge, 1 << 20},
	} {
		_, err := content.ParseJSON([]byte(c.text), content.Limits{})
		var e *content.Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q: error %v", c.text, err)
			continue
		}
		if e.Code != c.code || c.at != -2 && e.Offset != c.at {
			t.Errorf("%.40q: %v, code %d; want code %d at %d", c.text, e, e.Code, c.code, c.at)
		}
	}
}

var manyMembers = func() string {
	text := `{"id":1`
	for i := range 20 {
		text += fmt.Sprintf(`,"m%d":1`, i)
	}
	return text + "}"
}()

// Numbers that every reader takes for something near enough are passed on as they are written.
func TestJSONNumbersAccepted(t *testing.T) {
	for _, text := range []string{"-0", "0", "-0.0", "0e-400", "0.0e400", "1e308", "5e-324", "1e-300", "9007199254740993", "18446744073709551616", "123456789012345678901234567890", "1E+2", "0.1e1"} {
		n, err := content.ParseJSON([]byte(text), content.Limits{})
		if err != nil || n.Kind != content.Number || n.Text != text {
			t.Errorf("%s: %+v, %v", text, n, err)
		}
	}
}

func TestJSONTree(t *testing.T) {
	text := ` {"a" : [1, -2.5e3, true,false , null], "b\u00e9\/\ud83d\ude00": "x\ty", "": {}, "c":"plain"} `
	n, err := content.ParseJSON([]byte(text), content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	span := func(n *content.Node) string { return text[n.Start:n.End] }
	if n.Kind != content.Object || len(n.Children) != 4 || span(n) != strings.TrimSpace(text) {
		t.Fatalf("root: %+v", n)
	}
	a := n.Get("a")
	for i, want := range []struct {
		kind content.Kind
		text string
		span string
	}{
		{content.Number, "1", "1"}, {content.Number, "-2.5e3", "-2.5e3"}, {content.Bool, "true", "true"},
		{content.Bool, "false", "false"}, {content.Null, "", "null"},
	} {
		if e := &a.Children[i]; e.Kind != want.kind || e.Text != want.text || span(e) != want.span {
			t.Errorf("a[%d]: %+v", i, e)
		}
	}
	b := n.Get("bé/😀")
	if b == nil || b.Text != "x\ty" || span(b) != `"x\ty"` || !strings.HasPrefix(text[b.NameStart:], `"b\u00e9`) {
		t.Errorf("b: %+v", b)
	}
	if e := n.Get(""); e == nil || e.Kind != content.Object || e.Children != nil || span(e) != "{}" {
		t.Errorf("empty name: %+v", e)
	}
}

// TestJSONManyNames takes the path for large objects, where a duplicate must be found wherever it stands.
func TestJSONManyNames(t *testing.T) {
	for _, count := range []int{15, 16, 17, 18, 500} {
		names := make([]string, count)
		for i := range names {
			names[i] = fmt.Sprintf(`"Name%d":%d`, i, i)
		}
		if _, err := content.ParseJSON([]byte("{"+strings.Join(names, ",")+"}"), content.Limits{}); err != nil {
			t.Errorf("%d names: %v", count, err)
		}
		for _, twin := range []string{`"name0":1`, `"nAME7":1`, fmt.Sprintf(`"Name%d":1`, count-1)} {
			text := "{" + strings.Join(names, ",") + "," + twin + "}"
			_, err := content.ParseJSON([]byte(text), content.Limits{})
			var e *content.Error
			if !errors.As(err, &e) || e.Code != content.Ambiguous || int(e.Offset) != strings.LastIndex(text, twin) {
				t.Errorf("%d names and %s: %v", count, twin, err)
			}
		}
	}
}

// values turns a tree into what a common JSON library makes of the same text.
func values(n *content.Node) any {
	switch n.Kind {
	case content.Bool:
		return n.Text == "true"
	case content.Number:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			panic(err)
		}
		return f
	case content.String, content.File:
		return n.Text
	case content.Array:
		out := make([]any, 0, len(n.Children))
		for i := range n.Children {
			out = append(out, values(&n.Children[i]))
		}
		return out
	case content.Object:
		out := map[string]any{}
		for i := range n.Children {
			out[n.Children[i].Name] = values(&n.Children[i])
		}
		return out
	default:
		return nil
	}
}

// agree fails unless another parser, which is as strict as the RFC, reads the same from an accepted text.
func agree(t *testing.T, data []byte, n *content.Node) {
	var other any
	if err := json.Unmarshal(data, &other); err != nil {
		t.Fatalf("accepted, but refused by another parser: %v\n%.200q", err, data)
	}
	if mine := values(n); !reflect.DeepEqual(mine, other) {
		t.Fatalf("read differently:\n%#v\n%#v\n%.200q", mine, other, data)
	}
}
