package openapi

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// origin is where the value at ptr was written: in the source's own file, or in an overlay that added or replaced it.
func (s *source) origin(ptr string) place {
	for at := ptr; len(s.grafts) > 0; {
		if from, ok := s.grafts[at]; ok {
			return place{from.src, from.ptr + ptr[len(at):]}
		}
		cut := strings.LastIndexByte(at, '/')
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	return place{s, ptr}
}

// patched reports whether overlays changed something within the value at ptr.
func (s *source) patched(ptr string) bool {
	for at := range s.grafts {
		if strings.HasPrefix(at, ptr+"/") {
			return true
		}
	}
	return false
}

// own makes the tree a copy that shares nothing: what YAML's aliases stand for is one value in many places.
func (s *source) own() {
	if s.grafts == nil {
		s.root, s.grafts = clone(s.root), map[string]place{}
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, e := range v {
			m[key] = clone(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = clone(e)
		}
		return list
	}
	return v
}

// graft sets the value at ptr, whose parent is there.
func (s *source) graft(ptr string, with cursor) {
	if old, _ := s.lookup(ptr); old != nil {
		s.forget(ptr)
	}
	s.set(ptr, clone(with.v))
	s.grafts[ptr] = with.place
}

func (s *source) set(ptr string, v any) {
	if ptr == "" {
		s.root = v
		return
	}
	above, _ := s.lookup(parent(ptr))
	switch above := above.(type) {
	case map[string]any:
		above[place{ptr: ptr}.key()] = v
	case []any:
		if i, ok := index(place{ptr: ptr}.key()); ok && i < len(above) {
			above[i] = v
		}
	}
}

func parent(ptr string) string { return ptr[:strings.LastIndexByte(ptr, '/')] }

// merge lays an object over the one at ptr, member by member: objects are merged, lists put one behind the other, and
// anything else is replaced.
func (s *source) merge(ptr string, under map[string]any, with cursor) {
	for _, m := range with.members() {
		at := ptr + "/" + escape(m.key())
		old := under[m.key()]
		switch with := m.v.(type) {
		case map[string]any:
			if old, ok := old.(map[string]any); ok {
				s.merge(at, old, m)
				continue
			}
		case []any:
			if old, ok := old.([]any); ok && len(with) > 0 {
				s.append(at, old, m.elements()...)
				continue
			}
		}
		s.graft(at, m)
	}
}

// append adds elements to the list at ptr.
func (s *source) append(ptr string, list []any, more ...cursor) {
	for i, e := range more {
		list = append(list, clone(e.v))
		s.grafts[ptr+"/"+strconv.Itoa(len(list)-1)] = more[i].place
	}
	s.set(ptr, list)
}

// remove takes the value at ptr out of its parent. The root cannot be removed.
func (s *source) remove(ptr string) {
	if ptr == "" {
		return
	}
	above, _ := s.lookup(parent(ptr))
	switch above := above.(type) {
	case map[string]any:
		delete(above, place{ptr: ptr}.key())
		s.forget(ptr)
	case []any:
		if i, ok := index(place{ptr: ptr}.key()); ok && i < len(above) {
			s.close(parent(ptr), i, len(above))
			s.set(parent(ptr), slices.Delete(above, i, i+1))
		}
	}
}

// close lets the places of a list's elements behind the removed one, and of what is in them, move up.
func (s *source) close(list string, removed, n int) {
	item := func(i int) string { return list + "/" + strconv.Itoa(i) }
	kept := make(map[string]place, len(s.grafts))
	for at, from := range s.grafts {
		rest, within := strings.CutPrefix(at, list+"/")
		token, _, _ := strings.Cut(rest, "/")
		switch i, _ := index(token); {
		case !within || i < removed:
			kept[at] = from
		case i > removed:
			kept[item(i-1)+rest[len(token):]] = from
		}
	}
	for i := removed; i < n-1; i++ {
		if _, known := kept[item(i)]; !known {
			kept[item(i)] = s.origin(item(i + 1))
		}
	}
	s.grafts = kept
}

// forget drops what is known of ptr and all below it.
func (s *source) forget(ptr string) {
	maps.DeleteFunc(s.grafts, func(at string, _ place) bool { return at == ptr || strings.HasPrefix(at, ptr+"/") })
}
