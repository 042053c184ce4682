package rules

import "sync/atomic"

// locate is where in a value the expression of a test matches first, and its groups. For a text that is remembered, it is
// found once: an automaton tells quickly that there is a match, but not where it begins.
func (r *run) locate(t *test, m *match) []int {
	var known *memory
	if m.told && t.steps == nil {
		known = r.known[slot(m.field, m.name)]
	}
	if known != nil {
		if groups := known.located(t.number); groups != nil {
			return groups
		}
	}
	r.groups = t.op.pattern.Locate(r.groups[:0], m.value)
	if known != nil {
		known.note(t.number, r.groups)
	}
	return r.groups
}

// captureAll puts what groups matched into TX.0 to TX.9, as far as there are any.
func (r *run) captureAll(value string, groups []int) {
	for i := 0; i+1 < len(groups) && i < maxGroups; i += 2 {
		text := ""
		if groups[i] >= 0 {
			text = value[groups[i]:groups[i+1]]
		}
		r.capture(i/2, text)
	}
}

// maxGroups are the indices of a match and eight groups: as many as the reference engine captures.
const maxGroups = 18

// Of one text it is remembered where so many expressions match.
const maxPlaces = 32

// places are where expressions match in a remembered text. A longer list takes the place of a shorter one; of two that come
// at once, one is found again.
type places = atomic.Pointer[[]place]

type place struct {
	test   int
	groups []int
}

// located is where a test matches, or nil.
func (m *memory) located(test int) []int {
	list := m.places.Load()
	if list == nil {
		return nil
	}
	for i := range *list {
		if (*list)[i].test == test {
			return (*list)[i].groups
		}
	}
	return nil
}

func (m *memory) note(test int, groups []int) {
	var list []place
	if old := m.places.Load(); old != nil {
		list = *old
	}
	if len(list) < maxPlaces {
		more := append(list[:len(list):len(list)], place{test, append([]int(nil), groups[:min(len(groups), maxGroups)]...)})
		m.places.Store(&more)
	}
}
