package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

type findingsPage struct {
	Groups []group
	Pager  pager
	Empty  *empty
}

// group is what was noticed by one rule.
type group struct {
	Guard      string            `json:"guard"`
	Rule       string            `json:"rule"`
	Message    string            `json:"message,omitempty"`
	Severity   exchange.Severity `json:"severity"`
	Monitored  bool              `json:"monitored"`
	N          int64             `json:"exchanges"`
	Operations int               `json:"operations"`
	Last       time.Time         `json:"last"`
	Href       string            `json:"-"`
}

// Bounds of what is grouped, and of the records in which messages of rules are looked for.
const (
	mostNoticings = 2000
	mostMessages  = 200
)

var severities = []exchange.Severity{exchange.Info, exchange.Low, exchange.Medium, exchange.High, exchange.Critical}

func (d *dashboard) findings(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	groups, err := d.groups(ctx, s)
	if err != nil {
		return view{}, err
	}
	p := findingsPage{Groups: groups, Pager: pageOf(s, len(groups), false, nil)}
	if len(groups) == 0 {
		p.Empty = &empty{Title: "Nothing was noticed in this time", Text: "Findings are what guards notice without deciding: rules of the Core Rule Set that match, fields that nobody declared, what a guard in monitor mode would have refused.", Href: s.Wider(), Label: "Look at a longer time"}
		if len(s.Chips()) > 0 {
			p.Empty.Href, p.Empty.Label = s.To("/findings"), "Without filters"
		}
	}
	return view{Title: "Findings", Scope: s, Data: p}, nil
}

// groups adds up what was noticed by rule, the most severe first.
func (d *dashboard) groups(ctx context.Context, s *scope) (list []group, err error) {
	noticed, err := d.Archive.Noticed(ctx, s.selection(), mostNoticings)
	if err != nil {
		return nil, err
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
	return list, d.say(ctx, s, list)
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

func (d *dashboard) exportFindings(ctx context.Context, s *scope, put func([]string, any) error) error {
	groups, err := d.groups(ctx, s)
	if err != nil {
		return err
	}
	if err := put([]string{"severity", "guard", "rule", "message", "monitored", "exchanges", "operations", "last"}, nil); err != nil {
		return err
	}
	for _, g := range groups {
		if err := put([]string{string(g.Severity), g.Guard, g.Rule, g.Message, strconv.FormatBool(g.Monitored), strconv.FormatInt(g.N, 10), strconv.Itoa(g.Operations), g.Last.UTC().Format(time.RFC3339)}, g); err != nil {
			return err
		}
	}
	return nil
}
