package openapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ops makes operations from "GET /path" lines.
func ops(keys ...string) []*Operation {
	var list []*Operation
	for _, k := range keys {
		method, path, _ := strings.Cut(k, " ")
		list = append(list, &Operation{Key: k, Method: method, Path: path})
	}
	return list
}

func segments(path string) []string {
	if path == "/" {
		return nil
	}
	return strings.Split(path[1:], "/")
}

func TestMatch(t *testing.T) {
	m, err := NewMatcher(ops(
		"GET /", "GET /pets", "POST /pets", "GET /pets/", "GET /pets/{id}", "DELETE /pets/{id}", "GET /pets/mine",
		"GET /pets/{id}/toys/{toy}", "GET /pets/mine/toys", "GET /files/{name}.json", "GET /files/{name}",
		"GET /files/index.json", "GET /repos/{owner}/{repo}/compare/{base}...{head}", "GET /a/{x}/c", "GET /a/b/{y}",
		"GET /v{version}/x", "GET /jobs/{id}:cancel", "GET /a%20b/{z}", "GET /deep/{a}/{b}/end", "GET /deep/one/{b}/stop",
	))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		request, key, args, allow string
	}{
		{"GET /", "GET /", "", ""},
		{"GET /pets", "GET /pets", "", ""},
		{"PUT /pets", "", "", "GET HEAD POST"},
		{"GET /pets/", "GET /pets/", "", ""},
		{"GET /pets/7", "GET /pets/{id}", "7", ""},
		{"GET /pets/mine", "GET /pets/mine", "", ""},
		{"DELETE /pets/mine", "", "", "GET HEAD"}, // the path decides first
		{"GET /pets/mine/toys/3", "GET /pets/{id}/toys/{toy}", "mine 3", ""},
		{"GET /pets/mine/toys", "GET /pets/mine/toys", "", ""},
		{"GET /Pets", "", "", ""},
		{"GET /pets/7/toys/", "", "", ""},
		{"GET /files/index.json", "GET /files/index.json", "", ""},
		{"GET /files/a.json", "GET /files/{name}.json", "a", ""},
		{"GET /files/.json", "GET /files/{name}", ".json", ""},
		{"GET /files/a.json.json", "GET /files/{name}.json", "a.json", ""},
		{"GET /repos/o/r/compare/main...dev", "GET /repos/{owner}/{repo}/compare/{base}...{head}", "o r main dev", ""},
		{"GET /repos/o/r/compare/main..dev", "", "", ""},
		{"GET /repos/o/r/compare/...dev", "", "", ""},
		{"GET /a/b/c", "GET /a/b/{y}", "c", ""}, // concrete from the left
		{"GET /a/z/c", "GET /a/{x}/c", "z", ""},
		{"GET /v2/x", "GET /v{version}/x", "2", ""},
		{"GET /jobs/7:cancel", "GET /jobs/{id}:cancel", "7", ""},
		{"GET /a b/q", "GET /a%20b/{z}", "q", ""},
		{"GET /deep/one/2/end", "GET /deep/{a}/{b}/end", "one 2", ""}, // backtracking
		{"HEAD /pets", "GET /pets", "", ""},
		{"OPTIONS /pets", "", "", "GET HEAD POST"},
		{"GET /unknown", "", "", ""},
		{"GET /pets/7/x/y/z", "", "", ""},
	}
	for _, tt := range tests {
		method, path, _ := strings.Cut(tt.request, " ")
		got := m.Match(method, segments(path))
		key := ""
		if got.Operation != nil {
			key = got.Operation.Key
		}
		if key != tt.key || strings.Join(got.Args, " ") != tt.args || strings.Join(got.Allow, " ") != tt.allow {
			t.Errorf("%s: got %q %q %q, want %q %q %q", tt.request, key, got.Args, got.Allow, tt.key, tt.args, tt.allow)
		}
	}
}

// HEAD is GET, unless the path declares HEAD, or GET streams.
func TestMatchHead(t *testing.T) {
	list := ops("GET /a", "GET /b", "HEAD /b", "GET /live", "POST /c")
	list[3].Ext.Streaming = "sse"
	m, err := NewMatcher(list)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/a": "GET /a", "/b": "HEAD /b", "/live": "", "/c": ""} {
		got := m.Match("HEAD", segments(path))
		key := ""
		if got.Operation != nil {
			key = got.Operation.Key
		}
		if key != want {
			t.Errorf("%s: %q, want %q", path, key, want)
		}
	}
	for path, want := range map[string]string{"/a": "GET HEAD", "/b": "GET HEAD", "/live": "GET", "/c": "POST"} {
		if got := strings.Join(m.Match("PUT", segments(path)).Allow, " "); got != want {
			t.Errorf("%s allows %s, want %s", path, got, want)
		}
	}
}

func TestMatcherRefusesEqualTemplates(t *testing.T) {
	for _, pair := range [][2]string{
		{"GET /a/{x}", "GET /a/{y}"},
		{"GET /a/{x}.json", "GET /a/{y}.json"},
		{"GET /a", "GET /a"},
	} {
		if _, err := NewMatcher(ops(pair[0], pair[1])); err == nil {
			t.Errorf("%q: no error", pair)
		}
	}
	if _, err := NewMatcher(ops("GET /a/{x}", "PUT /a/{y}")); err != nil {
		t.Error(err)
	}
}

func TestTemplates(t *testing.T) {
	for _, bad := range []string{"/a?x={y}", "/a#b", "/{a}{b}", "/{}", "/{a", "/a}", "/{a}/{a}", "//a", "/a/../b", "/a/%zz", "/{a{b}}"} {
		if _, err := parseTemplate(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestRelate(t *testing.T) {
	tests := []struct {
		a, b string
		want relation
	}{
		{"/a/{x}", "/a/{y}", identical},
		{"/a/{x}", "/a/b", ordered},
		{"/a/{x}/c", "/a/b/{y}", crossing},
		{"/a/{x}", "/b/{x}", disjoint},
		{"/a/{x}.json", "/a/{y}", ordered},
		{"/a/{x}.json", "/a/{y}.xml", disjoint},
		{"/a/v{x}", "/a/{y}.xml", crossing},
	}
	for _, tt := range tests {
		a, _ := parseTemplate(tt.a)
		b, _ := parseTemplate(tt.b)
		if got := relate(a, b); got != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// The worst document for backtracking: every level has a concrete and a templated branch, and the path ends nowhere.
func TestBacktrackingIsBounded(t *testing.T) {
	var keys []string
	for i := range 1 << 8 {
		path := ""
		for bit := range 8 {
			if i>>bit&1 == 0 {
				path += "/a"
			} else {
				path += fmt.Sprintf("/{p%d}", bit)
			}
		}
		keys = append(keys, "GET "+path+"/end")
	}
	m, err := NewMatcher(ops(keys...))
	if err != nil {
		t.Fatal(err)
	}
	long := slices.Repeat([]string{"a"}, 5000)
	if got := m.Match("GET", long); got.Operation != nil || got.Allow != nil {
		t.Error("matched")
	}
	if got := m.Match("GET", append(slices.Repeat([]string{"a"}, 8), "end")); got.Operation.Key != keys[0] {
		t.Errorf("got %s", got.Operation.Key)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("GET /v1/resource%d/{id}/children/{child}", i))
		}
		m, err := NewMatcher(ops(keys...))
		if err != nil {
			b.Fatal(err)
		}
		path := segments(fmt.Sprintf("/v1/resource%d/8412/children/77", n/2))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if m.Match("GET", path).Operation == nil {
					b.Fatal("no match")
				}
			}
		})
	}
}
