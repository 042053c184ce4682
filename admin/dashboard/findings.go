package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

type findingsPage struct {
	Groups listing[group]
	Empty  *empty
}

// group is what was noticed by one rule.
type group struct {
	Guard      string
	Rule       string
	Message    string
	Severity   exchange.Severity
	Monitored  bool
	N          int64 // exchanges
	Operations int
	Last       time.Time
	Href       string
}

// Bounds of what is grouped, and of the records in which messages of rules are looked for.
const (
	mostNoticings = 2000
	mostMessages  = 200
)

var severities = []exchange.Severity{exchange.Info, exchange.Low, exchange.Medium, exchange.High, exchange.Critical}

func (d *dashboard) findings(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	groups, whole, err := d.groups(ctx, s)
	if err != nil {
		return view{}, err
	}
	p := findingsPage{Groups: grouped(s, "", groups, whole, pageSize)}
	if len(groups) == 0 {
		p.Empty = &empty{Title: "Nothing was noticed in this time", Text: "Findings are what guards notice without deciding: rules of the Core Rule Set that match, fields that nobody declared, what a guard in monitor mode would have refused.", Href: s.Wider(), Label: "Look at a longer time"}
		if len(s.Chips()) > 0 {
			p.Empty.Href, p.Empty.Label = s.To("/findings"), "Without filters"
		}
	}
	return view{Title: "Findings", Scope: s, Data: p, Tables: []exporter{p.Groups}}, nil
}

// grouped is the table of what was noticed. Where there was more than could be looked at it is not sorted otherwise.
func grouped(s *scope, name string, groups []group, whole bool, size int) listing[group] {
	columns := slices.Clone(groupColumns)
	for i := range columns {
		columns[i].Plain = !whole
	}
	return tabled(s, name, groups, size, columns...)
}

var groupColumns = []column[group]{
	{Name: "severity", Label: "Severity", Cell: func(g group) any { return string(g.Severity) }, Rank: func(g group) int { return slices.Index(severities, g.Severity) }},
	{Name: "rule", Label: "Rule", Cell: func(g group) any { return g.Rule }},
	{Name: "guard", Cell: func(g group) any { return g.Guard }},
	{Name: "message", Label: "What", Cell: func(g group) any { return g.Message }},
	{Name: "monitored", Cell: func(g group) any { return g.Monitored }},
	{Name: "operations", Label: "Operations", Class: "n wide", Cell: func(g group) any { return g.Operations }},
	{Name: "exchanges", Label: "Exchanges", Class: "n", Cell: func(g group) any { return g.N }},
	{Name: "last", Label: "Last", Class: "wide", Cell: func(g group) any { return g.Last }},
}

// groups adds up what was noticed by rule, the most severe first; whole is false where there was more.
func (d *dashboard) groups(ctx context.Context, s *scope) (list []group, whole bool, err error) {
	noticed, err := d.Archive.Noticed(ctx, s.selection(), mostNoticings)
	if err != nil {
		return nil, false, err
	}
	for _, n := range noticed {
		i := slices.IndexFunc(list, func(g group) bool { return g.Guard == n.Guard && g.Rule == n.Rule })
		if i < 0 {
			list, i = append(list, group{Guard: n.Guard, Rule: n.Rule, Severity: n.Severity, Monitored: n.Monitored, Href: s.Exchanges("rule", n.Rule)}), len(list)
		}
		g := &list[i]
		g.N, g.Operations = g.N+n.N, g.Operations+1
		if n.Last.After(g.Last) {
			g.Last = n.Last
		}
	}
	slices.SortStableFunc(list, func(a, b group) int {
		return cmp.Or(cmp.Compare(slices.Index(severities, b.Severity), slices.Index(severities, a.Severity)), cmp.Compare(b.N, a.N))
	})
	return list, len(noticed) < mostNoticings, d.say(ctx, s, list)
}

// say adds what rules mean: of reasons the catalogue knows it, of others the newest exchanges tell.
func (d *dashboard) say(ctx context.Context, s *scope, list []group) error {
	if len(list) == 0 {
		return nil
	}
	f := s.selection()
	f.Limit = mostMessages
	messages := map[string]string{}
	for _, f.Outcome = range []string{refused, noticed} {
		records, err := d.Archive.Select(ctx, f)
		if err != nil {
			return err
		}
		for _, r := range records {
			for _, n := range r.Findings {
				messages[n.Rule] = cmp.Or(messages[n.Rule], n.Message)
			}
		}
	}
	for i := range list {
		list[i].Message = messages[list[i].Rule]
		if r := exchange.Lookup(list[i].Rule); r != nil {
			list[i].Message = r.Title
		}
	}
	return nil
}
