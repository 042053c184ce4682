package rules

import (
	"maps"
	"slices"
)

// A Summary says what a program was compiled into.
type Summary struct {
	Rules      int    `json:"rules"`      // that are evaluated
	Folded     int    `json:"folded"`     // that configuration alone has decided
	Conditions int    `json:"conditions"` // of the rules, links of chains counted one by one
	Always     int    `json:"always"`     // rules that are evaluated for every message
	Tests      int    `json:"tests"`      // distinct pairs of operator and transformation chain
	Literals   int    `json:"literals"`   // distinct ones in the common scanner
	Scanner    int    `json:"scanner"`    // bytes of its automaton
	Automata   int    `json:"automata"`   // of regular expressions; their states are made when a message needs them
	Shared     int    `json:"shared"`     // tests that how their matches begin tells
	Lanes      []Lane `json:"lanes"`
}

// A Lane is what is looked for in the values of one collection behind one transformation chain.
type Lane struct {
	Collection string `json:"collection"` // "ARGS_GET", or "ARGS_GET names"
	Chain      string `json:"chain"`      // transformations in order, or "none"
	Tests      int    `json:"tests"`
	Literals   int    `json:"literals"` // tests that a literal makes candidates
	Bytes      int    `json:"bytes"`    // tests that certain bytes make candidates
	Shared     int    `json:"shared"`   // tests that beginnings alone tell
}

// Summary describes the program.
func (p *Program) Summary() Summary {
	s := Summary{Folded: p.folded, Tests: len(p.tests), Scanner: p.lanes.scanner.Size(), Automata: p.automata}
	for _, c := range p.lanes.order {
		if c.marker != "" {
			continue
		}
		s.Rules++
		if c.always {
			s.Always++
		}
		for l := c; l != nil; l = l.next {
			s.Conditions++
		}
	}
	literals := map[string]bool{}
	for i, t := range p.tests {
		if t.shared && p.lanes.sought.has(i) {
			s.Shared++
		}
		if t.op.selective() && !t.shared {
			for _, l := range prefixes(t.op.literals) {
				literals[l] = true
			}
		}
	}
	s.Literals = len(literals)
	for c := range collections {
		s.Lanes = append(s.Lanes, p.lanes.text[c].summary(c.String())...)
		s.Lanes = append(s.Lanes, p.lanes.name[c].summary(c.String()+" names")...)
	}
	return s
}

func (l *lane) summary(collection string) (out []Lane) {
	for _, c := range l.chains {
		one := Lane{Collection: collection, Chain: c.chain.Name(), Literals: c.tests.size(), Bytes: len(c.needs), Shared: c.shared.size()}
		if one.Chain == "" {
			one.Chain = "none"
		}
		one.Tests = one.Literals + one.Bytes + one.Shared
		out = append(out, one)
	}
	return out
}

// String is the variable of the rule language that reads the collection alone.
func (c Collection) String() string {
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if s := sources[name]; s.kind == ofMessage && !s.names && len(s.parts) == 1 && s.parts[0] == c {
			return name
		}
	}
	return ""
}
