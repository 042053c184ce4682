package rules

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// capture sets one of TX.0 to TX.9.
func (r *run) capture(i int, text string) {
	if i < 10 {
		r.tx[i], r.set[i], r.origin[i] = text, true, int32(r.current.field)
	}
}

// act does an action.
func (r *run) act(a *action) {
	if k := a.control; k != nil {
		if k.off {
			r.off = true
		} else {
			r.controls = append(r.controls, k)
		}
		return
	}
	origin := int32(r.current.field)
	if a.slot >= 0 {
		r.setSlot(a.slot, a, origin)
		return
	}
	r.assign(r.lower(a.key.expand(r)), a, origin)
}

func (r *run) setSlot(slot int, a *action, origin int32) {
	r.tx[slot], r.set[slot], r.origin[slot] = computed(r.tx[slot], a.value.expand(r)), !a.remove, origin
}

// lower is the text in lower case, valid until the run ends.
func (r *run) lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			from := len(r.arena)
			r.arena = append(r.arena, s...)
			return toLower(r.arena[from:])
		}
	}
	return s
}

// toLower changes b, unless it is more than ASCII.
func toLower(b []byte) string {
	s := unsafe.String(unsafe.SliceData(b), len(b))
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return strings.ToLower(s)
		}
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return s
}

// assign sets a variable whose name the message has completed.
func (r *run) assign(name string, a *action, origin int32) {
	if slot, ok := r.p.names[name]; ok {
		r.setSlot(slot, a, origin)
		return
	}
	if i, ok := r.extraAt[name]; ok {
		r.extra[i].value, r.extra[i].origin = computed(r.extra[i].value, a.value.expand(r)), origin
		return
	}
	if !a.remove && len(r.extra) < maxHits {
		if r.extraAt == nil {
			r.extraAt = map[string]int{}
		}
		r.extraAt[name] = len(r.extra)
		r.extra = append(r.extra, extra{name, computed("", a.value.expand(r)), origin})
	}
}

// each calls do with the values of a target that are no fields.
func (r *run) each(t *target, do func(match)) {
	switch t.kind {
	case ofTX:
		r.eachTX(t, do)
	case ofMatched, ofMatchedName:
		// What is matched while they are judged does not belong to them.
		for _, m := range r.previous(t.one) {
			name := m.variable
			if m.key != "" {
				name += ":" + m.key
			}
			if !t.selects(name) {
				continue
			}
			value := m.value
			if t.kind == ofMatchedName {
				value = name
			}
			do(match{variable: t.variable, key: name, value: value, field: m.field, name: m.name})
		}
	}
}

// previous are the matches of the links before: those of all, or the last.
func (r *run) previous(one bool) []match {
	list := r.matched[:len(r.matched):len(r.matched)]
	if one && len(list) > 0 {
		return list[len(list)-1:]
	}
	return list
}

func (r *run) eachTX(t *target, do func(match)) {
	if slot, ok := r.p.names[t.key]; ok && t.pattern == nil {
		if r.set[slot] {
			do(match{variable: t.variable, key: t.key, value: r.tx[slot], field: int(r.origin[slot])})
		}
		return
	}
	for _, slot := range t.slots {
		if r.set[slot] {
			do(match{variable: t.variable, key: r.p.slots[slot], value: r.tx[slot], field: int(r.origin[slot])})
		}
	}
	for i := range r.extra {
		if x := &r.extra[i]; t.selectsLower(x.name) {
			do(match{variable: t.variable, key: x.name, value: x.value, field: int(x.origin)})
		}
	}
}

// countOf is how many values a target has.
func (r *run) countOf(c *condition, t *target) int {
	n := 0
	if t.kind != ofMessage {
		r.each(t, func(match) { n++ })
		return n
	}
	for _, part := range t.parts {
		for _, i := range r.of(part) {
			if f := &r.fields[i]; t.selects(f.Key) && !r.excepted(c, t, f.Key) {
				n++
			}
		}
	}
	return n
}

// first is the first value of a target, for macros.
func (r *run) first(t *target) string {
	switch {
	case t.kind == ofMatched && t.key == "":
		return r.current.value
	case t.kind == ofMatchedName && t.key == "":
		return string(r.current.appendName(nil))
	case t.kind == ofTX:
		if slot, ok := r.p.names[t.key]; ok {
			return r.tx[slot]
		}
	}
	value := ""
	if t.kind != ofMessage {
		r.each(t, func(m match) {
			if value == "" {
				value = m.value
			}
		})
		return value
	}
	for _, part := range t.parts {
		for _, i := range r.of(part) {
			f := &r.fields[i]
			if !t.selects(f.Key) {
				continue
			}
			if t.names {
				return f.Key
			}
			return f.Text
		}
	}
	return ""
}
