package openapi

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

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
