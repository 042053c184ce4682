package rules

import (
	"strings"
	"unsafe"

	"github.com/sallyport/sallyport/inspect/transform"
)

// A making is a text of a field behind a chain of transformations.
type making struct {
	field int
	name  bool
	chain string
}

// Long texts that hold the literals of many tests are asked for behind the same chain again and again: those are made
// once. Of short ones making costs less than keeping.
const (
	longText = 1 << 10
	maxMade  = 8 << 20 // bytes that a message may keep
)

// changed is the text of a match behind a chain. It may lie in the buffer.
func (r *run) changed(c *transform.Chain, m *match) string {
	if len(m.value) < longText || c.Name() == "" || !r.own(m) {
		return c.ApplyIn(&r.buffer, m.value)
	}
	key := making{m.field, m.name, c.Name()}
	if text, known := r.made[key]; known {
		return text
	}
	text := c.ApplyIn(&r.buffer, m.value)
	if !r.buffer.Holds(text) {
		return text // as it was
	}
	if r.kept += len(text); r.kept > maxMade {
		return text
	}
	if r.made == nil {
		r.made = map[making]string{}
	}
	text = strings.Clone(text)
	r.made[key] = text
	return text
}

// own reports whether the value of a match is the text or the key of its field, and not one that was taken from it.
func (r *run) own(m *match) bool {
	if m.field < 0 {
		return false
	}
	text := r.fields[m.field].Text
	if m.name {
		text = r.fields[m.field].Key
	}
	return len(text) == len(m.value) && unsafe.StringData(text) == unsafe.StringData(m.value)
}
