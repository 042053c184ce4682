package rules

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/seclang"
	"github.com/sallyport/sallyport/inspect/transform"
)

// Options say what a program is compiled with.
type Options struct {
	Data   fs.FS           // holds the files that operators name
	Budget *pattern.Budget // bounds the memory of the automata
	Shared *pattern.Budget // bounds the memory of those that tests share; nil: Budget does
	// Proven tells files in which no mistake is looked for in rules that configuration switches off; nil: there are none.
	Proven func(file string) bool
}

// A Program is compiled rules. It is immutable and safe for concurrent use.
type Program struct {
	rules  []*Rule         // that can be reported, by ascending id
	phases [6][]*condition // conditions by phase, in order
	tests  []*test         // distinct pairs of transformation and operator
	lanes  lanes           // what is looked for, by collection
	names  map[string]int  // slots of TX by name
	slots  []string        // and the names by slot
	start  []string        // what TX holds at the beginning, by slot
	known  []bool          // which slots of start are set
	folded int             // rules that configuration has decided

	automata int // of regular expressions
	idle     []seclang.Directive
	reads    [6][collections]bool // by phase: what its conditions ask for
}

// Rules lists the rules that can be reported, by ascending id.
func (p *Program) Rules() []*Rule { return p.rules }

// Idle lists the changes and removals that have found no rule among those that stand before them.
func (p *Program) Idle() []seclang.Directive { return p.idle }

// A test is an operator on values that were transformed in one way. First links of chains share tests.
type test struct {
	number int
	chain  transform.Chain
	steps  []transform.Chain // multiMatch: the value after each transformation
	op     *operator
	told   bool // the beginnings of its matches tell where it may hold …
	shared bool // … and its literals do not
}

// selective reports whether values can be told beforehand for which the test does not hold.
func (t *test) selective() bool { return t.shared || t.op.selective() }

// exact reports whether it can be told of a text for itself that the test holds, whatever transformations have done to the case
// of letters.
func (t *test) exact() bool {
	return !t.op.negated && !t.op.ofMacro && (t.op.caseless || !t.chain.Folds())
}

// A condition is a rule, or a link of a chain.
type condition struct {
	rule     *Rule // of the chain's first
	number   int   // in program order; first links only
	targets  []target
	test     *test // nil: SecAction
	captures bool
	message  macro
	log      macro
	actions  []action
	skip     string // skipAfter
	skipN    int    // skip: how many rules and markers of the phase
	resume   int    // index in the phase behind those
	allow    bool   // the rest of the phase …
	allowAll bool   // … and of the message
	next     *condition
	always   bool  // evaluated for every message: nothing tells beforehand that it cannot hold …
	gate     *test // … but that this, of a later link, holds nowhere; nil: nothing
	laned    bool  // candidates of its test are known
	once     bool  // one value for which it holds is as good as many
	marker   string
}

// compiler holds what is shared while a program is built.
type compiler struct {
	options  Options
	program  *Program
	patterns map[string]*pattern.Pattern
	tests    map[string]*test
	fold     folder
	all      []*seclang.Rule // those that were kept, for controls that name rules by tag
}

func newCompiler(o Options) *compiler {
	return &compiler{options: o, program: &Program{names: map[string]int{}}, patterns: map[string]*pattern.Pattern{}, tests: map[string]*test{},
		fold: folder{known: map[string]string{}, varying: map[string]bool{}}}
}

// Compile links, folds and compiles directives. Everything that the program cannot do as written is an error with the
// place; the error is a *[seclang.Error].
func Compile(list []seclang.Directive, o Options) (*Program, error) {
	c := newCompiler(o)
	for i := range 10 {
		c.slot(string(rune('0' + i))) // captures
		c.fold.varying[string(rune('0'+i))] = true
	}
	linked, idle, mistakes := link(list)
	c.program.idle = idle
	for phase := requestHead; phase <= logging; phase++ {
		mistakes = append(mistakes, c.phase(phase, linked)...)
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	for name, value := range c.fold.known {
		c.program.start[c.slot(name)], c.program.known[c.slot(name)] = value, true
	}
	if err := c.controls(); err != nil {
		return nil, err
	}
	c.program.noteReads()

	c.program.selectSlots()
	c.program.spareVariables()
	for _, list := range c.program.phases {
		for _, first := range list {
			first.foresee()
		}
	}
	c.program.layOut(cmp.Or(o.Shared, o.Budget))
	c.program.automata = len(c.patterns)
	slices.SortFunc(c.program.rules, func(a, b *Rule) int { return a.ID - b.ID })
	c.program.rules = slices.CompactFunc(c.program.rules, func(a, b *Rule) bool { return a.ID == b.ID })
	return c.program, nil
}

// phase compiles the rules of a phase, those left out that folding has decided.
func (c *compiler) phase(phase int, linked []seclang.Directive) (mistakes []error) {
	skipping := ""
	list := &c.program.phases[phase]
	for _, d := range linked {
		switch d := d.(type) {
		case *seclang.Marker:
			c.resume(len(*list))
			if d.Name == skipping {
				skipping = ""
			}
			c.fold.reach(d.Name)
			*list = append(*list, &condition{marker: d.Name})
		case *seclang.Rule:
			if p, err := phaseOf(d.Actions, d.Pos); err != nil || p != phase {
				continue // a phase that is none has been reported by link
			}
			c.resume(len(*list))
			goal, kept := skipping, false
			if skipping == "" {
				var err error
				if goal, kept, err = c.rule(d, phase); err != nil {
					mistakes = append(mistakes, err)
					continue
				}
			}
			if skipping = goal; kept {
				continue
			}
			c.program.folded++
			if err := c.verify(d, phase); err != nil {
				mistakes = append(mistakes, err)
			}
		}
	}
	for len(c.fold.skips) > 0 {
		c.resume(len(*list))
	}
	c.fold.reach("")
	return mistakes
}

// resume counts the rules and markers that open skips pass over; at is the index of the next one in its phase.
func (c *compiler) resume(at int) {
	c.fold.skips = slices.DeleteFunc(c.fold.skips, func(s *openSkip) bool {
		s.left--
		s.from.resume = at
		return s.left < 0
	})
}

// foresee finds out what can be told of a rule before it is evaluated. A first link that cannot be ruled out, or holds for
// most messages, may be spared by a later one, where nothing is done before that.
func (first *condition) foresee() {
	first.laned = first.tellable() || first.judgeable()
	first.always = !first.laned
	first.once = first.next == nil && first.test != nil && first.idle() && !first.rule.reported()
	if first.tellable() {
		return
	}
	for l := first; l.idle() && l.next != nil; {
		if l = l.next; l.tellable() || l.judgeable() {
			l.laned, first.gate = true, l.test
			return
		}
	}
}

// tellable reports whether the values of which a link may hold can be found beforehand.
func (l *condition) tellable() bool {
	return l.test != nil && l.test.selective() && !slices.ContainsFunc(l.targets, func(t target) bool { return t.count || t.kind != ofMessage })
}

// barren reports whether a chain does nothing, whatever it finds.
func (first *condition) barren() bool {
	for l := first; l != nil; l = l.next {
		if !l.idle() {
			return false
		}
	}
	return !first.rule.reported() && first.skip == "" && first.skipN == 0 && !first.allow
}

// idle reports whether a link does nothing where it holds. An expression that does not match captures nothing.
func (l *condition) idle() bool {
	return len(l.actions) == 0 && (!l.captures || l.test != nil && (!l.test.op.captures || l.test.op.pattern != nil && l.test.op.negated))
}

// selectSlots finds the variables that a selector of TX takes, now that all are known.
func (p *Program) selectSlots() {
	p.eachLink(func(l *condition) {
		for i := range l.targets {
			t := &l.targets[i]
			for slot, name := range p.slots {
				if t.kind == ofTX && t.pattern != nil && t.selects(name) {
					t.slots = append(t.slots, slot)
				}
			}
		}
	})
}

// slot is the place of a TX variable.
func (c *compiler) slot(name string) int {
	i, ok := c.program.names[name]
	if !ok {
		i = len(c.program.start)
		c.program.names[name] = i
		c.program.slots = append(c.program.slots, name)
		c.program.start, c.program.known = append(c.program.start, ""), append(c.program.known, false)
	}
	return i
}
