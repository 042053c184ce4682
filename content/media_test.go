package content_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

func TestMedia(t *testing.T) {
	for raw, want := range map[string]content.Media{
		"application/json":                              {Type: "application/json"},
		"Application/JSON":                              {Type: "application/json"},
		"application/json; charset=UTF-8":               {Type: "application/json", Charset: "utf-8"},
		"application/json;charset=UTF8":                 {Type: "application/json", Charset: "utf-8"},
		"application/json\t;charset=\"utf-8\"":          {Type: "application/json", Charset: "utf-8"},
		"application/json;":                             {Type: "application/json"},
		"application/json;;charset=us-ascii ; ":         {Type: "application/json", Charset: "us-ascii"},
		"application/vnd.api+json; ext=bulk":            {Type: "application/vnd.api+json"},
		`multipart/form-data; boundary="a b"`:           {Type: "multipart/form-data", Boundary: "a b"},
		"multipart/form-data; boundary=----WebKitFormX": {Type: "multipart/form-data", Boundary: "----WebKitFormX"},
		`text/plain; x="a\"b;charset=utf-7"`:            {Type: "text/plain"},
		"text/plain; boundary=,":                        {},
	} {
		got, err := content.ParseMedia([]string{raw})
		if want.Type == "" {
			if err == nil {
				t.Errorf("%q: accepted", raw)
			}
		} else if err != nil || got != want {
			t.Errorf("%q: %+v, %v", raw, got, err)
		}
	}
}

func TestMediaRefused(t *testing.T) {
	for _, values := range [][]string{
		nil, {"text/plain", "text/plain"}, {""}, {" text/plain"}, {"text"}, {"text/"}, {"/plain"}, {"text /plain"}, {"text/ plain"}, {"text/plain,application/json"},
		{"text/plain; charset=utf-7"}, {"text/plain; charset=ibm037"}, {"text/plain; charset=utf-16"}, {"text/plain; charset=iso-8859-1"}, {"text/plain; charset="},
		{"text/plain; charset=utf-8; charset=utf-8"}, {"text/plain; charset=utf-8; CHARSET=utf-7"}, {"text/plain; charset*=utf-8''utf-7"}, {"text/plain; charset*0=utf; charset*1=-7"},
		{"text/plain; charset"}, {"text/plain; charset =utf-8"}, {"text/plain; charset= utf-8"}, {"text/plain charset=utf-8"}, {`text/plain; charset="utf-8`}, {`text/plain; charset="utf-8"x`},
		{"text/plain; a=\"\x01\""}, {"text/plain; a=b\r\nX: y"}, {"text/pläin"},
		{"multipart/form-data"}, {"multipart/form-data; boundary="}, {`multipart/form-data; boundary=""`}, {`multipart/form-data; boundary="a "`}, {"multipart/form-data; boundary=a; boundary=b"},
		{"multipart/form-data; boundary=" + strings.Repeat("x", 71)}, {`multipart/form-data; boundary="a\"b"`}, {"multipart/form-data; boundary*=x"}, {"multipart/form-data; boundary=a;boundary*0=b"},
		{"text/plain" + strings.Repeat("; a=b", 2)}, {"text/plain; " + strings.Join(strings.Split("abcdefghijklmnopq", ""), "=1; ") + "=1"},
	} {
		var e *content.Error
		if m, err := content.ParseMedia(values); !errors.As(err, &e) || e.Code != content.UnsupportedMedia || m != (content.Media{}) {
			t.Errorf("%q: %+v, %v", values, m, err)
		}
	}
}

func TestMediaKinds(t *testing.T) {
	for typ, want := range map[string]string{
		"application/json": "json", "text/json": "json", "application/problem+json": "json", "application/xml": "xml", "text/xml": "xml", "image/svg+xml": "xml",
		"application/x-www-form-urlencoded": "form", "multipart/form-data": "multipart", "text/plain": "text", "text/csv": "text",
		"multipart/mixed": "", "application/octet-stream": "", "application/jsonx": "", "application/x-ndjson": "json", "application/geo+json-seq": "json", "application/xjson-seq": "", "": "",
	} {
		m := content.Media{Type: typ}
		got := ""
		for name, is := range map[string]bool{"json": m.JSON(), "xml": m.XML(), "form": m.Form(), "multipart": m.Multipart(), "text": m.Text()} {
			if is {
				got += name
			}
		}
		if got != want {
			t.Errorf("%q is %q, want %q", typ, got, want)
		}
	}
}
