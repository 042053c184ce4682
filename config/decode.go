package config

import (
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// MaxFile bounds a config file in bytes.
const MaxFile = 4 << 20

// A Source remembers where in a file each value was written, so that whoever builds from the config can report a
// problem at its place.
type Source struct {
	File string
	Sum  [sha256.Size]byte // of the file's content; zero where there is no file
	at   map[string]position
}

func (s *Source) note(path string, n ast.Node) {
	line, column := Begin(n)
	s.at[path] = position{line, column}
}

type position struct{ line, column int }

// Problem is an error at a path such as "apis[0].upstream"; an unknown path is reported at its nearest known parent.
func (s *Source) Problem(path, rule, message, hint string) Problem {
	p := Problem{File: s.File, Severity: Error, Rule: rule, Message: message, Hint: hint}
	for at := path; ; {
		if pos, known := s.at[at]; known {
			p.Line, p.Column = pos.line, pos.column
			return p
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			p.Line, p.Column = 1, 1
			return p
		}
		at = at[:cut]
	}
}

// DecodeNode decodes a YAML node strictly into a config struct; for extensions that live in other files.
func DecodeNode(file string, n ast.Node, into any) Problems {
	d := decoder{source: &Source{File: file, at: map[string]position{}}}
	d.value(n, reflect.ValueOf(into).Elem(), "")
	return d.problems
}

// DecodeValue decodes a value made of maps, slices and scalars strictly into a config struct. The error joins all
// problems, without positions.
func DecodeValue(v, into any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tree, err := ParseYAML(data)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range DecodeNode("", tree.Docs[0].Body, into) {
		errs = append(errs, errors.New(p.Message))
	}
	return errors.Join(errs...)
}

// decoder walks a YAML tree and a Go value side by side and gathers every problem on the way.
type decoder struct {
	source   *Source
	env      func(string) (string, bool) // nil: ${NAME} is not replaced
	problems Problems
}

func (d *decoder) fail(n ast.Node, rule, message, hint string) {
	p := Problem{File: d.source.File, Severity: Error, Rule: rule, Message: message, Hint: hint}
	p.Line, p.Column = Begin(n)
	d.problems = append(d.problems, p)
}

func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	if _, known := d.source.at[path]; !known {
		d.source.note(path, n)
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.fail(n, "config.unsupported", "anchors, aliases and tags are not part of the config language", "write the value out")
		return
	case *ast.NullNode:
		return // a key without a value is a key that was not set
	}
	if u, ok := v.Addr().Interface().(*Upstream); ok && !isMapping(n) {
		d.upstream(n, u, path)
		return
	}
	if a, ok := v.Addr().Interface().(*Audit); ok && !isMapping(n) {
		d.audit(n, a, path)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := d.scalar(n, path, "text"); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				d.fail(n, "config.value", fmt.Sprintf("%s: %q is %s", path, text, err), "")
			}
		}
		return
	}
	d.kind(n, v, path)
}

func (d *decoder) kind(n ast.Node, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.object(n, v, path)
	case reflect.Map:
		d.dictionary(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.String:
		if text, ok := d.scalar(n, path, "text"); ok {
			v.SetString(text)
		}
	case reflect.Int:
		if i, ok := integer(n); ok {
			v.SetInt(i)
			return
		}
		d.fail(n, "config.type", path+": want a whole number", "")
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
		d.fail(n, "config.type", path+": want true or false", "")
	default:
		panic("config: field of a kind that the decoder does not know: " + v.Type().String())
	}
}

func (d *decoder) upstream(n ast.Node, u *Upstream, path string) {
	if _, ok := n.(*ast.SequenceNode); ok {
		d.value(n, reflect.ValueOf(&u.Targets).Elem(), path)
		return
	}
	if text, ok := d.scalar(n, path, "a URL, a list of URLs or a mapping"); ok {
		u.Targets = []string{text}
	}
}

// pairs returns the entries of a mapping; duplicates are reported.
func (d *decoder) pairs(n ast.Node, path string) []*ast.MappingValueNode {
	var list []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		list = m.Values
	case *ast.MappingValueNode:
		list = []*ast.MappingValueNode{m}
	default:
		d.fail(n, "config.type", strings.TrimPrefix(path+": want a mapping", ": "), "")
	}
	seen := map[string]bool{}
	for _, p := range list {
		key := keyText(p)
		if seen[key] {
			d.fail(p.Key, "config.duplicate", "the key "+key+" is written twice", "")
		}
		seen[key] = true
	}
	return list
}

func (d *decoder) object(n ast.Node, v reflect.Value, path string) {
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		fields[name] = i
		names = append(names, name)
	}
	for _, p := range d.pairs(n, path) {
		key := keyText(p)
		i, ok := fields[key]
		if !ok {
			d.fail(p.Key, "config.unknown_key", fmt.Sprintf("%s is not a key of %s", key, orRoot(path)), near(key, names))
			continue
		}
		at := join(path, key)
		d.source.note(at, p.Key)
		d.value(p.Value, v.Field(i), at)
		if enum := v.Type().Field(i).Tag.Get("enum"); enum != "" {
			d.enum(p.Value, v.Field(i), strings.Split(enum, ","), at)
		}
	}
}

// enum unsets what is none of the known values: nobody should draw conclusions from it.
func (d *decoder) enum(n ast.Node, v reflect.Value, known []string, path string) {
	if got := v.String(); got != "" && !slices.Contains(known, got) {
		d.fail(n, "config.value", fmt.Sprintf("%s: %q is not one of %s", path, got, strings.Join(known, ", ")), "")
		v.SetString("")
	}
}

func (d *decoder) dictionary(n ast.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range d.pairs(n, path) {
		key := keyText(p)
		at := fmt.Sprintf("%s[%q]", path, key)
		d.source.note(at, p.Key)
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(p.Value, elem, at)
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), elem)
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(n, "config.type", path+": want a list", "write it as [ … ]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, e := range seq.Values {
		d.value(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// scalar returns the text of a scalar with ${NAME} replaced.
func (d *decoder) scalar(n ast.Node, path, want string) (string, bool) {
	s, ok := n.(ast.ScalarNode)
	if !ok {
		d.fail(n, "config.type", path+": want "+want, "")
		return "", false
	}
	text := s.GetToken().Value
	switch t := n.(type) {
	case *ast.StringNode:
		text = t.Value
	case *ast.LiteralNode:
		text = t.Value.Value
	}
	if d.env == nil {
		return text, true
	}
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		v, ok := d.env(name)
		if !ok {
			d.fail(n, "config.env", "the environment has no "+name, "set it, or write the value out")
		}
		return v
	}), true
}

var reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

func integer(n ast.Node) (int64, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch v := i.Value.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}

func keyText(p *ast.MappingValueNode) string {
	if s, ok := p.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return p.Key.GetToken().Value
}

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orRoot(path string) string {
	if path == "" {
		return "the config"
	}
	return path
}
