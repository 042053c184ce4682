package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		// The library refuses block scalars with an indentation indicator and no lines. Columns are kept.
		if plain := emptyBlock.ReplaceAll(data, []byte(`$1""`)); !bytes.Equal(plain, data) {
			file, err = parser.ParseBytes(plain, 0, parser.AllowDuplicateMapKey())
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
	p.Line, p.Column = begin(n)
	r.problems = append(r.problems, p)
}

// begin is where a node begins. The token of a block mapping is its first colon, which is not what a reader looks for.
func begin(n ast.Node) (line, column int) {
	for {
		switch m := n.(type) {
		case *ast.MappingValueNode:
			n = m.Key
			continue
		case *ast.MappingNode:
			if !m.IsFlowStyle && len(m.Values) > 0 {
				n = m.Values[0].Key
				continue
			}
		}
		if t := n.GetToken(); t != nil {
			return t.Position.Line, t.Position.Column
		}
		return 1, 1
	}
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

func (r *yamlReader) tagged(n *ast.TagNode, depth int) any {
	switch tag := n.Start.Value; tag {
	case "!!str":
		if s, ok := n.Value.(*ast.StringNode); ok {
			return s.Value
		}
		if s, ok := n.Value.(ast.ScalarNode); ok {
			return s.GetToken().Value
		}
		return r.value(n.Value, depth)
	case "!!binary", "!!timestamp":
		return n.Value.GetToken().Value
	case "!!map", "!!seq", "!!int", "!!float", "!!bool", "!!null":
		return r.value(n.Value, depth)
	default:
		r.fail(n, "spec.syntax", "the tag "+tag+" is not part of JSON's data model", "write the value without a tag")
		return nil
	}
}

func (r *yamlReader) scalar(n ast.Node) any {
	switch s := n.(type) {
	case *ast.LiteralNode:
		return s.Value.Value
	case *ast.StringNode:
		if t := s.Token.Type; t == token.SingleQuoteType || t == token.DoubleQuoteType {
			return s.Value
		}
		return r.plain(n, s.Value)
	case *ast.NullNode:
		return nil
	}
	return r.plain(n, n.GetToken().Value)
}

// The number forms of YAML 1.2.2 section 10.3.2.
var (
	decimal = regexp.MustCompile(`^[-+]?[0-9]+$`)
	radix   = regexp.MustCompile(`^0(o[0-7]+|x[0-9a-fA-F]+)$`)
	float   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

func (r *yamlReader) plain(n ast.Node, text string) any {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "+.inf", "+.Inf", "+.INF":
		r.fail(n, "spec.syntax", text+" is not a number in JSON's data model", "")
		return nil
	}
	if c := text[0]; c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return text
	}
	switch {
	case decimal.MatchString(text), float.MatchString(text):
		return json.Number(jsonNumber(text))
	case radix.MatchString(text):
		if u, err := strconv.ParseUint(text, 0, 64); err == nil {
			return json.Number(strconv.FormatUint(u, 10))
		}
	}
	return text
}

// jsonNumber spells a YAML number as JSON does: no plus sign, no leading zeros, digits on both sides of the point.
func jsonNumber(text string) string {
	sign := ""
	if text[0] == '-' {
		sign = "-"
	}
	text = strings.TrimLeft(text, "+-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	out := sign + orZero(strings.TrimLeft(whole, "0"))
	if fraction != "" {
		out += "." + fraction
	}
	if exponent != "" {
		out += "e" + exponent
	}
	return out
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
