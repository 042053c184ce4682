package openapi

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/sallyport/sallyport/config"
)

// MaxFile bounds one file of a description in bytes, and maxFiles how many files one description may draw in.
const (
	MaxFile  = 64 << 20
	maxFiles = 10_000
	maxDepth = 500 // nesting of arrays and objects
)

// A source is one file of a description. It lives only while a document is loaded, except for its bytes.
type source struct {
	uri  string // absolute; relative references are resolved against it
	name string // for messages
	data []byte
	root any // map[string]any, []any, string, json.Number, bool or nil
	yaml bool
	tree ast.Node // YAML only: positions come from here

	grafts map[string]place // what overlays changed: pointer → where it was written
}

// drop forgets everything but the bytes.
func (s *source) drop() { s.root, s.tree = nil, nil }

// nodes is the tree, parsed anew where it was dropped. It is not kept then: a loaded document does not change.
func (s *source) nodes() ast.Node {
	if s.tree != nil {
		return s.tree
	}
	_, tree, _ := decodeYAML(s.name, s.data)
	return tree
}

// A place is a value within a source, by JSON pointer.
type place struct {
	src *source
	ptr string
}

// parseSource decodes data as JSON when it begins like JSON, and as YAML otherwise. The YAML reader understands JSON
// too, but needs many times the time and memory.
func parseSource(uri, name string, data []byte) (*source, config.Problems) {
	s := &source{uri: uri, name: name, data: data}
	if len(data) > MaxFile {
		return nil, config.Problems{{File: name, Line: 1, Column: 1, Severity: config.Error, Rule: "spec.too_large", Message: "the file is larger than 64 MiB"}}
	}
	s.data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var problems config.Problems
	if looksLikeJSON(s.data) {
		s.root, problems = decodeJSON(name, s.data)
	} else {
		s.yaml = true
		s.root, s.tree, problems = decodeYAML(name, s.data)
	}
	if problems.Failed() {
		return nil, problems
	}
	return s, problems
}

func looksLikeJSON(data []byte) bool {
	rest := bytes.TrimLeft(data, " \t\r\n")
	if len(rest) == 0 || rest[0] != '{' {
		return false
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// lookup returns the value at a JSON pointer.
func (s *source) lookup(ptr string) (any, bool) {
	v := s.root
	if ptr == "" {
		return v, true
	}
	if ptr[0] != '/' {
		return nil, false
	}
	for token := range strings.SplitSeq(ptr[1:], "/") {
		switch parent := v.(type) {
		case map[string]any:
			child, ok := parent[unescape(token)]
			if !ok {
				return nil, false
			}
			v = child
		case []any:
			i, ok := index(token)
			if !ok || i >= len(parent) {
				return nil, false
			}
			v = parent[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// index reads an array index as RFC 6901 section 4 wants it: digits, no leading zero.
func index(token string) (int, bool) {
	if token == "" || len(token) > 9 || (token[0] == '0' && len(token) > 1) {
		return 0, false
	}
	n := 0
	for _, c := range []byte(token) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

func escape(token string) string {
	if !strings.ContainsAny(token, "~/") {
		return token
	}
	return escaper.Replace(token)
}

func unescape(token string) string {
	if strings.IndexByte(token, '~') < 0 {
		return token
	}
	return unescaper.Replace(token)
}
