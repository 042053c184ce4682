package dashboard

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/replay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
)

// replay.go is the page that says what a candidate would have done. What it is about stands in its address: the range of
// time, and the candidate: "" for the config in use, version:ID, proposal:ID, draft:ID for a text that somebody has pasted,
// or promote with api, operation and guard. Its outcome is kept for everybody who opens the address.

// changeWords are the changes as people read them.
var changeWords = map[gateway.Change]string{gateway.Same: "the same", gateway.NewlyRefused: "newly refused", gateway.NewlyAllowed: "newly allowed",
	gateway.OtherReason: "other reason", gateway.Undecidable: "undecidable"}

// changes are in the order in which people look for them.
var changes = []gateway.Change{gateway.NewlyRefused, gateway.NewlyAllowed, gateway.OtherReason, gateway.Undecidable}

type replayPage struct {
	Candidate  string // as the address has it
	Says       string // what it is, in words
	Run        *replay.Run
	Progress   string // where it tells how far it is
	Problems   config.Problems
	Trouble    string // why there is no outcome
	Figures    []figure
	Groups     listing[*gateway.SummaryGroup]
	Principals listing[gateway.SummaryShare]
	Rules      listing[gateway.SummaryShare]
	Unsaid     listing[unsaid]
	Only       []choice // one change, or all
	Choices    []choice
	Pasting    bool   // there is a file for which a text can be meant
	Draft      string // that was pasted, to go on editing
	Fields     []chip // of the address
}

type figure struct {
	Label string
	N     int
	Note  string
}

// Running tells that there will be an outcome.
func (p replayPage) Running() bool { return p.Run != nil && p.Run.Ended.IsZero() }

// replayOf is the address of a candidate's replay.
func replayOf(candidate string) string {
	return "/replay?" + url.Values{"candidate": {candidate}}.Encode()
}

// question is what tells one run from others: the candidate, the time, and the config over which it is.
func (d *dashboard) question(s *scope) (key string, err error) {
	etag := ""
	if d.Config != nil {
		current, err := d.Config.Current()
		if err != nil {
			return "", explained(err)
		}
		etag = current.ETag
	}
	parts := url.Values{"etag": {etag}}
	for _, name := range []string{"candidate", "api", "operation", "guard", "range", "from", "to"} {
		parts.Set(name, s.Get(name))
	}
	if s.Range != "" {
		parts.Set("range", s.Range)
	}
	return parts.Encode(), nil
}

// candidate is its text, with secrets masked, and what it is in words.
func (d *dashboard) candidate(ctx context.Context, s *scope) (text, says string, err error) {
	kind, id, _ := strings.Cut(s.Get("candidate"), ":")
	if kind != "" && kind != "draft" && d.Config == nil {
		return "", "", explained(change.ErrUnknown)
	}
	switch kind {
	case "":
		return "", "the config in use", nil
	case "draft":
		text, ok := d.Replay.Draft(id)
		if !ok {
			return "", "", &problem{http.StatusNotFound, "This candidate is forgotten", "A text that is pasted is kept in memory for a while, and not longer than the gateway runs.", "Paste it again."}
		}
		return text, "the text that was pasted", nil
	case "version":
		c, err := d.Config.Restore(ctx, id, change.Change{})
		return c.Text, "version " + id, explained(err)
	case "proposal":
		p, err := d.Config.Proposed(ctx, id)
		return p.Text, "proposal " + id, explained(err)
	case "promote":
		c, err := d.Config.Switch(config.Switch{API: s.Get("api"), Operation: s.Get("operation"), Guard: s.Get("guard"), Mode: config.Enforce}, change.Change{})
		says := s.Get("guard") + " of " + s.Get("api") + " enforces"
		if op := s.Get("operation"); op != "" {
			says += " for " + op
		}
		return c.Text, says, explained(err)
	}
	return "", "", &problem{http.StatusBadRequest, "This address is not understood", "There is no candidate " + kind + ".", "Choose one on the page Replay."}
}

func (d *dashboard) replayed(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	key, err := d.question(s)
	if err != nil {
		return view{}, err
	}
	p := replayPage{Candidate: s.Get("candidate"), Pasting: d.Config != nil}
	text, says, err := d.candidate(ctx, s)
	if err != nil {
		return view{}, err
	}
	p.Says = says
	if strings.HasPrefix(p.Candidate, "draft:") {
		p.Draft = text
	}
	for _, name := range []string{"candidate", "api", "operation", "guard", "range", "from", "to"} {
		if v := s.Get(name); v != "" {
			p.Fields = append(p.Fields, chip{Name: name, Value: v})
		}
	}
	if p.Choices, err = d.candidates(ctx, s); err != nil {
		return view{}, err
	}
	v := view{Title: "Replay", Scope: s}
	if run, asked := d.Replay.Run(key); asked {
		p.Run, p.Progress = &run, "/replay/progress?"+s.query.Encode()
		p.outcome(s, run)
		v.Tables = []exporter{p.Groups, p.Principals, p.Rules, p.Unsaid}
	}
	v.Data = p
	return v, nil
}

// outcome fills in what came of a run.
func (p *replayPage) outcome(s *scope, run replay.Run) {
	var invalid *change.Invalid
	switch {
	case run.Ended.IsZero():
		return
	case errors.As(run.Err, &invalid):
		p.Problems = invalid.Problems
		return
	case run.Err != nil:
		p.Trouble = trouble(run.Err, "sallyport replay")
		return
	}
	sum := run.Answer
	p.Figures = []figure{{"Exchanges decided again", sum.Exchanges, ""}}
	for _, c := range append([]gateway.Change{gateway.Same}, changes...) {
		p.Figures = append(p.Figures, figure{changeWords[c], sum.Changes[c], totals{All: int64(sum.Exchanges)}.Percent(int64(sum.Changes[c]))})
	}
	only := gateway.Change(s.Get("tab"))
	p.Only = []choice{{"All changes", s.With("tab", ""), only == ""}}
	for _, c := range changes {
		if sum.Changes[c] > 0 {
			p.Only = append(p.Only, choice{changeWords[c], s.With("tab", string(c)), only == c})
		}
	}
	p.Groups = tabled(s, "", of(sum.Groups, func(g *gateway.SummaryGroup) bool { return only == "" || g.Change == only }), pageSize, summaryColumns...)
	fits := func(x gateway.SummaryShare) bool { return only == "" || x.Change == only }
	p.Principals = tabled(s, "principals", of(sum.Principals, fits), 25, shareColumns("principal", "Principal", sum.Principals)...)
	p.Unsaid = tabled(s, "unsaid", unsaidOf(sum), 25, unsaidColumns...)
	p.Rules = tabled(s, "rules", of(sum.Rules, fits), 25, shareColumns("rule", "Rule or reason", sum.Rules)...)
}

// unsaid is why something cannot be said, and of how many exchanges.
type unsaid struct {
	Guard, Why string
	N          int
}

// unweighed is why nothing is said of bans and overload. All else about these exchanges is decided.
const unweighed = "abuse.bans or abuse.overload has other settings than then: whom those would refuse follows from load and from what else came; all else is decided"

// unsaidOf are the reasons of a summary, that of most exchanges first.
func unsaidOf(sum *gateway.Summary) (list []unsaid) {
	for _, g := range sum.Groups {
		if g.Change != gateway.Undecidable {
			continue
		}
		i := slices.IndexFunc(list, func(u unsaid) bool { return u.Guard == g.Guard && u.Why == g.Why })
		if i < 0 {
			i, list = len(list), append(list, unsaid{Guard: g.Guard, Why: g.Why})
		}
		list[i].N += g.Count
	}
	if sum.Unweighed > 0 {
		list = append(list, unsaid{"limit.admit", unweighed, sum.Unweighed})
	}
	slices.SortStableFunc(list, func(a, b unsaid) int { return cmp.Compare(b.N, a.N) })
	return list
}

var unsaidColumns = []column[unsaid]{
	{Name: "guard", Label: "Guard", Cell: func(u unsaid) any { return u.Guard }},
	{Name: "why", Label: "Why", Cell: func(u unsaid) any { return u.Why }},
	{Name: "exchanges", Label: "Exchanges", Class: "n", Cell: func(u unsaid) any { return u.N }},
}

// of are those of a list that fit.
func of[T any](all []T, fits func(T) bool) (some []T) {
	for _, x := range all {
		if fits(x) {
			some = append(some, x)
		}
	}
	return some
}

var summaryColumns = []column[*gateway.SummaryGroup]{
	{Name: "change", Label: "Change", Cell: func(g *gateway.SummaryGroup) any { return string(g.Change) }, Rank: func(g *gateway.SummaryGroup) int { return -slices.Index(changes, g.Change) }},
	{Name: "api", Cell: func(g *gateway.SummaryGroup) any { return g.API }},
	{Name: "operation", Label: "Operation", Cell: func(g *gateway.SummaryGroup) any { return g.Operation }},
	{Name: "was", Label: "Was", Class: "wide", Cell: func(g *gateway.SummaryGroup) any { return g.Was }},
	{Name: "would", Label: "Would be", Cell: func(g *gateway.SummaryGroup) any { return g.Would }},
	{Name: "guard", Cell: func(g *gateway.SummaryGroup) any { return g.Guard }},
	{Name: "why", Cell: func(g *gateway.SummaryGroup) any { return g.Why }},
	{Name: "rules", Cell: func(g *gateway.SummaryGroup) any { return g.Rules }},
	{Name: "unjudged", Cell: func(g *gateway.SummaryGroup) any { return g.Unjudged }},
	{Name: "exchanges", Label: "Exchanges", Class: "n", Cell: func(g *gateway.SummaryGroup) any { return g.Count }},
	{Name: "principals", Label: "Principals", Class: "n wide", Cell: func(g *gateway.SummaryGroup) any { return g.Principals }},
	{Name: "examples", Label: "Example", Class: "wide", Cell: func(g *gateway.SummaryGroup) any { return g.Examples }, Plain: true},
}

// shareColumns are those of what exchanges have in common. Where rare values may have been left out, the table is not
// sorted otherwise.
func shareColumns(name, label string, shares []gateway.SummaryShare) []column[gateway.SummaryShare] {
	cut := len(shares) >= gateway.MaxShares
	return []column[gateway.SummaryShare]{
		{Name: name, Label: label, Cell: func(s gateway.SummaryShare) any { return s.Value }, Plain: cut},
		{Name: "change", Label: "Change", Cell: func(s gateway.SummaryShare) any { return string(s.Change) }, Rank: func(s gateway.SummaryShare) int { return -slices.Index(changes, s.Change) }, Plain: cut},
		{Name: "exchanges", Label: "Exchanges", Class: "n", Cell: func(s gateway.SummaryShare) any { return s.Count }, Plain: cut},
	}
}

// mostChoices bounds the versions that are offered.
const mostChoices = 10

// candidates are what can be chosen without pasting.
func (d *dashboard) candidates(ctx context.Context, s *scope) ([]choice, error) {
	now := s.Get("candidate")
	offer := func(label, candidate string) choice {
		return choice{label, s.To("/replay", "candidate", candidate), now == candidate}
	}
	list := []choice{offer("The config in use", "")}
	if d.Config == nil {
		return list, nil
	}
	proposals, err := d.Config.Proposals(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range proposals {
		list = append(list, offer("Proposal of "+strings.TrimPrefix(p.Actor, "admin:")+", "+p.Time.Format("2006-01-02 15:04"), "proposal:"+p.ID))
	}
	versions, err := d.Config.Versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range first(versions, mostChoices) {
		list = append(list, offer("Version of "+v.Time.Format("2006-01-02 15:04"), "version:"+v.ID))
	}
	return list, nil
}
