package rules

import (
	"slices"
	"strings"
)

// direct.go is about tests that nothing rules out beforehand: that a method is not one of these, that a length is no number.
// Where they ask for the head of a message they are evaluated with the search for candidates, for each text that is not remembered:
// methods, hosts and what clients accept come again and again.

// judgeable reports whether a link asks only for what a head has one of, by a test that depends on the text alone. The texts of a
// body are many, and shortcuts know nothing of such tests.
func (l *condition) judgeable() bool {
	return l.test != nil && l.test.steps == nil && l.test.op.macro.parts == nil && len(l.targets) > 0 &&
		!slices.ContainsFunc(l.targets, func(t target) bool { return !t.single() })
}

// single reports whether a target is one value of a head, or the fields of one name.
func (t *target) single() bool {
	if t.kind != ofMessage || t.count || t.names || t.pattern != nil || len(t.except) > 0 {
		return false
	}
	return !slices.ContainsFunc(t.parts, func(c Collection) bool {
		return c != RequestHeaders && c != ResponseHeaders && (c < RequestMethod || c == RequestBody || c == ResponseBody)
	})
}

// A namesake is what is done with the texts of a collection that have one name. Those of others are remembered elsewhere.
type namesake struct {
	key    string // lower case; "": any other
	seeker *seeker
	direct []*test
}

// of is what is done with the texts of a name.
func (l *lane) of(key string) *namesake {
	for i := range l.namesakes {
		if n := &l.namesakes[i]; len(n.key) == len(key) && strings.EqualFold(n.key, key) {
			return n
		}
	}
	return &l.others
}

// judge has a test evaluated for the texts of a name, or of all.
func (l *lane) judge(t *test, key string) {
	if key == "" {
		l.others.enter(t)
		for i := range l.namesakes {
			l.namesakes[i].enter(t)
		}
		return
	}
	at := l.of(key)
	if at == &l.others {
		l.namesakes = append(l.namesakes, namesake{key, newSeeker(), slices.Clone(l.others.direct)})
		at = &l.namesakes[len(l.namesakes)-1]
	}
	at.enter(t)
}

func (n *namesake) enter(t *test) {
	if !slices.Contains(n.direct, t) {
		n.direct = append(n.direct, t)
	}
}

// evaluate marks the tests that hold for a text.
func (r *run) evaluate(direct []*test, text string, marks []uint64) {
	for _, t := range direct {
		if r.work(len(text)) && t.op.evaluate(r, t.chain.ApplyIn(&r.buffer, text)) {
			bitset(marks).set(t.number)
		}
	}
}
