package spool

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/exchange"
)

// The fields of what frames hold. A number is never given again: what lies on disk would mean something else.

func recordForm(f *form, r *exchange.Record) {
	text(f, 1, &r.ID)
	f.time(2, &r.Time)
	number(f, 3, &r.Took)
	text(f, 4, &r.API)
	text(f, 5, &r.Operation)
	f.flag(6, &r.Undocumented)
	text(f, 7, &r.Method)
	text(f, 8, &r.Host)
	text(f, 9, &r.Proto)
	optional(f, 10, &r.Principal, principalForm)
	number(f, 11, &r.Status)
	f.flag(12, &r.Refused)
	text(f, 13, &r.Guard)
	text(f, 14, &r.Code)
	text(f, 15, &r.OWASP)
	text(f, 16, &r.Setting)
	list(f, 17, &r.Fields, fieldForm)
	list(f, 18, &r.Steps, stepForm)
	list(f, 19, &r.Findings, findingForm)
	optional(f, 20, &r.Upstream, upstreamForm)
	number(f, 21, &r.BytesIn)
	number(f, 22, &r.BytesOut)
	text(f, 23, &r.Trace)
	text(f, 24, &r.Basis)
	optional(f, 25, &r.Bot, botForm)
}

func botForm(f *form, b *exchange.RecordBot) {
	text(f, 1, &b.Rating)
	text(f, 2, &b.Action)
	number(f, 3, &b.Points)
	text(f, 4, &b.Name)
	list(f, 5, &b.Reasons, wordForm)
}

func principalForm(f *form, p *exchange.RecordPrincipal) {
	text(f, 1, &p.Issuer)
	text(f, 2, &p.Kind)
	text(f, 3, &p.Tenant)
	list(f, 4, &p.Roles, wordForm)
	list(f, 5, &p.Scopes, wordForm)
	list(f, 6, &p.Schemes, wordForm)
	text(f, 7, &p.Plan)
}

func wordForm(f *form, s *string) { text(f, 1, s) }

func fieldForm(f *form, v *exchange.Field) {
	text(f, 1, &v.Pointer)
	text(f, 2, &v.Param)
	text(f, 3, &v.Detail)
}

func stepForm(f *form, s *exchange.RecordStep) {
	text(f, 1, &s.Guard)
	text(f, 2, &s.Mode)
	number(f, 3, &s.Took)
	text(f, 4, &s.Code)
	text(f, 5, &s.Setting)
	list(f, 6, &s.Fields, fieldForm)
}

func findingForm(f *form, v *exchange.Finding) {
	text(f, 1, &v.Guard)
	text(f, 2, &v.Rule)
	text(f, 3, &v.Message)
	text(f, 4, &v.Field)
	text(f, 5, &v.Severity)
	number(f, 6, &v.Score)
	list(f, 7, &v.Tags, wordForm)
	text(f, 8, &v.Match)
}

func upstreamForm(f *form, u *exchange.RecordUpstream) {
	text(f, 1, &u.Target)
	number(f, 2, &u.Status)
	number(f, 3, &u.Attempts)
	number(f, 4, &u.Took)
}

func eventForm(f *form, e *exchange.Event) {
	text(f, 1, &e.ID)
	f.time(2, &e.Time)
	text(f, 3, &e.Kind)
	text(f, 4, &e.Severity)
	text(f, 5, &e.Object)
	text(f, 6, &e.Detail)
	pairs := pairsOf(e.Data)
	if list(f, 7, &pairs, pairForm); f.reading && pairs != nil {
		e.Data = make(map[string]string, len(pairs))
		for _, p := range pairs {
			e.Data[p.name] = p.value
		}
	}
	by := string(e.By)
	if text(f, 8, &by); f.reading && by != "" {
		e.By = []byte(by)
	}
}

type pair struct{ name, value string }

func pairsOf(data map[string]string) (pairs []pair) {
	for _, name := range slices.Sorted(maps.Keys(data)) {
		pairs = append(pairs, pair{name, data[name]})
	}
	return pairs
}

func pairForm(f *form, p *pair) {
	text(f, 1, &p.name)
	text(f, 2, &p.value)
}

func personalForm(f *form, p *exchange.Personal) {
	text(f, 1, &p.Client)
	text(f, 2, &p.Peer)
	text(f, 3, &p.UserAgent)
	text(f, 4, &p.JA4)
	text(f, 5, &p.Path)
	text(f, 6, &p.Query)
	text(f, 7, &p.Actor)
	text(f, 8, &p.Subject)
	text(f, 9, &p.Detail)
	list(f, 10, &p.Details, wordForm)
	text(f, 11, &p.Words)
}
