package openapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestYAMLCoreSchema(t *testing.T) {
	s, problems := parseSource("file:///x", "x", []byte(`
country: NO
no: no
on: on
yes: 'yes'
t: true
n: ~
empty:
int: 012
hex: 0x1F
oct: 0o17
neg: -5
plus: +5
under: 1_000
float: 1.50
point: .5
exp: 1e3
date: 2020-01-01
version: 1.2.3
sexagesimal: 12:30
quoted: "12"
200: status
multi: |
  a
  b
tagged: !!str 12
base: &b { x: 1 }
use: *b
merged: { <<: *b, y: 2 }
`))
	if s == nil {
		t.Fatal(problems)
	}
	want := map[string]any{
		"country": "NO", "no": "no", "on": "on", "yes": "yes", "t": true, "n": nil, "empty": nil,
		"int": json.Number("12"), "hex": json.Number("31"), "oct": json.Number("15"), "neg": json.Number("-5"),
		"plus": json.Number("5"), "under": "1_000", "float": json.Number("1.50"), "point": json.Number("0.5"),
		"exp": json.Number("1e3"), "date": "2020-01-01", "version": "1.2.3", "sexagesimal": "12:30", "quoted": "12",
		"200": "status", "multi": "a\nb\n", "tagged": "12",
		"base": map[string]any{"x": json.Number("1")}, "use": map[string]any{"x": json.Number("1")},
		"merged": map[string]any{"x": json.Number("1"), "y": json.Number("2")},
	}
	got := s.root.(map[string]any)
	for k, v := range want {
		if !reflect.DeepEqual(got[k], v) {
			t.Errorf("%s: got %#v, want %#v", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
}

func TestSourceProblems(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"json duplicates", "{\n \"a\": 1,\n \"a\": 2, \"b\": {\"c\":1,\n\"c\":2}}", "3:2 spec.duplicate_key, 4:1 spec.duplicate_key"},
		{"yaml duplicates", "a: 1\nb: { c: 1, c: 2 }\na: 2\n", "2:12 spec.duplicate_key, 3:1 spec.duplicate_key"},
		{"json syntax", "{\"a\": [1,\n 2,,]}", "2:4 spec.syntax"},
		{"json trailing", "{\"a\": 1} {}", "1:10 spec.syntax"},
		{"yaml syntax", "a: [1\nb: 2\n", "2:1 spec.syntax"},
		{"yaml two documents", "a: 1\n---\nb: 2\n", "3:1 spec.syntax"},
		{"yaml empty", "# nothing\n", "1:1 spec.syntax"},
		{"yaml tag", "a: !secret aGk=\n", "1:4 spec.syntax"},
		{"yaml alias", "a: *nobody\n", "1:4 spec.syntax"},
		{"yaml not a number", "a: .inf\n", "1:4 spec.syntax"},
		{"json deep", `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", "1:505 spec.syntax"},
		{"yaml bomb", bomb(), "spec.syntax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := parseSource("file:///x", "x", []byte(tt.data))
			if s != nil {
				t.Fatal("no error")
			}
			var got []string
			for _, p := range unique(problems) {
				got = append(got, strings.TrimPrefix(strings.Fields(p.String())[0], "x:")+" "+p.Rule)
			}
			text := strings.ReplaceAll(strings.Join(got, ", "), ": ", " ")
			if !strings.Contains(text, tt.want) {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

// bomb is the billion laughs.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [")
		for j := range 10 {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString("*a" + string(rune('0'+i-1)))
		}
		b.WriteString("]\n")
	}
	return b.String()
}

func TestLocate(t *testing.T) {
	yaml := "openapi: 3.1.0\npaths:\n  /a/b:\n    get:\n      parameters:\n        - name: x\n        - name: y\n"
	json := "{\n  \"openapi\": \"3.1.0\",\n  \"paths\": {\n    \"/a/b\": {\"get\": {\"parameters\": [\n      {\"name\": \"x\"},\n      {\"name\": \"y\"}]}}}}"
	for name, tt := range map[string]struct {
		data string
		want map[string][2]int
	}{
		"yaml": {yaml, map[string][2]int{
			"": {1, 1}, "/paths": {2, 1}, "/paths/~1a~1b/get": {4, 5}, "/paths/~1a~1b/get/parameters/1": {7, 11},
			"/paths/~1a~1b/get/parameters/1/name": {7, 11}, "/paths/~1a~1b/get/missing/x": {4, 5},
		}},
		"json": {json, map[string][2]int{
			"": {1, 1}, "/paths": {3, 3}, "/paths/~1a~1b/get": {4, 14}, "/paths/~1a~1b/get/parameters/1": {6, 7},
			"/paths/~1a~1b/get/parameters/1/name": {6, 8}, "/paths/~1a~1b/get/missing/x": {4, 14},
		}},
	} {
		s, problems := parseSource("file:///x", "x", []byte(tt.data))
		if s == nil {
			t.Fatal(problems)
		}
		var ptrs []string
		for p := range tt.want {
			ptrs = append(ptrs, p)
		}
		for i, at := range s.locate(ptrs) {
			if got := [2]int{at.Line, at.Column}; got != tt.want[ptrs[i]] {
				t.Errorf("%s %s: got %v, want %v", name, ptrs[i], got, tt.want[ptrs[i]])
			}
		}
	}
}
