package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/challenge"
)

// A Replay decides recorded exchanges again under another configuration: what would newly be refused, what newly pass.
//
// A guard whose settings are the same as then would say what it said. One whose settings are others is asked again
// where the record holds what it judges: who asked, what was found, when. Where it does not (bodies and values are never
// kept), the answer is that nothing can be said, and why.
//
// Rates are counted anew, so exchanges must come in the order of their time, from one goroutine.
type Replay struct {
	s     *Snapshot
	bases map[string]*Basis
	now   time.Time // of the exchange that is decided: the clock of the limits
	again map[againKey]*inspect.Again
	asked []string // lent to the question that is decided
}

type againKey struct{ basis, api, operation string }

// Change says how a decision differs from the one that was made.
type Change string

// The changes.
const (
	Same         Change = "same"
	NewlyRefused Change = "newly_refused"
	NewlyAllowed Change = "newly_allowed"
	OtherReason  Change = "other_reason"
	Undecidable  Change = "undecidable"
)

// A Decision is what the configuration would have said to one exchange.
type Decision struct {
	Change    Change   `json:"change"`
	API       string   `json:"api"`
	Operation string   `json:"operation"`          // under the configuration that is asked; "" where it knows none
	Was       string   `json:"was,omitempty"`      // reason of the refusal then; "": it passed
	Would     string   `json:"would,omitempty"`    // … and now
	Guard     string   `json:"guard,omitempty"`    // that would refuse, or of which nothing can be said
	Why       string   `json:"why,omitempty"`      // nothing can be said
	Unjudged  []string `json:"unjudged,omitempty"` // guards that the exchange did not reach then, and would now
	// Unweighed: whether the client would have been banned, or shed under load, by the settings that are asked about, is not said.
	Unweighed bool `json:"unweighed,omitempty"`
}

// NewReplay builds a configuration for deciding again what was decided since a time on the given bases. Of parts only the
// identities and the rules of inspection are used. The problems are those of [Build].
func NewReplay(c *config.Config, src *config.Source, parts *Parts, since time.Time, bases map[string]*Basis) (*Replay, config.Problems) {
	r := &Replay{bases: bases, now: since, again: map[againKey]*inspect.Again{}}
	own := &Parts{Providers: parts.Providers, Inspectors: parts.Inspectors, Agents: parts.Agents, Fetch: parts.Fetch, Upstreams: forward.NewPool(),
		Limiter: limit.New(limit.Options{Now: func() time.Time { return r.now }})}
	var problems config.Problems
	r.s, problems = Build(c, src, own)
	if r.s == nil {
		return nil, problems
	}
	own.Limiter.UseLists(r.s.lists)
	return r, problems
}

// Decide decides one exchange again.
func (r *Replay) Decide(rec *exchange.Record) Decision {
	if rec.Time.After(r.now) {
		r.now = rec.Time
	}
	q := question{r: r, rec: rec, d: Decision{API: rec.API, Operation: rec.Operation}, asked: r.asked[:0]}
	if rec.Refused {
		q.d.Was = rec.Code
	}
	q.decide()
	r.asked = q.asked
	return q.d
}

// question is one exchange that is decided again.
type question struct {
	r     *Replay
	rec   *exchange.Record
	d     Decision
	api   *api
	plan  *plan
	then  *OperationBasis // nil: unknown
	now   *OperationBasis
	old   *APIBasis
	asked []string // guards, as often as they were
	e     *exchange.Exchange
}

func (q *question) decide() {
	if q.settledElsewhere() || !q.find() {
		return
	}
	for phase := exchange.OnConnect; phase <= exchange.OnBody; phase++ {
		if phase == exchange.OnBody && !q.readable() || !q.walk(phase) {
			return
		}
	}
	if q.rec.Upstream == nil && q.d.Was != "" {
		q.settle("", "")
		return
	}
	if q.family(q.rec.Code) == "forward" { // no configuration of ours mends an upstream
		q.settle(q.d.Was, q.rec.Guard)
		return
	}
	for phase := exchange.OnResponseHead; phase <= exchange.OnResponseBody; phase++ {
		if phase == exchange.OnResponseBody && !q.legible() || !q.walk(phase) {
			return
		}
	}
	q.settle("", "")
}

func (q *question) family(code string) string {
	family, _, _ := strings.Cut(code, ".")
	return family
}

// settledElsewhere keeps what no guard decides: the message itself, and a gateway that was not ready.
func (q *question) settledElsewhere() bool {
	family := q.family(q.d.Was)
	if family == "protocol" || family == "gateway" && q.d.Was != exchange.UnknownHost.Code {
		q.settle(q.d.Was, q.rec.Guard)
		return true
	}
	return false
}

// find matches the exchange again, or refuses it. A path that is masked is taken for the operation that it had.
func (q *question) find() bool {
	rec := q.rec
	if b := q.r.bases[rec.Basis]; b != nil {
		if q.old = b.APIs[rec.API]; q.old != nil {
			q.then = q.old.Operations[rec.Operation]
		}
	}
	seek := q.match
	if masked := strings.ContainsAny(rec.Path, "{…*"); masked || !strings.HasPrefix(rec.Path, "/") {
		seek = q.recall
	}
	if !seek() {
		return false
	}
	q.d.API, q.d.Operation = q.api.name, q.plan.op.Key
	q.now = q.r.s.basis.APIs[q.api.name].Operations[q.plan.op.Key]
	return true
}

// recall finds what an exchange was matched with whose path is masked, or may be: a star is a mask, or was sent.
func (q *question) recall() bool {
	i := slices.IndexFunc(q.r.s.apis, func(a *api) bool { return a.name == q.rec.API })
	if i < 0 {
		return q.lacks("openapi", "the API is gone, and the path is masked")
	}
	q.api = q.r.s.apis[i]
	if j := slices.IndexFunc(q.api.plans, func(p *plan) bool { return p.op.Key == q.rec.Operation }); j >= 0 {
		q.plan = q.api.plans[j]
		return true
	}
	unlisted := q.rec.Undocumented || q.d.Was == exchange.UnknownOperation.Code || q.d.Was == exchange.MethodNotAllowed.Code
	switch {
	case !unlisted:
		return q.lacks("openapi", "the operation is gone, and the path is masked")
	case !q.sameOperations():
		return q.lacks("openapi", "there are other operations now, and the path is masked")
	case q.api.settings.Unknown == "inspect":
		q.plan = q.api.door
		return true
	case q.rec.Undocumented:
		return q.settle(exchange.UnknownOperation.Code, "openapi")
	}
	return q.settle(q.d.Was, q.rec.Guard)
}

// sameOperations reports whether the API has the operations that it had then, so that what none matched, none does.
func (q *question) sameOperations() bool {
	if q.old == nil {
		return false
	}
	now := q.r.s.basis.APIs[q.api.name].Operations
	for key := range q.old.Operations {
		if now[key] == nil {
			return false
		}
	}
	return len(now) == len(q.old.Operations)
}

// match finds API and operation by host and path.
func (q *question) match() bool {
	parse := content.ParseTargetHost
	if q.r.s.matrix {
		parse = content.ParseTargetMatrix
	}
	target, _, err := parse(q.rec.Path)
	if err != nil {
		return q.lacks("openapi", "the path is not recorded whole")
	}
	a, rest, known := q.r.s.route(q.rec.Host, target.Segments)
	if a == nil {
		q.d.Operation = ""
		if !known {
			return q.settle(exchange.UnknownHost.Code, "gateway")
		}
		return q.settle(exchange.UnknownOperation.Code, "openapi")
	}
	q.api = a
	if a.settings.Challenge != nil && challenge.At(rest) {
		return q.settle(q.d.Was, q.rec.Guard) // answered by the gateway itself
	}
	m := a.matcher.Match(q.rec.Method, rest)
	switch {
	case m.Operation != nil:
		q.plan = a.byOperation[m.Operation]
	case q.rec.Method == "OPTIONS" && (q.rec.Operation != "" || q.d.Was == exchange.CORSRefused.Code):
		return q.settle(q.d.Was, q.rec.Guard) // a preflight, which CORS settles
	case a.settings.Unknown == "inspect":
		q.plan = a.door
	case len(m.Allow) > 0:
		q.d.Operation = ""
		return q.settle(exchange.MethodNotAllowed.Code, "openapi")
	default:
		q.d.Operation = ""
		return q.settle(exchange.UnknownOperation.Code, "openapi")
	}
	return true
}

// readable settles what is refused while the body is read.
func (q *question) readable() bool {
	if len(q.plan.phases[exchange.OnBody]) == 0 {
		return true
	}
	if q.family(q.rec.Code) == "content" && !q.legible() {
		return false
	}
	if q.rec.BytesIn > q.plan.limits.Bytes {
		return q.settle(exchange.BodyTooLarge.Code, "content")
	}
	return true
}

// legible keeps the refusal of a body that could not be read; true where that was not so.
func (q *question) legible() bool {
	switch {
	case !q.rec.Refused || q.rec.Guard != "content":
		return true
	case !q.same("bounds"):
		return q.lacks("content", "the bounds of bodies are others, and how large the body was is not known")
	}
	return q.settle(q.rec.Code, q.rec.Guard)
}

// walk asks the guards of a phase again; false where that settled the exchange.
func (q *question) walk(phase exchange.Phase) bool {
	steps := q.plan.phases[phase]
	for i := range steps {
		s := &steps[i]
		code, why := q.ask(s)
		switch {
		case s.mode == config.Monitor || code == "" && why == "":
		case why == unreached:
			q.d.Unjudged = append(q.d.Unjudged, s.guard.Name)
		case why != "":
			return q.lacks(s.guard.Name, why)
		default:
			return q.settle(code, s.guard.Name)
		}
	}
	return true
}

// settle ends the question with a reason, or "" for a pass. It is false, so that it can end whoever asks.
func (q *question) settle(code, guard string) bool {
	q.d.Would, q.d.Guard = code, guard
	switch {
	case code == q.d.Was:
		q.d.Change, q.d.Unjudged = Same, nil
	case q.d.Was == "":
		q.d.Change = NewlyRefused
	case code == "":
		q.d.Change = NewlyAllowed
	default:
		q.d.Change = OtherReason
	}
	q.charge(code)
	return false
}

func (q *question) lacks(guard, why string) bool {
	q.d.Change, q.d.Guard, q.d.Why = Undecidable, guard, why
	q.charge("")
	return false
}

// charge gives the limits what they learn at the end of an exchange.
func (q *question) charge(code string) {
	if q.e == nil || q.api == nil {
		return
	}
	status := q.rec.Status
	if reason := exchange.Lookup(code); reason != nil {
		q.e.Verdict, status = exchange.Refuse(reason, ""), reason.Status
	}
	q.api.rules.Charge(q.e, status)
	q.api.rules.Settle(q.e, q.rec.BytesIn, q.rec.BytesOut)
	q.api.rules.Release(q.e)
}

// exchange is what guards are shown of the record.
func (q *question) exchange() *exchange.Exchange {
	if q.e != nil {
		return q.e
	}
	q.e = recalled(q.rec, q.plan.op)
	return q.e
}

// check asks a guard itself.
func (q *question) check(s *step) (code, why string) {
	v, err := s.guard.Check(context.Background(), q.exchange())
	switch {
	case err != nil:
		return "", err.Error()
	case v.Passed():
		return "", ""
	case v.Reason == nil:
		return exchange.Internal.Code, ""
	}
	return v.Reason.Code, ""
}
