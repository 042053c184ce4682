package limit

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/openapi"
)

// spending is one rule as an operation meets it.
type spending struct {
	*rule
	cost int64
}

// spender is the guard of one operation in one phase.
type spender struct {
	*Rules
	rules  []spending
	policy string // RateLimit-Policy
	slots  *slots // nil but for the first guard of an operation that bounds concurrency
	busy   string // setting of the concurrency
	later  bool   // an earlier guard of the operation may have set fields already
}

// Spend builds the guards "limit.spend" of an operation: none to two, OnHead, and OnBody where a key reads the body. The
// latter must be asked for requests without a body too. The error joins an [*Error] for each problem.
func (r *Rules) Spend(op *openapi.Operation) ([]exchange.Guard, error) {
	rules, err := r.spendings(op)
	if err != nil {
		return nil, err
	}
	head, body := spender{Rules: r}, spender{Rules: r}
	for _, s := range rules {
		if s.onBody() {
			body.rules = append(body.rules, s)
		} else {
			head.rules = append(head.rules, s)
		}
	}
	if c := op.Ext.Concurrency; c != nil && (c.Total > 0 || c.Client > 0) {
		s := r.l.slots(r.api+"\x00"+op.Key, *c, 0, 0)
		head.slots, head.busy = &s, r.setting(op, "concurrency")
	}
	head.policy, body.policy = policies(head.rules), policies(body.rules)
	body.later = head.policy != ""
	var guards []exchange.Guard
	if head.slots != nil || len(head.rules) > 0 {
		guards = append(guards, exchange.Guard{Name: "limit.spend", Phase: exchange.OnHead, Check: head.check})
	}
	if len(body.rules) > 0 {
		guards = append(guards, exchange.Guard{Name: "limit.spend", Phase: exchange.OnBody, Check: body.check})
	}
	return guards, nil
}

// spendings lists what a request of the operation spends.
func (r *Rules) spendings(op *openapi.Operation) ([]spending, error) {
	var out []spending
	var errs []error
	cost := int64(max(op.Ext.Cost, 1))
	if r.rate != nil {
		if cost > r.rate.burst {
			errs = append(errs, &Error{r.setting(op, "cost"), errCost})
		}
		out = append(out, spending{r.rate, cost})
	}
	if op.Ext.Cost < 0 {
		errs = append(errs, &Error{r.setting(op, "cost"), errors.New("cost must not be negative")})
	}
	if c := op.Ext.Rate; c != nil {
		rule, err := r.l.newRule(r.api+"\x00"+op.Key, op.ID, r.setting(op, "rate"), *c, expr.Scope{Operation: op})
		if err != nil {
			errs = append(errs, err)
		} else {
			out = append(out, spending{rule, 1})
		}
	}
	return out, errors.Join(errs...)
}

func (s spender) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if s.slots != nil {
		b := s.ledger(e)
		if ok, bound := s.slots.acquire(e, &b.operation); !ok {
			return busy(bound, s.busy), nil
		}
	}
	now := s.l.ticks()
	var states [2]state
	var taken [2]key
	n := 0
	for i := range s.rules {
		r := &s.rules[i]
		k, err := r.key(e)
		if err != nil {
			s.undo(taken[:i])
			return exchange.Refuse(exchange.Uncountable, err.Error()).WithSetting(r.setting + ".by"), nil
		}
		taken[i] = k
		if r.failures {
			if v := s.ask(e, r, k, now); !v.Passed() {
				s.undo(taken[:i])
				return v, nil
			}
			continue
		}
		tat, ok := s.l.counters.take(k, r.id, &r.rate, now, r.cost)
		states[n] = r.rule.state(tat, now)
		n++
		if !ok {
			s.undo(taken[:i])
			return s.exceeded(r, states[:n], tat, now), nil
		}
	}
	e.Reply.Grow(5)
	s.fields.write(states[:n], s.policy, func(name, value string) {
		if s.later && s.fields.draft && name[0] == 'R' {
			e.Reply.Add(name, value) // both fields are lists, the earlier items stay
			return
		}
		e.Reply.Set(name, value)
	})
	return exchange.Pass, nil
}

// ask looks whether failures are left, without spending one, and remembers the key to charge.
func (s *spender) ask(e *exchange.Exchange, r *spending, k key, now int64) exchange.Verdict {
	tat := s.l.counters.peek(k, r.id, now)
	if wait := r.wait(tat, now, 1); wait > 0 {
		return exchange.Refuse(exchange.TooManyFailures, "too many failures under this key").
			WithSetting(r.setting).WithRetry(after(wait))
	}
	b := s.ledger(e)
	b.debts[b.owed] = debt{r.rule, k}
	b.owed++
	return exchange.Pass
}

// undo gives back what a request has spent that is refused after all: a refusal costs nothing but at admission.
func (s *spender) undo(taken []key) {
	for i, k := range taken {
		if r := &s.rules[i]; !r.failures {
			s.l.counters.giveBack(k, r.cost*r.interval)
		}
	}
}

func (s *spender) exceeded(r *spending, states []state, tat, now int64) exchange.Verdict {
	wait := r.wait(tat, now, r.cost)
	last := &states[len(states)-1]
	// Retry-After must not lie before the end of the effective window (section 6 of the draft).
	last.next = wait
	policy := s.policy
	if len(states) < len(s.rules) {
		policy = policies(s.rules[:len(states)])
	}
	v := exchange.Refuse(exchange.RateExceeded, "the rate is exhausted").WithSetting(r.setting).WithRetry(after(wait))
	return s.fields.refusal(v, states, policy)
}
