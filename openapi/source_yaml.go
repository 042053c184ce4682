package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/sallyport/sallyport/config"
)

// maxNodes bounds the values of a YAML file with its aliases written out, so that a few lines cannot mean billions.
const maxNodes = 5_000_000

// yamlReader turns a YAML tree into plain values by the core schema of YAML 1.2: "no" and "on" are text, 010 is ten.
// Aliases and the merge key are followed.
type yamlReader struct {
	name     string
	anchors  map[string]anchor
	nodes    int
	full     bool // a bound was passed, and reported
	problems config.Problems
}

type anchor struct {
	value any
	size  int
}

func decodeYAML(name string, data []byte) (root any, tree ast.Node, problems config.Problems) {
	r := yamlReader{name: name, anchors: map[string]anchor{}}
	file, err := config.ParseYAML(data)
	if err != nil {
		// The library refuses block scalars with an indentation indicator and no lines. Columns are kept.
		if plain := emptyBlock.ReplaceAll(data, []byte(`$1""`)); !bytes.Equal(plain, data) {
			file, err = config.ParseYAML(plain)
		}
	}
	if err != nil {
		return nil, nil, config.Problems{syntaxProblem(name, err)}
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			r.fail(doc.Body, "spec.syntax", "the file holds more than one YAML document", "keep one; what stands after --- would be ignored by some tools")
			break
		}
		body = doc.Body
	}
	if body == nil {
		return nil, nil, config.Problems{{File: name, Line: 1, Column: 1, Severity: config.Error, Rule: "spec.syntax", Message: "the file is empty"}}
	}
	return r.value(body, 0), body, r.problems
}

var emptyBlock = regexp.MustCompile(`(?m)^([ \t]*[^ \t#'"\n][^#'"\n]*:[ ])\|[1-9][+-]?[ ]*$`)

func syntaxProblem(name string, err error) config.Problem {
	p := config.Problem{File: name, Line: 1, Column: 1, Severity: config.Error, Rule: "spec.syntax"}
	message, _, _ := strings.Cut(err.Error(), "\n")
	var positioned interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &positioned) {
		message = positioned.GetMessage()
		if t := positioned.GetToken(); t != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	p.Message = "not valid YAML: " + message
	return p
}

func (r *yamlReader) fail(n ast.Node, rule, message, hint string) {
	p := config.Problem{File: r.name, Severity: config.Error, Rule: rule, Message: message, Hint: hint}
	p.Line, p.Column = config.Begin(n)
	r.problems = append(r.problems, p)
}

func (r *yamlReader) value(n ast.Node, depth int) any {
	r.nodes++
	if depth > maxDepth || r.nodes > maxNodes {
		if !r.full {
			r.fail(n, "spec.syntax", "the document is too deep or, with its aliases written out, too large", "")
		}
		r.full = true
		return nil
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(n.Values, depth+1)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{n}, depth+1)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, e := range n.Values {
			list[i] = r.value(e, depth+1)
		}
		return list
	case *ast.AnchorNode:
		before := r.nodes
		v := r.value(n.Value, depth+1)
		r.anchors[n.Name.GetToken().Value] = anchor{v, r.nodes - before}
		return v
	case *ast.AliasNode:
		return r.alias(n)
	case *ast.TagNode:
		return r.tagged(n, depth)
	}
	return r.scalar(n)
}

func (r *yamlReader) alias(n *ast.AliasNode) any {
	name := n.Value.GetToken().Value
	a, ok := r.anchors[name]
	if !ok {
		r.fail(n, "spec.syntax", "the alias *"+name+" has no anchor before it", "")
		return nil
	}
	r.nodes += a.size
	return a.value
}

func (r *yamlReader) mapping(pairs []*ast.MappingValueNode, depth int) any {
	m := make(map[string]any, len(pairs))
	var merged []any
	for _, p := range pairs {
		if _, ok := p.Key.(*ast.MergeKeyNode); ok {
			merged = append(merged, r.value(p.Value, depth))
			continue
		}
		key, ok := keyText(p.Key)
		if !ok {
			r.fail(p, "spec.syntax", "only text can be a key", "")
			continue
		}
		if _, twice := m[key]; twice {
			r.fail(p.Key, "spec.duplicate_key", fmt.Sprintf("the key %q is written twice", key), "readers disagree about which one counts; remove one")
		}
		m[key] = r.value(p.Value, depth)
	}
	for _, v := range merged {
		mergeInto(m, v)
	}
	return m
}

// mergeInto adds what the merge key refers to; keys written out win.
func mergeInto(m map[string]any, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if _, ok := m[k]; !ok {
				m[k] = e
			}
		}
	case []any:
		for _, e := range v {
			mergeInto(m, e)
		}
	}
}

// keyText is the key as written: the status 200 and "200" are the same key.
func keyText(key ast.MapKeyNode) (string, bool) {
	var n ast.Node = key
	if explicit, ok := key.(*ast.MappingKeyNode); ok {
		n = explicit.Value
	}
	switch k := n.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.LiteralNode:
		return k.Value.Value, true
	case *ast.MappingNode, *ast.SequenceNode, *ast.MappingValueNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", false
	}
	return n.GetToken().Value, true
}
