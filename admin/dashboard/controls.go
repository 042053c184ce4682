package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/gateway"
)

// controlRow is one guard of one API.
type controlRow struct {
	API, Guard             string
	Enforce, Monitor, Off  int   // operations
	Refused, Would         int64 // in the range
	RefusedHref, WouldHref string
	Promote                string // "" where nothing is in monitor mode
}

type controlsPage struct {
	listing[controlRow]
	Empty *empty
}

func (d *dashboard) controls(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	rows := controlRows(d.Posture(), s.Get("api"))
	counts := map[string]map[string]int64{}
	for i := range rows {
		r := &rows[i]
		for _, o := range []string{refused, monitored} {
			if counts[r.API+o] == nil {
				list, err := d.Archive.Top(ctx, event.Filter{From: s.From, To: s.Until, API: r.API, Outcome: o}, "guard", 200)
				if err != nil {
					return view{}, err
				}
				counts[r.API+o] = byKey(list)
			}
		}
		r.Refused, r.Would = counts[r.API+refused][r.Guard], counts[r.API+monitored][r.Guard]
		r.RefusedHref = s.To("/exchanges", "api", r.API, "guard", r.Guard, "outcome", refused)
		r.WouldHref = s.To("/exchanges", "api", r.API, "guard", r.Guard, "outcome", monitored)
		if r.Monitor > 0 {
			r.Promote = s.To("/controls/promote", "api", r.API, "guard", r.Guard)
		}
	}
	p := controlsPage{listing: tabled(s, "", rows, matrixPage, controlColumns...)}
	if len(rows) == 0 {
		p.Empty = &empty{Title: "No control is on", Text: "Controls come from the apis of the config; mode and modes say which of them enforce and which only watch.", Lines: []string{"mode: enforce\nmodes: { validate.response: monitor }"}}
	}
	return view{Title: "Controls", Scope: s, Data: p, Tables: []exporter{p.listing}}, nil
}

var controlColumns = []column[controlRow]{
	{Name: "control", Label: "Control", Cell: func(r controlRow) any { return r.Guard }},
	{Name: "api", Label: "API", Class: "wide", Cell: func(r controlRow) any { return r.API }},
	{Name: "modes", Label: "Modes, by operations", Cell: func(r controlRow) any {
		return fmt.Sprintf("enforce %d monitor %d off %d", r.Enforce, r.Monitor, r.Off)
	}, Rank: func(r controlRow) int { return r.Monitor<<20 + r.Off }},
	{Name: "refused", Label: "Refused", Class: "n", Cell: func(r controlRow) any { return r.Refused }},
	{Name: "would_have_refused", Label: "Would have refused", Class: "n", Cell: func(r controlRow) any { return r.Would }},
	{Label: "What to do", Class: "act"},
}

func byKey(list []event.Share) map[string]int64 {
	m := make(map[string]int64, len(list))
	for _, c := range list {
		m[c.Value] = c.N
	}
	return m
}

// controlRows counts the modes of each guard over the operations of its API.
func controlRows(posture []gateway.Posture, api string) []controlRow {
	var rows []controlRow
	operations := map[string]int{}
	for _, p := range posture {
		if api != "" && p.API != api {
			continue
		}
		operations[p.API]++
		for guard, mode := range p.Guards {
			i := slices.IndexFunc(rows, func(r controlRow) bool { return r.API == p.API && r.Guard == guard })
			if i < 0 {
				rows, i = append(rows, controlRow{API: p.API, Guard: guard}), len(rows)
			}
			switch mode {
			case config.Enforce:
				rows[i].Enforce++
			case config.Monitor:
				rows[i].Monitor++
			}
		}
	}
	for i := range rows {
		rows[i].Off = operations[rows[i].API] - rows[i].Enforce - rows[i].Monitor
	}
	slices.SortFunc(rows, func(a, b controlRow) int { return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Guard, b.Guard)) })
	return rows
}

// promotion is what it would mean for a guard to enforce.
type promotion struct {
	API, Operation, Guard string
	Watching              []string // operations in monitor mode
	All, Would            int64
	Operations, Subjects  tops
	Reasons               tops
	Lines                 string   // of the config
	Change                *preview // nil where the viewer may not make it, or there is no file
	Exchanges             string
}

// promote shows what a guard that watches would have refused, and the lines that let it enforce.
func (d *dashboard) promote(ctx context.Context, r *http.Request, s *scope) (view, error) {
	p := promotion{API: s.Get("api"), Guard: s.Get("guard"), Operation: s.Get("operation")}
	for _, o := range d.Posture() {
		if o.API == p.API && (p.Operation == "" || p.Operation == o.Operation) && o.Guards[p.Guard] == config.Monitor {
			p.Watching = append(p.Watching, o.Operation)
		}
	}
	if len(p.Watching) == 0 {
		return view{}, &problem{http.StatusNotFound, "Nothing to promote", "No operation of " + p.API + " has the guard " + p.Guard + " in monitor mode now.", "Look under Controls for those that watch."}
	}
	p.Lines = promotionLines(p.API, p.Operation, p.Guard)
	if viewer, _ := ViewerOf(r.Context()); viewer.Role.At(RoleOperator) {
		var err error
		if p.Change, err = d.switched(config.Switch{API: p.API, Operation: p.Operation, Guard: p.Guard, Mode: config.Enforce}); err != nil {
			return view{}, err
		}
	}
	p.Exchanges = s.Exchanges("outcome", monitored)
	q := s.selection()
	all, err := d.Archive.Top(ctx, event.Filter{From: q.From, To: q.To, API: q.API, Operation: q.Operation}, "api", 1)
	if err != nil {
		return view{}, err
	}
	q.Outcome = monitored
	for _, t := range []struct {
		into *tops
		by   string
		what string
	}{{&p.Operations, "operation", "Operation"}, {&p.Subjects, "subject", "Principal"}, {&p.Reasons, "code", "Reason"}} {
		list, err := d.Archive.Top(ctx, q, t.by, mostRanked)
		if err != nil {
			return view{}, err
		}
		*t.into = tops{Caption: "What would have been refused, by " + t.by, What: t.what, Of: "Would be refused", Class: monitored, None: "Nothing."}.rank(s, t.by, list, mostRanked, 20, func(c event.Share) topRow {
			return topRow{Label: cmp.Or(c.Value, "–"), Href: s.Exchanges("outcome", monitored, t.by, c.Value)}
		})
		if t.by == "operation" {
			for _, c := range list {
				p.Would += c.N
			}
		}
	}
	for _, c := range all {
		p.All = c.N
	}
	return view{Title: "Let " + p.Guard + " enforce", Page: "controls", Scope: s, Data: p, Tables: []exporter{p.Operations, p.Subjects, p.Reasons}}, nil
}

// promotionLines are the lines of the config, at their place.
func promotionLines(api, operation, guard string) string {
	lines := "apis:\n  - name: " + api + "\n"
	if operation != "" {
		return lines + "    operations:\n      " + quoted(operation) + ":\n        modes: { " + guard + ": enforce }\n"
	}
	return lines + "    modes: { " + guard + ": enforce }\n"
}

// quoted is a YAML text in double quotes.
func quoted(s string) string { return indented(s) }
