package gateway

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// A Summary is what a replay has to say about many exchanges.
type Summary struct {
	Exchanges int             `json:"exchanges"`
	Changes   map[Change]int  `json:"changes"`
	Sampled   int64           `json:"sampled,omitempty"`   // exchanges of the period of which no record is kept
	Unweighed int             `json:"unweighed,omitempty"` // exchanges of other settings of bans or overload, of which nothing is said of those
	Groups    []*SummaryGroup `json:"groups"`              // of all but the same, the largest first

	// The same by who asked ("": nobody that was known), and by rule: of attack rules those that matched, else the reason. Up
	// to [MaxShares] of each change, those with the most exchanges first.
	Principals []SummaryShare `json:"principals"`
	Rules      []SummaryShare `json:"rules"`

	groups     map[groupKey]*SummaryGroup
	principals map[shareKey]int
	rules      map[shareKey]int
}

// A SummaryShare is how many exchanges of one change have something in common.
type SummaryShare struct {
	Change Change `json:"change"`
	Value  string `json:"value"`
	Count  int    `json:"count"`
}

type shareKey struct {
	change Change
	value  string
}

// SummaryGroup is what became of some exchanges of one operation, for one reason.
type SummaryGroup struct {
	Change     Change   `json:"change"`
	API        string   `json:"api"`
	Operation  string   `json:"operation"`
	Was        string   `json:"was,omitempty"`
	Would      string   `json:"would,omitempty"`
	Guard      string   `json:"guard,omitempty"`
	Why        string   `json:"why,omitempty"`
	Unjudged   []string `json:"unjudged,omitempty"` // guards that said nothing then, and would be asked now
	Count      int      `json:"count"`
	Principals int      `json:"principals"`      // how many different ones, up to [maxPrincipals]
	Rules      []string `json:"rules,omitempty"` // of the findings behind it
	Examples   []string `json:"examples"`        // ids
	who        map[string]bool
}

type groupKey struct {
	change                                 Change
	api, operation, was, would, guard, why string
}

// maxPrincipals bounds how many principals of a group are told apart, maxGroups the groups.
const (
	maxPrincipals = 10_000
	maxGroups     = 5_000
)

// MaxShares is how many principals and rules of each change a summary names.
const MaxShares = 200

// NewSummary is one of nothing yet.
func NewSummary() *Summary {
	return &Summary{Changes: map[Change]int{}, Groups: []*SummaryGroup{}, Principals: []SummaryShare{}, Rules: []SummaryShare{},
		groups: map[groupKey]*SummaryGroup{}, principals: map[shareKey]int{}, rules: map[shareKey]int{}}
}

// Add takes a decision in.
func (s *Summary) Add(rec *exchange.Record, d Decision) {
	s.Exchanges++
	s.Changes[d.Change]++
	if d.Unweighed {
		s.Unweighed++
	}
	if d.Change == Same {
		return
	}
	subject := ""
	if rec.Principal != nil {
		subject = rec.Principal.Subject
	}
	tallied(s.principals, shareKey{d.Change, subject})
	for _, rule := range rulesOf(rec, d) {
		tallied(s.rules, shareKey{d.Change, rule})
	}
	k := groupKey{d.Change, d.API, cmp.Or(d.Operation, rec.Operation), d.Was, d.Would, d.Guard, d.Why}
	g := s.groups[k]
	if g == nil {
		if len(s.groups) >= maxGroups {
			return // it is among the changes
		}
		g = &SummaryGroup{Change: k.change, API: k.api, Operation: k.operation, Was: k.was, Would: k.would, Guard: k.guard, Why: k.why, who: map[string]bool{}}
		s.groups[k] = g
		s.Groups = append(s.Groups, g)
	}
	g.add(rec, d)
}

func (g *SummaryGroup) add(rec *exchange.Record, d Decision) {
	g.Count++
	if len(g.who) < maxPrincipals {
		g.who[rec.Whose()] = true
		g.Principals = len(g.who)
	}
	if len(g.Examples) < 3 {
		g.Examples = append(g.Examples, rec.ID)
	}
	for _, name := range d.Unjudged {
		if !slices.Contains(g.Unjudged, name) {
			g.Unjudged = append(g.Unjudged, name)
		}
	}
	if inspected(d) {
		for _, f := range rec.Findings {
			if len(g.Rules) < 10 && !slices.Contains(g.Rules, f.Rule) {
				g.Rules = append(g.Rules, f.Rule)
			}
		}
	}
}

// tallied counts one, unless there are too many to tell apart.
func tallied(counts map[shareKey]int, k shareKey) {
	if _, known := counts[k]; known || len(counts) < maxPrincipals {
		counts[k]++
	}
}

// inspected reports whether attack rules are behind a decision.
func inspected(d Decision) bool {
	return strings.HasPrefix(d.Was, "inspect.") || strings.HasPrefix(d.Would, "inspect.")
}

// rulesOf are the rules behind a decision: of attack rules each that matched, else the reason, else the guard.
func rulesOf(rec *exchange.Record, d Decision) (list []string) {
	if inspected(d) {
		for i := range rec.Findings {
			if rule := rec.Findings[i].Rule; !slices.Contains(list, rule) {
				list = append(list, rule)
			}
		}
	}
	if len(list) == 0 {
		list = []string{cmp.Or(d.Would, d.Was, d.Guard)}
	}
	return list
}

// order is what people look for first.
var order = []Change{NewlyRefused, NewlyAllowed, OtherReason, Undecidable}

// Sort brings groups and shares into their order, at the end.
func (s *Summary) Sort() {
	s.Principals, s.Rules = shares(s.principals), shares(s.rules)
	slices.SortStableFunc(s.Groups, func(a, b *SummaryGroup) int {
		return cmp.Or(slices.Index(order, a.Change)-slices.Index(order, b.Change), b.Count-a.Count, strings.Compare(a.API+a.Operation+a.Was+a.Would, b.API+b.Operation+b.Was+b.Would))
	})
}

// shares are the largest of each change.
func shares(counts map[shareKey]int) []SummaryShare {
	list := make([]SummaryShare, 0, len(counts))
	for k, n := range counts {
		list = append(list, SummaryShare{k.change, k.value, n})
	}
	slices.SortFunc(list, func(a, b SummaryShare) int {
		return cmp.Or(slices.Index(order, a.Change)-slices.Index(order, b.Change), b.Count-a.Count, strings.Compare(a.Value, b.Value))
	})
	kept := map[Change]int{}
	return slices.DeleteFunc(list, func(s SummaryShare) bool { kept[s.Change]++; return kept[s.Change] > MaxShares })
}
