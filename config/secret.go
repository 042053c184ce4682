package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maskBefore begins what is shown in place of a secret; the path of the secret follows, and a bracket.
const maskBefore = "(secret of "

// Mask returns the text of a config with every secret that is written out in it replaced by its place. References
// (${NAME}, file:PATH) stay: they are none. It fails where a secret is written in a form that it cannot replace.
func Mask(data []byte) ([]byte, error) {
	t, err := newText(data)
	if err != nil {
		return nil, err
	}
	var list []splice
	for _, s := range t.secrets() {
		if s.reference() {
			continue
		}
		start, end, ok := t.span(s.node)
		if _, scalar := s.node.(ast.ScalarNode); !ok || !scalar {
			return nil, fmt.Errorf("%s is a secret that is not written in one line", s.path)
		}
		list = append(list, splice{start, end, strconv.Quote(maskBefore + s.path + ")")})
	}
	masked := t.apply(list...)
	if err := hides(masked, len(list)); err != nil {
		return nil, err
	}
	return masked, nil
}

// hides verifies that as many places as were masked are all that a reader finds.
func hides(masked []byte, n int) error {
	t, err := newText(masked)
	if err != nil {
		return errShape
	}
	for _, s := range t.secrets() {
		if s.value() == maskBefore+s.path+")" {
			n--
		} else if !s.reference() {
			return errShape
		}
	}
	if n != 0 {
		return errShape
	}
	return nil
}

// Unmask puts the secrets of current back where masked has their places. A place may move with what is around it, but
// only to where the same kind of secret stands: nobody has one shown by writing its place elsewhere.
func Unmask(masked, current []byte) ([]byte, error) {
	from, err := newText(current)
	if err != nil {
		return nil, fmt.Errorf("the present config cannot be read: %w", err)
	}
	known := map[string]string{}
	for _, s := range from.secrets() {
		if start, end, ok := from.span(s.node); ok {
			known[s.path] = string(current[start:end])
		}
	}
	t, err := newText(masked)
	if err != nil {
		return masked, nil // for whoever checks it to report
	}
	var list []splice
	for _, s := range t.secrets() {
		path, ok := strings.CutPrefix(s.value(), maskBefore)
		if path = strings.TrimSuffix(path, ")"); !ok {
			continue
		}
		start, end, ok := t.span(s.node)
		if known[path] == "" || !ok || kindOf(path) != kindOf(s.path) {
			return nil, fmt.Errorf("%s: the present config has no %s; write the secret, or a reference to it", s.path, path)
		}
		list = append(list, splice{start, end, known[path]})
	}
	return t.apply(list...), nil
}

var index = regexp.MustCompile(`\[[^]]*\]`)

// kindOf is a path without the places in lists and maps.
func kindOf(path string) string { return index.ReplaceAllString(path, "[]") }

// A found secret and where it stands.
type found struct {
	path string
	node ast.Node
}

func (f found) value() string {
	if s, ok := f.node.(*ast.StringNode); ok {
		return s.Value
	}
	return f.node.GetToken().Value
}

var wholeReference = regexp.MustCompile(`^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:.*)?$`)

func (f found) reference() bool { return wholeReference.MatchString(f.value()) || isNull(f.node) }

// secrets are the values of settings with the tag secret, wherever the structs of this package say that they may stand.
func (t *text) secrets() []found {
	var list []found
	hidden(t.root, reflect.TypeFor[Config](), "", false, &list)
	return list
}

func hidden(n ast.Node, typ reflect.Type, path string, secret bool, list *[]found) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch c := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		for _, e := range entries(c) {
			below(e, typ, path, secret, list)
		}
	case *ast.SequenceNode:
		if typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		for i, e := range c.Values {
			hidden(e, typ, fmt.Sprintf("%s[%d]", path, i), secret, list)
		}
	default:
		if secret {
			*list = append(*list, found{path, n})
		}
	}
}

func below(e *ast.MappingValueNode, typ reflect.Type, path string, secret bool, list *[]found) {
	key := keyText(e)
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Tag.Get("yaml") == key {
				hidden(e.Value, f.Type, join(path, key), secret || f.Tag.Get("secret") != "", list)
				return
			}
		}
		hidden(e.Value, typ, join(path, key), true, list) // unknown, such as a secret's key that is misspelled
	case reflect.Map:
		hidden(e.Value, typ.Elem(), fmt.Sprintf("%s[%q]", path, key), secret, list)
	default:
		hidden(e.Value, typ, join(path, key), secret, list)
	}
}
