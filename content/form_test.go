package content_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

const formType = "application/x-www-form-urlencoded"

func TestForm(t *testing.T) {
	for raw, want := range map[string]map[string]any{
		"a=1":                   {"a": "1"},
		"a=1&b=2&a=3":           {"a": []any{"1", "3"}, "b": "2"},
		"b=2&a=1&a=&a":          {"a": []any{"1", "", ""}, "b": "2"},
		"a":                     {"a": ""},
		"a=":                    {"a": ""},
		"&a=1&&b=2&":            {"a": "1", "b": "2"},
		"&":                     {},
		"a=b=c":                 {"a": "b=c"},
		"a+b=c+d%2B%26%3d%3B":   {"a b": "c d+&=;"},
		"a=%0d%0Ab%09c":         {"a": "\r\nb\tc"},
		"name=J%C3%BCrgen":      {"name": "Jürgen"},
		"name=Jürgen":           {"name": "Jürgen"},
		"note=two words":        {"note": "two words"},
		"f[x]=1&f[y]=2&g%5b%5d": {"f[x]": "1", "f[y]": "2", "g[]": ""},
		"url=http://x/?q#f":     {"url": "http://x/?q#f"},
	} {
		n, err := content.Parse([]byte(raw), content.Media{Type: formType}, content.Limits{})
		if err != nil || !reflect.DeepEqual(values(n), any(want)) {
			t.Errorf("%q: %v, %v", raw, n, err)
			continue
		}
		for i, last := 0, uint32(0); i < len(n.Children); i++ {
			if n.Children[i].NameStart < last {
				t.Errorf("%q: members are not in the order of the document", raw)
			}
			last = n.Children[i].NameStart
		}
	}
}

func TestFormRefused(t *testing.T) {
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprintf("n%d=1", i)
	}
	for _, c := range []struct {
		raw  string
		code content.Code
	}{
		{"a=1;b=2", content.Ambiguous}, {"a;b=2", content.Ambiguous}, {"=1", content.Ambiguous}, {"=", content.Ambiguous},
		{"role=u&Role=admin", content.Ambiguous}, {"role=u&role[]=admin", content.Ambiguous}, {"role[x]=u&role=admin", content.Ambiguous}, {"Role[]=u&role=admin", content.Ambiguous}, {strings.Join(many, "&") + "&N7=2", content.Ambiguous},
		{"a=%", content.Malformed}, {"a=%4", content.Malformed}, {"a=%zz", content.Malformed}, {"%=1", content.Malformed}, {"a=%u0041", content.Malformed},
		{"a=%ff", content.Ambiguous}, {"a=%c0%af", content.Ambiguous}, {"a=\xff", content.Ambiguous}, {"%ff=1", content.Ambiguous},
		{"a=%00", content.Ambiguous}, {"a%00=1", content.Ambiguous}, {"a%0a=1", content.Ambiguous}, {"a%c2%85=1", content.Ambiguous},
		{"a=1\n", content.Malformed}, {"a=\x00", content.Malformed}, {"a\t=1", content.Malformed}, {"a=\x7f", content.Malformed},
		{strings.Repeat("n", 1025) + "=1", content.TooComplex}, {strings.Repeat("a&", 100_001), content.TooComplex},
	} {
		_, err := content.Parse([]byte(c.raw), content.Media{Type: formType}, content.Limits{})
		var e *content.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%.40q: %v, want code %d", c.raw, err, c.code)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		raw, typ, charset string
		code              content.Code
	}{
		{"grüße\n", "text/plain", "", 0}, {"a\xff", "text/plain", "utf-8", content.Ambiguous}, {"plain", "text/csv", "us-ascii", 0},
		{"ü", "text/csv", "us-ascii", content.Ambiguous}, {`{"a":"ü"}`, "application/json", "us-ascii", content.Ambiguous},
	} {
		n, err := content.Parse([]byte(c.raw), content.Media{Type: c.typ, Charset: c.charset}, content.Limits{})
		var e *content.Error
		if errors.As(err, &e) != (c.code != 0) || e != nil && e.Code != c.code {
			t.Errorf("%q: %v", c.raw, err)
		}
		if err == nil && (n.Kind != content.String || n.Text != c.raw || int(n.End) != len(c.raw)) {
			t.Errorf("%q: %+v", c.raw, n)
		}
	}
	if n, err := content.Parse([]byte{0xff, 0}, content.Media{Type: "image/png"}, content.Limits{}); n != nil || err != nil {
		t.Errorf("octets: %v, %v", n, err)
	}
}
