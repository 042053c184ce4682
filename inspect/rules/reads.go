package rules

import "slices"

// Reads reports whether a rule of the phases from first to last looks at a collection, or writes of it in a message:
// what nobody reads need not be made.
func (p *Program) Reads(c Collection, first, last int) bool {
	for phase := first; phase <= last; phase++ {
		if p.reads[phase][c] {
			return true
		}
	}
	return false
}

func (p *Program) noteReads() {
	for phase, list := range p.phases {
		for _, first := range list {
			for l := first; l != nil; l = l.next {
				l.eachTarget(func(t *target) {
					for _, part := range t.parts {
						p.reads[phase][part] = true
					}
				})
			}
		}
	}
}

// eachTarget calls do with the targets of a link and those of its macros.
func (l *condition) eachTarget(do func(*target)) {
	for i := range l.targets {
		do(&l.targets[i])
	}
	macros := []*macro{&l.message, &l.log}
	if l.test != nil {
		macros = append(macros, &l.test.op.macro)
	}
	for i := range l.actions {
		macros = append(macros, &l.actions[i].key, &l.actions[i].value)
	}
	for _, m := range macros {
		for _, part := range m.parts {
			if part.from != nil {
				do(part.from)
			}
		}
	}
}

// spareVariables takes out of the program what sets variables of TX that nobody reads: the scores of the Core Rule Set, say,
// which are added up elsewhere.
func (p *Program) spareVariables() {
	read := make([]bool, len(p.slots))
	p.eachLink(func(l *condition) {
		l.eachTarget(func(t *target) {
			for slot, name := range p.slots {
				read[slot] = read[slot] || t.kind == ofTX && t.selects(name)
			}
		})
	})
	p.eachLink(func(l *condition) {
		l.actions = slices.DeleteFunc(l.actions, func(a action) bool { return a.control == nil && a.slot >= 0 && !read[a.slot] })
	})
}

// eachLink calls do with every link of every chain.
func (p *Program) eachLink(do func(*condition)) {
	for _, list := range p.phases {
		for _, first := range list {
			for l := first; l != nil; l = l.next {
				do(l)
			}
		}
	}
}
