package schema

import (
	"slices"

	"github.com/sallyport/sallyport/content"
)

const kindObject = content.Object

// undeclared lists the members that no schema declares, and those that do not belong in a response.
func (e *evaluation) undeclared() []Member {
	strips := e.strips
	for i := range e.instances {
		in := &e.instances[i]
		if in.claims < 0 || in.node.Kind != content.Object || !e.closed(in) {
			continue
		}
		for at := range in.node.Children {
			if !e.declared(in, in.node.Children[at].Name) {
				strips = append(strips, strip{int32(i), int32(at)})
			}
		}
	}
	e.strips = strips
	if len(strips) == 0 {
		return nil
	}
	slices.SortFunc(strips, func(a, b strip) int {
		if a.instance != b.instance {
			return int(a.instance - b.instance)
		}
		return int(a.at - b.at)
	})
	strips = slices.Compact(strips)
	members := make([]Member, len(strips))
	for i, s := range strips {
		parent := e.instances[s.instance].node
		members[i] = Member{Parent: parent, Node: &parent.Children[s.at], Pointer: e.pointer(s.instance, s.at)}
	}
	return members
}

// closed reports whether an object may have undeclared members; see [Schema.Evaluate].
func (e *evaluation) closed(in *instance) bool {
	var flags claimFlags
	for i := in.claims; i >= 0; i = e.claims[i].prev {
		flags |= e.claims[i].flags
	}
	switch {
	case flags&(claimComplete|claimSilent|claimRefuses) != 0:
		return false
	case flags&claimForbids != 0:
		return true
	}
	return flags&claimNames != 0 && flags&claimOpens == 0
}

func (e *evaluation) declared(in *instance, name string) bool {
	for i := in.claims; i >= 0; i = e.claims[i].prev {
		if o := e.claims[i].object; o != nil && o.declares(name) {
			return true
		}
	}
	return false
}

// marked lists what guards want to know, each value and annotation once.
func (e *evaluation) marked() []Mark {
	if len(e.marks) == 0 {
		return nil
	}
	marks := make([]Mark, 0, len(e.marks))
	for i := range e.marks {
		m := &e.marks[i]
		if e.repeated(i) {
			continue
		}
		var parent *content.Node
		if m.up >= 0 {
			parent = e.instances[m.up].node
		}
		marks = append(marks, Mark{Parent: parent, Node: m.node, Pointer: e.pointer(m.up, m.at), Property: m.note})
	}
	return marks
}

// repeatWindow bounds the search for a mark that was made before: the same value is visited again soon or not at all.
const repeatWindow = 16

func (e *evaluation) repeated(i int) bool {
	for j := max(0, i-repeatWindow); j < i; j++ {
		if e.marks[j] == e.marks[i] {
			return true
		}
	}
	return false
}
