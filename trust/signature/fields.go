package signature

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What is read of structured fields (RFC 9651): dictionaries of items and inner lists; strings, tokens, integers, booleans and bytes.
// Other kinds, repeated keys, and more than anybody needs are refused.

type member struct {
	key string
	item
	inner bool // an inner list, of these items
	list  []item
}

type item struct {
	value  any // string, token, int64, bool or []byte
	params []param
}

type token string

type param struct {
	key   string
	value any
}

// Bounds of one field: looking for repeated keys takes the square of them.
const (
	maxMembers = 64 // of a dictionary: one for each key of a directory
	maxParams  = 16 // of an item
	maxItems   = 16 // of an inner list
)

var errField = errors.New("is no dictionary")

func parseDictionary(text string) ([]member, error) {
	r := &fieldReader{rest: strings.Trim(text, " ")}
	var list []member
	for r.rest != "" {
		m, ok := r.member()
		if !ok {
			return nil, errField
		}
		if len(list) == maxMembers {
			return nil, fmt.Errorf("has more than %d members", maxMembers)
		}
		for _, before := range list {
			if before.key == m.key {
				return nil, errors.New("has " + m.key + " twice")
			}
		}
		list = append(list, m)
		if r.spaces(" \t"); r.rest == "" {
			break
		}
		if !r.take(',') {
			return nil, errField
		}
		if r.spaces(" \t"); r.rest == "" {
			return nil, errField
		}
	}
	return list, nil
}

type fieldReader struct{ rest string }

func (r *fieldReader) take(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *fieldReader) spaces(set string) { r.rest = strings.TrimLeft(r.rest, set) }

// while takes what fits.
func (r *fieldReader) while(fits func(c byte) bool) string {
	n := 0
	for n < len(r.rest) && fits(r.rest[n]) {
		n++
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *fieldReader) member() (m member, ok bool) {
	if m.key, ok = r.name(); !ok {
		return m, false
	}
	switch {
	case !r.take('='):
		m.value = true
	case r.take('('):
		m.inner = true
		if m.list, ok = r.inner(); !ok {
			return m, false
		}
	default:
		if m.value, ok = r.bare(); !ok {
			return m, false
		}
	}
	m.params, ok = r.parameters()
	return m, ok
}

func (r *fieldReader) inner() (list []item, ok bool) {
	for {
		if r.spaces(" "); r.take(')') {
			return list, true
		}
		if len(list) == maxItems {
			return nil, false
		}
		var i item
		if i.value, ok = r.bare(); !ok {
			return nil, false
		}
		if i.params, ok = r.parameters(); !ok || r.rest == "" || r.rest[0] != ' ' && r.rest[0] != ')' {
			return nil, false
		}
		list = append(list, i)
	}
}

func (r *fieldReader) parameters() (list []param, ok bool) {
	for r.take(';') {
		if len(list) == maxParams {
			return nil, false
		}
		r.spaces(" ")
		p := param{value: true}
		if p.key, ok = r.name(); !ok {
			return nil, false
		}
		if r.take('=') {
			if p.value, ok = r.bare(); !ok {
				return nil, false
			}
		}
		for _, before := range list {
			if before.key == p.key {
				return nil, false
			}
		}
		list = append(list, p)
	}
	return list, true
}

func (r *fieldReader) name() (string, bool) {
	if r.rest == "" || r.rest[0] != '*' && (r.rest[0] < 'a' || r.rest[0] > 'z') {
		return "", false
	}
	return r.while(func(c byte) bool {
		return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("_-.*", c) >= 0
	}), true
}

func (r *fieldReader) bare() (any, bool) {
	if r.rest == "" {
		return nil, false
	}
	switch c := r.rest[0]; {
	case c == '"':
		return r.quoted()
	case c == ':':
		text, rest, ok := strings.Cut(r.rest[1:], ":")
		value, err := base64.StdEncoding.Strict().DecodeString(text)
		r.rest = rest
		return value, ok && err == nil && !strings.ContainsAny(text, "\r\n")
	case c == '?':
		r.rest = r.rest[1:]
		if r.take('1') {
			return true, true
		}
		return false, r.take('0')
	case c == '-' || '0' <= c && c <= '9':
		text := r.while(func(c byte) bool { return c == '-' || '0' <= c && c <= '9' })
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil && len(strings.TrimPrefix(text, "-")) <= 15 && (r.rest == "" || r.rest[0] != '.')
	case c == '*' || 'a' <= c|0x20 && c|0x20 <= 'z':
		return token(r.while(func(c byte) bool {
			return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0
		})), true
	}
	return nil, false
}

func (r *fieldReader) quoted() (any, bool) {
	var b strings.Builder
	for i := 1; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			r.rest = r.rest[i+1:]
			return b.String(), true
		case c == '\\':
			if i++; i == len(r.rest) || r.rest[i] != '"' && r.rest[i] != '\\' {
				return nil, false
			}
			b.WriteByte(r.rest[i])
		case c < ' ' || c > '~':
			return nil, false
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}

// text is the one way to write it (RFC 9651 section 4.1).
func (m member) text() string {
	if !m.inner {
		return m.item.text()
	}
	items := make([]string, len(m.list))
	for i := range m.list {
		items[i] = m.list[i].text()
	}
	return "(" + strings.Join(items, " ") + ")" + parametersText(m.params)
}

func (i item) text() string { return bareText(i.value) + parametersText(i.params) }

func parametersText(list []param) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(";" + p.key)
		if p.value != true {
			b.WriteString("=" + bareText(p.value))
		}
	}
	return b.String()
}

func bareText(v any) string {
	switch v := v.(type) {
	case string:
		return `"` + quoting.Replace(v) + `"`
	case token:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case []byte:
		return ":" + base64.StdEncoding.EncodeToString(v) + ":"
	case bool:
		if v {
			return "?1"
		}
	}
	return "?0"
}

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
