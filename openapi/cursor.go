package openapi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// A cursor is a value of the description and where it stands.
type cursor struct {
	place
	v any
}

// get returns a member of an object.
func (c cursor) get(key string) (cursor, bool) {
	m, ok := c.v.(map[string]any)
	if !ok {
		return cursor{}, false
	}
	v, ok := m[key]
	if !ok {
		return cursor{}, false
	}
	return cursor{c.below(key), v}, true
}

func (c cursor) has(key string) bool {
	m, _ := c.v.(map[string]any)
	_, ok := m[key]
	return ok
}

func (p place) below(key string) place { return place{p.src, p.ptr + "/" + escape(key)} }

// members returns the members of an object, sorted by name; nothing for other values.
func (c cursor) members() []cursor {
	m, ok := c.v.(map[string]any)
	if !ok {
		return nil
	}
	list := make([]cursor, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, cursor{c.below(key), m[key]})
	}
	return list
}

// elements returns the elements of an array; nothing for other values.
func (c cursor) elements() []cursor {
	l, ok := c.v.([]any)
	if !ok {
		return nil
	}
	list := make([]cursor, len(l))
	for i, v := range l {
		list[i] = cursor{c.below(strconv.Itoa(i)), v}
	}
	return list
}

// key is the last token of the pointer: the member's name.
func (p place) key() string { return unescape(p.ptr[strings.LastIndexByte(p.ptr, '/')+1:]) }

// A finding is a problem whose line is not known yet.
type finding struct {
	place
	config.Problem
}

// findings gathers problems and positions that are wanted; one scan per file places them all.
type findings struct {
	list   []finding
	wants  []want
	placed config.Problems // with their line already
}

type want struct {
	place
	at *Position
}

func (f *findings) add(p place, s config.Severity, rule, hint, format string, args ...any) {
	f.list = append(f.list, finding{p, config.Problem{Severity: s, Rule: rule, Hint: hint, Message: fmt.Sprintf(format, args...)}})
}

func (f *findings) fail(p place, rule, hint, format string, args ...any) {
	f.add(p, config.Error, rule, hint, format, args...)
}

func (f *findings) warn(p place, rule, hint, format string, args ...any) {
	f.add(p, config.Warning, rule, hint, format, args...)
}

func (f *findings) note(p place, rule, hint, format string, args ...any) {
	f.add(p, config.Note, rule, hint, format, args...)
}

// want asks for the position of p to be written to at.
func (f *findings) want(p place, at *Position) { f.wants = append(f.wants, want{p, at}) }

// settle finds all lines and returns the problems, each once, sorted.
func (f *findings) settle() config.Problems {
	type pending struct {
		ptrs []string
		sets []func(Position)
	}
	bySource := map[*source]*pending{}
	ask := func(p place, set func(Position)) {
		p = p.src.origin(p.ptr)
		q := bySource[p.src]
		if q == nil {
			q = &pending{}
			bySource[p.src] = q
		}
		q.ptrs, q.sets = append(q.ptrs, p.ptr), append(q.sets, set)
	}
	for i := range f.list {
		e := &f.list[i]
		ask(e.place, func(at Position) { e.File, e.Line, e.Column = at.File, at.Line, at.Column })
	}
	for i := range f.wants {
		w := f.wants[i]
		ask(w.place, func(at Position) { *w.at = at })
	}
	for src, q := range bySource {
		for i, at := range src.locate(q.ptrs) {
			q.sets[i](at)
		}
	}
	problems := make(config.Problems, len(f.list))
	for i := range f.list {
		problems[i] = f.list[i].Problem
	}
	return unique(append(problems, f.placed...))
}

// unique sorts problems and drops repetitions: a component is visited by everything that refers to it.
func unique(p config.Problems) config.Problems {
	p.Sort()
	seen := make(map[config.Problem]bool, len(p))
	return slices.DeleteFunc(p, func(e config.Problem) bool {
		twice := seen[e]
		seen[e] = true
		return twice
	})
}
