package content_test

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		raw, path string
		segments  []string
		query     []content.Pair
		rawQuery  string
	}{
		{"/", "/", nil, nil, ""},
		{"*", "*", nil, nil, ""},
		{"/?", "/", nil, nil, ""},
		{"/a", "/a", []string{"a"}, nil, ""},
		{"/a/", "/a/", []string{"a", ""}, nil, ""},
		{"/a/b.c", "/a/b.c", []string{"a", "b.c"}, nil, ""},
		{"/%61dmin", "/admin", []string{"admin"}, nil, ""},
		{"/J%c3%bcrgen", "/J%C3%BCrgen", []string{"Jürgen"}, nil, ""},
		{"/a%20b/{c}|", "/a%20b/%7Bc%7D%7C", []string{"a b", "{c}|"}, nil, ""},
		{"/a%2Bb+c", "/a+b+c", []string{"a+b+c"}, nil, ""},
		{"/v1/items:batch@2,3;"[:19], "/v1/items:batch@2,3", []string{"v1", "items:batch@2,3"}, nil, ""},
		{"/compare/main...dev", "/compare/main...dev", []string{"compare", "main...dev"}, nil, ""},
		{"/.well-known/x", "/.well-known/x", []string{".well-known", "x"}, nil, ""},
		{"/a?b=c", "/a", []string{"a"}, []content.Pair{{"b", "c"}}, "b=c"},
		{"/a?b=c?d/e", "/a", []string{"a"}, []content.Pair{{"b", "c?d/e"}}, "b=c?d/e"},
		{"/a?b=c=d&b", "/a", []string{"a"}, []content.Pair{{"b", "c=d"}, {"b", ""}}, "b=c=d&b="},
		{"/a?&b=1&&c=2&", "/a", []string{"a"}, []content.Pair{{"b", "1"}, {"c", "2"}}, "b=1&c=2"},
		{"/a?q=x+y%2bz%26", "/a", []string{"a"}, []content.Pair{{"q", "x y+z&"}}, "q=x%20y%2Bz%26"},
		{"/a?f[x]=%5b%3B%25", "/a", []string{"a"}, []content.Pair{{"f[x]", "[;%"}}, "f%5Bx%5D=%5B%3B%25"},
		{"/a?p=..%2F..%2Fetc", "/a", []string{"a"}, []content.Pair{{"p", "../../etc"}}, "p=../../etc"},
		{"/a?k=a%3Db&%3d=1", "/a", []string{"a"}, []content.Pair{{"k", "a=b"}, {"=", "1"}}, "k=a=b&%3D=1"},
	} {
		got, err := content.ParseTarget(c.raw)
		if want := (content.Target{Path: c.path, Segments: c.segments, Query: c.query, RawQuery: c.rawQuery}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", c.raw, got, err)
			continue
		}
		idempotent(t, got)
	}
}

// idempotent fails unless what is forwarded is read as what was judged, here and by a generic URL parser.
func idempotent(t *testing.T, first content.Target) {
	t.Helper()
	raw := first.Path
	if first.RawQuery != "" {
		raw += "?" + first.RawQuery
	}
	second, err := content.ParseTarget(raw)
	if err != nil || second.Path != first.Path || second.RawQuery != first.RawQuery ||
		strings.Join(second.Segments, "\x00") != strings.Join(first.Segments, "\x00") ||
		fmt.Sprint(second.Query) != fmt.Sprint(first.Query) {
		t.Fatalf("%q: read again as %+v, %v", raw, second, err)
	}
	if raw == "*" {
		return
	}
	u, err := url.ParseRequestURI(raw)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if decoded := "/" + strings.Join(first.Segments, "/"); u.Path != decoded || u.Host != "" {
		t.Fatalf("%q: path %q, another parser reads %q", raw, decoded, u.Path)
	}
	query := url.Values{}
	for _, p := range first.Query {
		query.Add(p.Name, p.Value)
	}
	if other := u.Query(); len(query) != len(other) || len(query) > 0 && !reflect.DeepEqual(query, other) {
		t.Fatalf("%q: query %q, another parser reads %q", raw, query, other)
	}
}

func TestTargetRefused(t *testing.T) {
	for _, raw := range []string{
		"", "a", "a/b", "?a=b", "http:http://internal/admin", "http://host/", "host:443", "//admin", "///admin", `/\admin`, "/a//b", "/a//",
		"/admin#/health", "/admin%23/health", "/#", "/a?b#c", "/a;b", "/a;jsessionid=1/b", "/..;/admin", "/%3badmin", "/%3Badmin",
		"/x%3F/../etc/passwd", "/x%3fy", "/a%2Fb", "/a%2fb", "/a%5Cb", "/a%5cb", "/a%00", "/%00", "/a%25b", "/a%252fb", "/%252e%252e/",
		"/a%0ab", "/a%0d%0ab", "/a%09", "/a%1f", "/a%7f", "/a%c2%85", "/a b", "/a\tb", "/a\x00", "/a\x7f", "/ä", "/\xff",
		"/%", "/%2", "/%zz", "/%g0", "/a%u002f", "/%c0%af", "/%c0%ae%c0%ae/", "/%e0%80%af", "/%ed%a0%80", "/%ff", "/%f8%80%80%80%af",
		"/u%c5%bfer", "/%e2%84%aaey", "/a%ef%bc%8fb", "/%e2%80%a5/", "/a%ef%bc%85",
		"/a?id=1&id=%zz", "/a?%", "/a?b=%2", "/a?a;role=admin", "/a?a=1;b=2", "/a?=1", "/a?=", "/a?a=%00", "/a?a=%0d%0aSet-Cookie:x", "/a?a=x%0a", "/a?a=x%0dy",
		"/a?a%00=1", "/a?a%0a=1", "/a?a%1f=1", "/a?a=%ff", "/a?%c0%af=1", "/a?a=ä", "/a?a=b c", "/a?a=\x01",
		"/a?" + strings.Repeat("a&", 1000), "/" + strings.Repeat("a", 16<<10),
	} {
		got, err := content.ParseTarget(raw)
		var e *content.Error
		if !errors.As(err, &e) || !reflect.DeepEqual(got, content.Target{}) {
			t.Errorf("%.60q: %+v, %v", raw, got, err)
		}
	}
}

// TestTargetMatrix: a caller that vouches for it gets raw semicolons counted, and nothing else is laxer.
func TestTargetMatrix(t *testing.T) {
	for raw, want := range map[string]content.Target{
		"/a/;id=5":          {Path: "/a/;id=5", Segments: []string{"a", ";id=5"}, Semicolons: 1},
		"/a/;r=1;g=%c3%bc/": {Path: "/a/;r=1;g=%C3%BC/", Segments: []string{"a", ";r=1;g=ü", ""}, Semicolons: 2},
		"/a;v=..":           {Path: "/a;v=..", Segments: []string{"a;v=.."}, Semicolons: 1},
		"/a?b=%3B":          {Path: "/a", Segments: []string{"a"}, Query: []content.Pair{{Name: "b", Value: ";"}}, RawQuery: "b=%3B"},
	} {
		if got, _, err := content.ParseTargetMatrix(raw); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"/..;/admin", "/a/..;x=1/admin", "/a/%2e%2e;x/admin", "/.;x", "/..%20;x", "/a/;x%3By", "/a%3bx=1", "/a;b?c;d", "/a;b#c", "/a;%2fb", `/a;\b`} {
		if got, _, err := content.ParseTargetMatrix(raw); err == nil {
			t.Errorf("%q: %+v", raw, got)
		}
	}
}

// TestTraversal spells /public/../admin in some hundred ways. None may pass, and none may reach the segment "admin"
// except plainly.
func TestTraversal(t *testing.T) {
	dots := []string{
		"..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%25%32%65%25%32%65", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae",
		"..%00", "..%20", "%2e%2e%20", "...", "....", ". .", "..;", "..;x=y", "%2e%2e;", "..%3b", "%u002e%u002e", "%uff0e%uff0e", "..%09",
		"%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "%e2%80%a4%e2%80%a4", "..%0d%0a", "%2e%2e%23", "%2e%2e%3f", ".", "%2e", "..%c2%85",
	}
	slashes := []string{
		"/", "%2f", "%2F", "%5c", "%5C", `\`, "%252f", "%255c", "%c0%af", "%c1%9c", "%e0%80%af", "//", "/%2f", "%ef%bc%8f", "%e2%88%95",
		"/./", "/%2e/", "%u2215", "%00/", "/;/",
	}
	tried := 0
	for _, d := range dots {
		for _, s := range slashes {
			for _, raw := range []string{"/public" + s + d + s + "admin", "/public/" + d + s + "admin", "/public" + s + d + "/admin", "/" + d + s + "admin"} {
				tried++
				if got, err := content.ParseTarget(raw); err == nil {
					t.Errorf("%q passes as %q", raw, got.Segments)
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("%d spellings only", tried)
	}
}

func TestTargetHost(t *testing.T) {
	for _, c := range []struct{ raw, host, path string }{
		{"/a?b=c", "", "/a"}, {"*", "", "*"},
		{"http://Example.com", "example.com", "/"}, {"HTTPS://example.com:8443/a", "example.com:8443", "/a"},
		{"http://[::1]:80/a", "[::1]:80", "/a"}, {"http://[2001:db8::1]/", "[2001:db8::1]", "/"}, {"http://127.0.0.1?x=y", "127.0.0.1", "/"},
	} {
		got, host, err := content.ParseTargetHost(c.raw)
		if err != nil || host != c.host || got.Path != c.path {
			t.Errorf("%q: %q, %q, %v", c.raw, host, got.Path, err)
		}
	}
	for _, raw := range []string{
		"", "foo", "example.com:443", "http:/a", "http:a", "http:///a", "http://", "ftp://a/", "file:///etc/passwd", "http://u@h/", "http://u:p@h/",
		"http://h#/", "http://h/#", "http://h:/", "http://h:0/", "http://h:65536/", "http://h:+80/", "http://h:a/", "http://[::1/", "http://[fe80::1%25eth0]/",
		"http://[127.0.0.1]/", "http://h%2f/", "http://h\\a/", "http://h a/", "http://ä/", "http:http://internal/admin", "http://h//a", "http://h/../a",
		"http://" + strings.Repeat("h", 16<<10),
	} {
		if got, host, err := content.ParseTargetHost(raw); err == nil {
			t.Errorf("%.60q: %q %q", raw, host, got.Path)
		}
	}
}

func TestTargetWithout(t *testing.T) {
	for raw, want := range map[string]string{
		"/a?b=1&c=2&b=3": "c=2", "/a?b=1": "", "/a?c=+&b=1&&d": "c=%20&d=", "/a": "", "/a?c=%3D": "c==",
	} {
		parsed, err := content.ParseTarget(raw)
		if err != nil {
			t.Fatal(err)
		}
		got := parsed.Without(func(name string) bool { return name == "b" })
		if got.RawQuery != want {
			t.Errorf("%q: %q", raw, got.RawQuery)
		}
		idempotent(t, got)
	}
}

func TestTargetAllocations(t *testing.T) {
	for raw, most := range map[string]float64{"/": 0, "/v1/items/42": 1, "/v1/items?limit=10&after=abc": 2, "/J%C3%BCrgen": 3} {
		if got := testing.AllocsPerRun(100, func() { _, _ = content.ParseTarget(raw) }); got > most {
			t.Errorf("%q: %v allocations, want at most %v", raw, got, most)
		}
	}
}
