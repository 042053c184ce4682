package rules

import (
	"strings"
	"unsafe"
)

// value transforms a value and applies the operator; with multiMatch after each transformation that changes something.
func (r *run) value(c *condition, m match) {
	if !r.work(len(m.value)) {
		return
	}
	r.current = m
	t := c.test
	if t.steps == nil {
		m.value = r.changed(&t.chain, &m)
		r.judge(c, m)
		return
	}
	r.judge(c, m)
	for i := range t.steps {
		changed := t.steps[i].Apply(m.value)
		if changed == m.value {
			continue
		}
		m.value = changed
		r.judge(c, m)
	}
}

// judge applies the operator. A value may lie in the buffer, and is copied before anything is kept of it.
func (r *run) judge(c *condition, m match) {
	op := c.test.op
	if len(r.matched) >= maxHits {
		return
	}
	decided := m.told && c.test.steps == nil && r.p.lanes.exact.has(c.test.number)
	if r.capturing && op.pattern != nil && !op.negated {
		if !decided && !op.pattern.Match(m.value) {
			return
		}
		m.value = r.stable(m.value)
		r.captureAll(m.value, r.locate(c.test, &m))
		r.holds(c, m)
		return
	}
	if r.capturing {
		m.value = r.stable(m.value)
	}
	if decided && !r.capturing || op.evaluate(r, m.value) {
		m.value = r.stable(m.value)
		r.holds(c, m)
	}
}

// stable is a value that stays, also when the buffer is used again.
func (r *run) stable(value string) string {
	if !r.buffer.Holds(value) {
		return value
	}
	from := len(r.arena)
	r.arena = append(r.arena, value...)
	return unsafe.String(unsafe.SliceData(r.arena[from:]), len(value))
}

// holds notes a match and does the actions of its condition.
func (r *run) holds(c *condition, m match) {
	r.current = m
	r.matched = append(r.matched, m)
	at := &r.matched[len(r.matched)-1]
	for i := range c.actions {
		r.act(&c.actions[i])
	}
	at.fragment = m.value
	if c.log.leadsWithCapture() && r.tx[0] != "" {
		at.fragment = r.tx[0]
	}
	if c.rule.reported() && c.next == nil {
		at.message = c.message.kept(r)
	}
}

// report appends the matches of a rule's last link. A value that is no field itself, as a captured one, is placed where
// it came from.
func (r *run) report(first *condition, last []match) {
	message := ""
	if first.next != nil {
		message = first.message.kept(r)
	}
	for i := range last {
		if len(r.hits) >= maxHits {
			return
		}
		m := &last[i]
		hit := Hit{Rule: first.rule, Message: m.message, Field: m.field, Name: m.name, Variable: m.variable, Fragment: strings.Clone(m.fragment)}
		if message != "" {
			hit.Message = message
		}
		if hit.Field < 0 && !strings.HasPrefix(m.variable, "REQUEST_") {
			r.place(&hit)
		}
		r.hits = append(r.hits, hit)
	}
}

func (r *run) place(hit *Hit) {
	for i := range r.matched {
		if m := &r.matched[i]; m.field >= 0 {
			hit.Field, hit.Name, hit.Variable = m.field, m.name, m.variable
			return
		}
	}
}
