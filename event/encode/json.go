package encode

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// A document is JSON while it is written, member by member: reflection takes five times as long, and every exchange pays for it.
// Names are ours and need no escapes; values may be anybody's.
type document struct{ b []byte }

// name begins a member, of the object that was begun last.
func (d *document) name(name string) {
	d.next()
	d.b = append(d.b, '"')
	d.b = append(d.b, name...)
	d.b = append(d.b, '"', ':')
}

// next separates what comes from what was before it.
func (d *document) next() {
	if last := d.b[len(d.b)-1]; last != '{' && last != '[' {
		d.b = append(d.b, ',')
	}
}

// object begins one as a member; end ends it.
func (d *document) object(name string) {
	d.name(name)
	d.b = append(d.b, '{')
}

func (d *document) end() { d.b = append(d.b, '}') }

// text is a member that is left out where it is empty.
func (d *document) text(name, value string) {
	if value != "" {
		d.always(name, value)
	}
}

func (d *document) always(name, value string) {
	d.name(name)
	d.b = appendText(d.b, value)
}

// number is a member that is left out where it is zero.
func (d *document) number(name string, value int64) {
	if value != 0 {
		d.count(name, value)
	}
}

func (d *document) count(name string, value int64) {
	d.name(name)
	d.b = strconv.AppendInt(d.b, value, 10)
}

// texts is a list that is there though it is empty.
func (d *document) texts(name string, values ...string) {
	d.name(name)
	d.b = append(d.b, '[')
	for _, v := range values {
		d.next()
		d.b = appendText(d.b, v)
	}
	d.b = append(d.b, ']')
}

// value is a member of any form, which is rare enough for reflection.
func (d *document) value(name string, v any) {
	d.name(name)
	d.b = appendJSON(d.b, v)
}

// appendText appends s as encoding/json does without its escapes for HTML: bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && (r != utf8.RuneError || size > 1) && r != '\u2028' && r != '\u2029' {
			i += size
			continue
		}
		b = appendEscape(append(b, s[done:i]...), r)
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	}
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// appendJSON appends v, which is one of our structs.
func appendJSON(b []byte, v any) []byte {
	w := bytes.NewBuffer(b)
	j := json.NewEncoder(w)
	j.SetEscapeHTML(false)
	if err := j.Encode(v); err != nil { // no channel, function or cycle is in them
		panic(err)
	}
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}
