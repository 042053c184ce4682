package gateway

import (
	"net/http"
	"net/netip"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/bot"
	"github.com/sallyport/sallyport/openapi"
)

// again.go says what each guard would have said, as far as a record tells.

// unreached is why nothing can be said of a guard that the exchange did not come to.
const unreached = "the exchange was refused before it came to this guard"

// ask is the reason for which a guard would refuse, "" where it would pass. why says that nothing can be said.
func (q *question) ask(s *step) (code, why string) {
	name := s.guard.Name
	taken := q.taken(name)
	if name == "limit.admit" && q.otherAbuse() {
		q.d.Unweighed = true
		if taken != nil && (taken.Code == exchange.Banned.Code || taken.Code == exchange.Overloaded.Code) {
			return "", "bans and overload have other settings, and follow from load and from what else came"
		}
	}
	if taken != nil && q.same(name) {
		return taken.Code, ""
	}
	family := q.family(name)
	switch {
	case name == "limit.agent": // refuses nobody
		return "", ""
	case name == "limit.bot" && q.rec.Bot == nil:
		return "", q.unasked(name)
	case family == "limit":
		return q.limits(s)
	case name == "policy.operation":
		return q.policy(s)
	case name == "identity":
		return q.identity(taken)
	case taken == nil:
		return "", q.unasked(name)
	case family == "inspect" && name != "inspect.url":
		return q.inspect(name)
	}
	return "", "its settings are others, and what it judges was not recorded"
}

// taken is what a guard said then, or nil. One that is asked twice has said two things.
func (q *question) taken(name string) *exchange.RecordStep {
	if q.rec.Guard == name && q.rec.Refused && !slices.ContainsFunc(q.rec.Steps, func(s exchange.RecordStep) bool { return s.Guard == name }) {
		return &exchange.RecordStep{Guard: name, Code: q.rec.Code} // refused while it was made ready to be judged
	}
	nth := 0
	for _, before := range q.asked {
		if before == name {
			nth++
		}
	}
	q.asked = append(q.asked, name)
	for i := range q.rec.Steps {
		if s := &q.rec.Steps[i]; s.Guard == name {
			if nth == 0 {
				return s
			}
			nth--
		}
	}
	return nil
}

// same reports whether a guard's settings are those of then.
func (q *question) same(name string) bool {
	return q.then != nil && printOf(q.then.Prints, name) == printOf(q.now.Prints, name)
}

// otherAbuse reports that bans or overload have other settings. Earlier versions did not say which they were.
func (q *question) otherAbuse() bool {
	return q.then != nil && q.then.Prints["abuse"] != "" && q.then.Prints["abuse"] != q.now.Prints["abuse"]
}

// unasked says of a guard that said nothing then why it would now: "" where it would have nothing to judge now either.
func (q *question) unasked(name string) (why string) {
	switch {
	case q.then == nil || q.then.Guards[name] == "":
		return "it was off, and what it judges was not recorded"
	case q.rec.Refused:
		return unreached
	}
	return ""
}

// limits counts again, by the clock of the records. A key that reads more than who asks cannot be made from a record;
// admission counts by client alone.
func (q *question) limits(s *step) (code, why string) {
	for _, r := range []string{by(q.api.settings.Rate), by(q.plan.op.Ext.Rate)} {
		if s.guard.Name != "limit.admit" && s.guard.Name != "limit.bot" && !slices.Contains([]string{"", "principal", "client", "tenant"}, r) {
			return "", "the key of the rate reads what was not recorded"
		}
	}
	return q.check(s)
}

func by(r *config.Rate) string {
	if r == nil {
		return ""
	}
	return r.By
}

// policy asks the guard itself, unless its rule may read what was not recorded.
func (q *question) policy(s *step) (code, why string) {
	if q.plan.op.Ext.Allow != "" {
		return "", "the allow rule is another, and what it reads was not recorded"
	}
	return q.check(s)
}

// identity judges by who was known then. Credentials are never recorded.
func (q *question) identity(taken *exchange.RecordStep) (code, why string) {
	open := anonymous(q.plan.op)
	switch {
	case taken == nil:
		return "", q.unasked("identity")
	case taken.Code == exchange.CredentialsMissing.Code && open, taken.Code == "" && q.rec.Principal == nil && open:
		return "", ""
	case taken.Code == exchange.CredentialsMissing.Code, taken.Code == "" && q.rec.Principal == nil:
		return exchange.CredentialsMissing.Code, ""
	case taken.Code == "" && q.sameIdentities() && (open || satisfied(q.plan.op.Security, q.rec.Principal.Schemes)):
		return "", ""
	}
	return "", "credentials were judged by other settings, and are not recorded"
}

func (q *question) sameIdentities() bool {
	return q.then != nil && q.then.Prints["identities"] == q.now.Prints["identities"]
}

func satisfied(security []openapi.Requirement, schemes []string) bool {
	return slices.ContainsFunc(security, func(r openapi.Requirement) bool {
		return !slices.ContainsFunc(r.Schemes, func(s openapi.SchemeRef) bool { return !slices.Contains(schemes, s.Name) })
	})
}

// inspect weighs again what was found.
func (q *question) inspect(name string) (code, why string) {
	if q.then == nil || q.api.inspector == nil {
		return "", "what the rules were is not known"
	}
	if q.then.Prints["extent"] != q.now.Prints["extent"] {
		return "", "the amount of text that is inspected is another"
	}
	key := againKey{q.rec.Basis, q.api.name, q.plan.op.Key}
	a, known := q.r.again[key]
	if !known {
		var err error
		if a, err = q.api.inspector.Again(q.old.Inspect, q.old.Rules, q.api.settings.Inspect, q.plan.op); err != nil {
			return "", err.Error()
		}
		q.r.again[key] = a
	}
	if why := a.Lacking(); why != "" {
		return "", why
	}
	v, all := a.Judge(name, q.rec.Findings, q.rec.Time)
	switch {
	case v.Reason != nil:
		return v.Reason.Code, ""
	case !all:
		return "", "more was found than is recorded"
	}
	return "", ""
}

// recalled is an exchange as far as its record tells.
func recalled(rec *exchange.Record, op *openapi.Operation) *exchange.Exchange {
	addr, _ := netip.ParseAddr(rec.Client)
	e := &exchange.Exchange{ID: rec.ID, Start: rec.Time, API: rec.API, Operation: op, Client: exchange.Client{Addr: addr, Peer: addr},
		Request: &http.Request{Method: rec.Method, Host: rec.Host, RequestURI: rec.Path, Header: http.Header{}, Proto: rec.Proto}}
	if b := rec.Bot; b != nil { // what a client did before is not recorded: it is rated as it was
		e.Bot = exchange.Bot{Rating: bot.Rate(b.Points), Points: b.Points}
		if b.Name != "" {
			e.Bot.Rating, e.Agent = exchange.Verified, &exchange.Agent{Name: b.Name}
		}
	}
	if p := rec.Principal; p != nil {
		e.Principal = &exchange.Principal{Subject: p.Subject, Issuer: p.Issuer, Kind: p.Kind, Tenant: p.Tenant, Plan: p.Plan, Roles: p.Roles, Scopes: p.Scopes, Satisfies: p.Schemes}
	}
	if u := rec.Upstream; u != nil {
		e.Upstream.Attempts = u.Attempts
	}
	return e
}
