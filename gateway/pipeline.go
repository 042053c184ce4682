package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/protect"
	"github.com/sallyport/sallyport/validate"
)

// pipeline is the order of the whole product. Within a phase, guards are asked in this order; the first refusal of a
// guard that enforces settles the exchange.
//
// Admission comes before identity, because looking a credential up is work that an attacker can order. Identity comes
// before everything that asks who; cheap judgements come before costly ones.
func (b *builder) pipeline(op *openapi.Operation) []exchange.Guard {
	var list []exchange.Guard
	add := func(family string) func([]exchange.Guard, error) {
		return func(guards []exchange.Guard, err error) {
			if err != nil {
				b.fail(op, family, err)
			}
			list = append(list, guards...)
		}
	}
	add("limit")(one(b.rules.Admit(), nil))
	add("limit")(one(b.agents.Guard(), nil))
	rate := b.rated()
	add("limit")(in(exchange.OnConnect, rate), nil)
	if b.asksWho(op) {
		add("identity")(one(b.identity.Guard(op, b.doc.Schemes, b.api.Security)))
		add("identity")(one(b.managed.Guard(), nil))
	}
	add("identity")(b.who, nil)
	add("limit")(in(exchange.OnHead, rate), nil) // of who came with a credential
	if !op.Undocumented {
		add("policy")(one(policy.Operation(op, b.policy(op))))
	}
	spend, err := b.rules.Spend(op)
	add("limit")(in(exchange.OnHead, spend), err)
	add("limit")(one(b.rules.Quota(op)))
	add("validate")(validate.Guards(b.api.Name, op, b.api.Validate), nil)
	add("limit")(in(exchange.OnBody, spend), nil) // keys that read the body: of a valid one
	if !op.Undocumented {
		add("policy")(policy.Object(op, b.policy(op)))
	}
	if b.inspector != nil && b.inspected(op) {
		add("inspect")(b.inspector.Guards(b.api.Inspect, op, b.mode(op, "validate.body") == config.Enforce))
	}
	add("protect")(protect.Guards(op, b.api.Protect, b.fields(op)))
	return list
}

func in(phase exchange.Phase, guards []exchange.Guard) []exchange.Guard {
	return slices.DeleteFunc(slices.Clone(guards), func(g exchange.Guard) bool { return g.Phase != phase })
}

func one(g exchange.Guard, err error) ([]exchange.Guard, error) {
	if g.Check == nil {
		return nil, err
	}
	return []exchange.Guard{g}, err
}

// A step is a guard in its place, with its mode resolved.
type step struct {
	guard exchange.Guard
	mode  config.Mode
}

// ask walks the guards of one phase. It is the only place that knows modes: a guard that monitors is asked, its verdict
// and timing are recorded, and every change that it made is taken back.
func (x *serving) ask(ctx context.Context, steps []step) exchange.Verdict {
	if len(steps) == 0 {
		return exchange.Pass
	}
	start := time.Since(x.e.Start) // one look at the clock between two guards, and at the cheap one
	for i := range steps {
		s := &steps[i]
		before := x.mark()
		v := x.check(ctx, s)
		end := time.Since(x.e.Start)
		taken := exchange.Step{Guard: s.guard.Name, Mode: s.mode, Took: end - start}
		start = end
		if !v.Passed() {
			refused := v // a verdict that passed stays off the heap
			taken.Verdict = &refused
		}
		x.e.Steps = append(x.e.Steps, taken)
		if s.mode == config.Monitor {
			x.rollback(before)
			continue
		}
		if !v.Passed() {
			x.refusedBy = s.guard.Name
			return v
		}
	}
	return exchange.Pass
}

// note records what a guard in monitor mode has to say where it is not asked by the loop.
func (x *serving) note(guard string, v exchange.Verdict) {
	taken := exchange.Step{Guard: guard, Mode: config.Monitor}
	if !v.Passed() {
		taken.Verdict = &v
	}
	x.e.Steps = append(x.e.Steps, taken)
}

// check asks one guard. An error, a panic and a zero Verdict refuse.
func (x *serving) check(ctx context.Context, s *step) (v exchange.Verdict) {
	defer x.recovered(s.guard.Name, &v)
	v, err := s.guard.Check(ctx, &x.e)
	if ctx.Err() != nil && !v.Refused() {
		return x.late(ctx, s)
	}
	if err != nil {
		slog.Error("guard failed", "guard", s.guard.Name, "exchange", x.e.ID, "error", err)
		return exchange.Refuse(exchange.Internal, "guard "+s.guard.Name+" failed: "+err.Error())
	}
	if !v.Passed() && !v.Refused() {
		return exchange.Refuse(exchange.Internal, "guard "+s.guard.Name+" gave no verdict")
	}
	return v
}

// late refuses where a guard came to no verdict, or to Pass, only after the exchange's time was over or the client had
// gone: it does not go on as if nothing had happened.
func (x *serving) late(ctx context.Context, s *step) exchange.Verdict {
	if errors.Is(ctx.Err(), context.Canceled) {
		x.gone = true
		return exchange.Refuse(exchange.BodyIncomplete, "the client has gone while "+s.guard.Name+" was asked")
	}
	slog.Error("guard took too long", "guard", s.guard.Name, "exchange", x.e.ID)
	return exchange.Refuse(exchange.Internal, s.guard.Name+" did not judge within the operation's timeout").WithSetting("timeout of " + x.operation())
}

func (x *serving) operation() string {
	if x.e.Operation == nil {
		return "apis[" + x.e.API + "]"
	}
	return x.e.Operation.Key
}

// marks remember how much had been changed before a guard was asked.
type marks struct{ outgoing, reply, body, response int }

func (x *serving) mark() marks {
	m := marks{outgoing: x.e.Outgoing.Len(), reply: x.e.Reply.Len(), body: x.e.Body.Mark()}
	if x.e.Response != nil {
		m.response = x.e.Response.Body.Mark()
	}
	return m
}

func (x *serving) rollback(m marks) {
	x.e.Outgoing.Truncate(m.outgoing)
	x.e.Reply.Truncate(m.reply)
	x.e.Body.Rollback(m.body)
	if x.e.Response != nil {
		x.e.Response.Body.Rollback(m.response)
	}
}
