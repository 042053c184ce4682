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
	Sampled   int64           `json:"sampled,omitempty"` // exchanges of the period of which no record is kept
	Groups    []*SummaryGroup `json:"groups"`            // of all but the same, the largest first
	groups    map[groupKey]*SummaryGroup
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

// NewSummary is one of nothing yet.
func NewSummary() *Summary {
	return &Summary{Changes: map[Change]int{}, Groups: []*SummaryGroup{}, groups: map[groupKey]*SummaryGroup{}}
}

// Add takes a decision in.
func (s *Summary) Add(rec *exchange.Record, d Decision) {
	s.Exchanges++
	s.Changes[d.Change]++
	if d.Change == Same {
		return
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
	if strings.HasPrefix(d.Was+d.Would, "inspect.") {
		for _, f := range rec.Findings {
			if len(g.Rules) < 10 && !slices.Contains(g.Rules, f.Rule) {
				g.Rules = append(g.Rules, f.Rule)
			}
		}
	}
}

// order is what people look for first.
var order = []Change{NewlyRefused, NewlyAllowed, OtherReason, Undecidable}

// Sort brings the groups into their order.
func (s *Summary) Sort() {
	slices.SortStableFunc(s.Groups, func(a, b *SummaryGroup) int {
		return cmp.Or(slices.Index(order, a.Change)-slices.Index(order, b.Change), b.Count-a.Count, strings.Compare(a.API+a.Operation+a.Was+a.Would, b.API+b.Operation+b.Was+b.Would))
	})
}
