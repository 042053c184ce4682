package rules

import (
	"context"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/transform"
)

// A Shortcut is what is left to be looked for in texts of which something is known beforehand: what a schema confines them
// to, most rules cannot match. It holds for the text, wherever it stands in the collection.
//
// Sound it is by looking at all texts of the language at once, through the same automata by which candidates are found:
// a test is left out only where no text of the language makes it one. Of transformations that may change such a text
// everything is kept. Only candidates are meant: links of chains, counts and conditions that are always evaluated see
// the text as ever.
type Shortcut struct {
	plan   *node // nil: nothing is left
	seeker *seeker
}

// Nothing reports whether nothing is left to be looked for.
func (s *Shortcut) Nothing() bool { return s != nil && s.plan == nil }

// ShortcutOf finds what is left for texts that are one of enum or, where that is nil, match every pattern. It is nil where
// nothing is known.
func (p *Program) ShortcutOf(c Collection, enum, patterns []string) *Shortcut {
	l := &p.lanes.text[c]
	switch {
	case l.tests == nil: // none is direct: see [condition.judgeable]
		return &Shortcut{}
	case enum != nil:
		return p.ofAll(c, enum)
	case patterns == nil:
		return nil
	}
	language, err := pattern.NewLanguage(patterns)
	if err != nil {
		return nil
	}
	sets := p.lanes.explorers.Get().(*[]*pattern.Set)
	defer p.lanes.explorers.Put(sets)
	found := language.Explore([2]*pattern.Scanner{p.lanes.scanner, l.marks}, *sets, (max(len(p.tests), len(l.functions))+63)/64, nil)
	if found == nil {
		return nil
	}
	plan := l.build(l.possible(found))
	plan.reduce(found)
	p.refine(plan, language)
	p.spare(plan, &spared{language: language, bytes: bytesOf(found), instead: map[byte]byte{}})
	plan.bound()
	if plan.empty() {
		plan = nil
	}
	return &Shortcut{plan, newSeeker()}
}

// maxRefined bounds how many expressions are joined to look for them in a language.
const maxRefined = 16

// refine looks for the expressions themselves where the literals of a few may be found.
func (p *Program) refine(n *node, language *pattern.Language) {
	var list []*pattern.Pattern
	var numbers []int
	for i, t := range p.tests {
		if n.tests == nil || !n.tests.has(i) {
			continue
		}
		if t.op.pattern == nil || t.op.pattern.Binary() || t.steps != nil || t.chain.Folds() && !t.op.pattern.Caseless() {
			return
		}
		list, numbers = append(list, t.op.pattern), append(numbers, i)
	}
	if len(list) == 0 || len(list) > maxRefined {
		return
	}
	set := pattern.NewSet(list, numbers, pattern.NewBudget(sharedRefined))
	if x := language.Explore([2]*pattern.Scanner{}, []*pattern.Set{set}, len(n.tests), nil); x != nil {
		n.tests = n.tests.meet(x.Shared)
	}
}

// sharedRefined bounds the states of such an automaton, in bytes.
const sharedRefined = 4 << 20

// spared is what is known of the texts of a language behind some transformations.
type spared struct {
	language *pattern.Language
	bytes    transform.Bytes // that they may have
	instead  map[byte]byte   // what the bytes of the language have become; nil: that is not known
}

func bytesOf(x *pattern.Exploration) (b transform.Bytes) {
	for c, there := range x.Bytes {
		if there {
			one := transform.BytesOf(string([]byte{byte(c)}))
			b = b.Union(&one)
		}
	}
	return b
}

// spare takes out of a node, and of those behind it, what needs other bytes than there can be, or longer texts.
func (p *Program) spare(n *node, texts *spared) {
	any := texts.bytes.AnyCase()
	has := func(c byte) bool { return any.Has(c) }
	keep := func(set bitset, possible func(*operator) bool) bitset {
		out := newBitset(len(p.tests))
		for i, t := range p.tests {
			if set != nil && set.has(i) && possible(t.op) {
				out.set(i)
			}
		}
		return out.meet(out)
	}
	n.tests = keep(n.tests, func(o *operator) bool {
		return slices.ContainsFunc(o.literals, func(s string) bool {
			bytes := transform.BytesOf(s)
			return bytes.Within(&any)
		})
	})
	n.shared = keep(n.shared, func(o *operator) bool { return o.pattern.Possible(has) })
	n.needs = slices.DeleteFunc(slices.Clone(n.needs), func(one need) bool {
		return !one.bytes.Meets(&any) || one.like != nil && texts.never(one.like())
	})
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool {
		p.spare(k, texts.behind(k.function))
		k.bound()
		return k.empty() || !k.function.Adds() && k.least > texts.language.Longest()
	})
}

// behind is what is known of the texts behind one more transformation.
func (s *spared) behind(f *transform.Function) *spared {
	out := &spared{language: s.language, bytes: f.Image(&s.bytes)}
	switch plus, ok := f.Maps(&s.bytes); {
	case s.instead == nil || !ok:
	case plus == nil:
		out.instead = s.instead
	default:
		out.instead = maps.Clone(s.instead)
		maps.Copy(out.instead, plus)
	}
	return out
}

// never reports whether a pattern matches no text, as it has become.
func (s *spared) never(one *pattern.Pattern) bool {
	if s.instead == nil {
		return false
	}
	set := pattern.NewSet([]*pattern.Pattern{one}, []int{0}, pattern.NewBudget(sharedRefined))
	x := s.language.Explore([2]*pattern.Scanner{}, []*pattern.Set{set}, 1, s.instead)
	return x != nil && x.Shared[0] == 0
}

// ofAll judges every text there may be.
func (p *Program) ofAll(c Collection, texts []string) *Shortcut {
	for _, text := range texts {
		r := runs.Get().(*run)
		r.ctx, r.done, r.late = context.Background(), 0, false
		r.begin(p, []Field{{Collection: c, Text: text}}, nil)
		r.states = newStates
		candidate := r.pass(&p.lanes.text[c], &p.lanes.text[c].others, text, true, 0)
		r.end()
		runs.Put(r)
		if candidate {
			return nil
		}
	}
	return &Shortcut{}
}

// possible are the functions that may change a text of what has been explored.
func (l *lane) possible(x *pattern.Exploration) uint64 {
	active := l.fixed
	for i, f := range l.functions {
		if f.Marks() != nil {
			if x.Found[1][i>>6]>>(i&63)&1 != 0 {
				active |= 1 << i
			}
			continue
		}
		for c, there := range x.Bytes {
			if there && f.Moves().Has(byte(c)) {
				active |= 1 << i
			}
		}
	}
	return active
}

// reduce leaves in the root, whose text is the one that has been explored, what may be found in it.
func (n *node) reduce(x *pattern.Exploration) {
	n.tests = n.tests.meet(x.Found[0])
	n.shared = n.shared.meet(x.Shared)
	var needs []need
	for _, one := range n.needs {
		for c, there := range x.Bytes {
			// Letters in either case: see run.need.
			if there && (one.bytes.Has(byte(c)) || isLetter(byte(c)) && one.bytes.Has(byte(c)^0x20)) {
				needs = append(needs, one)
				break
			}
		}
	}
	n.needs = needs
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// empty reports whether nothing is looked for, here and below.
func (n *node) empty() bool {
	for _, k := range n.kids {
		if !k.empty() {
			return false
		}
	}
	return n.tests.size() == 0 && n.shared.size() == 0 && len(n.needs) == 0
}
