package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/sallyport/sallyport/config"
)

// jsonReader turns JSON into plain values. Positions are not kept: they are found again by a second scan for the few
// places that are reported, which makes documents of many megabytes affordable.
type jsonReader struct {
	name     string
	data     []byte
	dec      *jsontext.Decoder
	intern   map[string]string // specs repeat the same few keys and words without end
	problems config.Problems
}

func decodeJSON(name string, data []byte) (any, config.Problems) {
	r := jsonReader{name: name, data: data, intern: make(map[string]string, 1024)}
	r.dec = newDecoder(data)
	v, err := r.value(0)
	at := skipSpace(data, int(r.dec.InputOffset()))
	if err == nil && at < len(data) {
		err = errors.New("there is more after the document's value")
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at, err = int(syntactic.ByteOffset), syntactic.Err
	}
	if err != nil {
		r.fail(at, "spec.syntax", "not valid JSON: "+err.Error(), "")
	}
	return v, r.problems
}

// newDecoder allows duplicate names, because they are reported with their place, all of them.
func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
}

func (r *jsonReader) fail(offset int, rule, message, hint string) {
	line, column := lineColumn(r.data, offset)
	r.problems = append(r.problems, config.Problem{File: r.name, Line: line, Column: column, Severity: config.Error, Rule: rule, Message: message, Hint: hint})
}

var errTooDeep = fmt.Errorf("arrays and objects are nested deeper than %d", maxDepth)

func (r *jsonReader) value(depth int) (any, error) {
	switch r.dec.PeekKind() {
	case '{':
		return r.object(depth + 1)
	case '[':
		return r.array(depth + 1)
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	switch raw[0] {
	case '"':
		return r.text(raw)
	case 't', 'f':
		return raw[0] == 't', nil
	case 'n':
		return nil, nil
	}
	return json.Number(r.interned(raw)), nil
}

func (r *jsonReader) object(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, err
	}
	m := map[string]any{}
	for r.dec.PeekKind() != '}' {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return nil, err
		}
		start := int(r.dec.InputOffset()) - len(raw)
		key, err := r.text(raw)
		if err != nil {
			return nil, err
		}
		if _, twice := m[key]; twice {
			r.fail(start, "spec.duplicate_key", fmt.Sprintf("the key %q is written twice", key), "readers disagree about which one counts; remove one")
		}
		if m[key], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.ReadToken()
	return m, err
}

func (r *jsonReader) array(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, err
	}
	list := []any{}
	for r.dec.PeekKind() != ']' {
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.dec.ReadToken()
	return list, err
}

func (r *jsonReader) text(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 && len(raw) >= 2 {
		return r.interned(raw[1 : len(raw)-1]), nil
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), err
}

func (r *jsonReader) interned(raw []byte) string {
	if len(raw) > 40 {
		return string(raw)
	}
	s, ok := r.intern[string(raw)]
	if !ok {
		s = string(raw)
		r.intern[s] = s
	}
	return s
}

// lineColumn counts lines and, within the line, characters, from 1.
func lineColumn(data []byte, offset int) (line, column int) {
	offset = min(max(offset, 0), len(data))
	start := bytes.LastIndexByte(data[:offset], '\n') + 1
	return bytes.Count(data[:start], []byte("\n")) + 1, utf8.RuneCount(data[start:offset]) + 1
}
