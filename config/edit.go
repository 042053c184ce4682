package config

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A Switch says which mode a guard, or a family of guards, is to have.
type Switch struct {
	API       string
	Operation string // "METHOD /path"; "" for the whole API
	Guard     string // of [Guards]
	Mode      Mode
}

// SetMode returns the text of a config with one mode changed, and with nothing else changed, which is verified.
func SetMode(data []byte, s Switch) ([]byte, error) {
	var known bool
	for _, g := range Guards {
		known = known || g == s.Guard
	}
	if err := s.Mode.UnmarshalText([]byte(s.Mode)); err != nil || !known {
		return nil, fmt.Errorf("%s: %s is no mode of a guard", s.Guard, s.Mode)
	}
	t, err := newText(data)
	if err != nil {
		return nil, err
	}
	api := t.api(s.API)
	if api == nil {
		return nil, fmt.Errorf("the config has no API %s", s.API)
	}
	keys := []string{"modes", s.Guard}
	if s.Operation != "" {
		keys = append([]string{"operations", s.Operation}, keys...)
	}
	change, ok := t.set(api, keys, string(s.Mode))
	if !ok {
		return nil, errShape
	}
	edited := t.apply(change)
	if !s.only(data, edited) {
		return nil, errShape
	}
	return edited, nil
}

// api is the mapping of an API.
func (t *text) api(name string) ast.Node {
	list := entry(t.root, "apis")
	if list == nil {
		return nil
	}
	seq, _ := list.Value.(*ast.SequenceNode)
	if seq == nil {
		return nil
	}
	for _, n := range seq.Values {
		if e := entry(n, "name"); e != nil && e.Value.GetToken().Value == name {
			return n
		}
	}
	return nil
}

// set finds the place for a value below a mapping: what is there is replaced, what is missing is inserted.
func (t *text) set(m ast.Node, keys []string, value string) (splice, bool) {
	e := entry(m, keys[0])
	switch {
	case e == nil:
		return t.insert(m, written(keys, value))
	case isNull(e.Value):
		if len(keys) > 1 {
			value = "{ " + written(keys[1:], value) + " }"
		}
		return t.fill(e, value)
	case len(keys) == 1:
		start, end, ok := t.span(e.Value)
		return splice{start, end, value}, ok
	case !isMapping(e.Value):
		return splice{}, false
	}
	return t.set(e.Value, keys[1:], value)
}

func isNull(n ast.Node) bool {
	_, null := n.(*ast.NullNode)
	return null
}

// fill gives a key without a value one.
func (t *text) fill(e *ast.MappingValueNode, value string) (splice, bool) {
	at, ok := t.offset(e.Start)
	if !ok || at >= len(t.data) || t.data[at] != ':' {
		return splice{}, false
	}
	end := at + 1
	if start, stop, written := t.span(e.Value); written && start > at {
		end = stop // null or ~
	}
	return splice{at + 1, end, " " + value}, true
}

// insert adds an entry to a mapping: in brackets as the first, else in a line of its own, below the first entry where that
// has one line, or above it.
func (t *text) insert(m ast.Node, text string) (splice, bool) {
	if flow, ok := m.(*ast.MappingNode); ok && flow.IsFlowStyle {
		at, ok := t.offset(flow.Start)
		if text = " " + text + " "; len(flow.Values) > 0 {
			text = strings.TrimSuffix(text, " ") + ","
		}
		return splice{at + 1, at + 1, text}, ok
	}
	first := entries(m)[0]
	key := first.Key.GetToken()
	indent := strings.Repeat(" ", key.Position.Column-1)
	if _, end, ok := t.span(first.Value); ok && !isMapping(first.Value) && first.Value.GetToken().Position.Line == key.Position.Line {
		if line := bytes.IndexByte(t.data[end:], '\n'); line >= 0 {
			at, eol := end+line, "\n"
			if t.data[at-1] == '\r' {
				at, eol = at-1, "\r\n"
			}
			return splice{at, at, eol + indent + text}, true
		}
		return splice{len(t.data), len(t.data), "\n" + indent + text + "\n"}, true
	}
	at, ok := t.offset(key)
	return splice{at, at, text + "\n" + indent}, ok
}

var plainKey = regexp.MustCompile(`^[a-z][a-z0-9._]*$`)

// written is a value below keys, in brackets but for the first.
func written(keys []string, value string) string {
	for i := len(keys) - 1; i >= 0; i-- {
		key := keys[i]
		if !plainKey.MatchString(key) {
			key = strconv.Quote(key)
		}
		if value = key + ": " + value; i > 0 {
			value = "{ " + value + " }"
		}
	}
	return value
}

// only reports whether edited means what data means, but for the switch.
func (s Switch) only(data, edited []byte) bool {
	want, _, _ := draft("", data)
	got, _, _ := draft("", edited)
	if want == nil || got == nil {
		return false
	}
	for i := range want.APIs {
		if a := &want.APIs[i]; a.Name == s.API {
			s.in(a)
		}
	}
	return reflect.DeepEqual(want, got)
}

// in makes the switch in a decoded config.
func (s Switch) in(a *API) {
	if s.Operation == "" {
		a.Modes = with(a.Modes, s.Guard, s.Mode)
		return
	}
	op := a.Operations[s.Operation]
	op.Modes = with(op.Modes, s.Guard, s.Mode)
	a.Operations = with(a.Operations, s.Operation, op)
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}
