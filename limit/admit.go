package limit

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/quota"
)

// Admit builds the guard "limit.admit" (OnConnect). It refuses clients that are on a list, that are banned or whose budget of refusals is spent, and
// strangers while the gateway is overloaded; and it takes a slot of concurrency of the client and of the API.
func (r *Rules) Admit() exchange.Guard {
	return exchange.Guard{Name: "limit.admit", Phase: exchange.OnConnect, Check: r.admit}
}

func (r *Rules) admit(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if v := r.l.listed(e); !v.Passed() {
		return v, nil
	}
	if until, banned := r.l.Banned(e.Client.Addr); banned {
		return exchange.Refuse(exchange.Banned, "the client is banned until "+until.UTC().Format(time.RFC3339)).
			WithSetting("abuse.bans").WithRetry(after(until.Sub(r.l.now()))), nil
	}
	if r.refusals != nil {
		now := r.l.ticks()
		tat := r.l.counters.peek(r.l.client(r.refusals.id, e.Client.Addr), r.refusals.id, now)
		if wait := r.refusals.wait(tat, now, 1); wait > 0 {
			return exchange.Refuse(exchange.AdmissionRefused, "the client's budget of refusals is spent").
				WithSetting(r.refusals.setting).WithRetry(after(wait)), nil
		}
	}
	b := r.ledger(e)
	if r.l.stranger(e.Client.Addr) {
		if !r.l.overload.enter(r.l.abuse.Load().shedding) {
			return exchange.Refuse(exchange.Overloaded, "strangers are refused while work waits for a processor").
				WithSetting("abuse.overload").WithRetry(overloadRetry), nil
		}
		b.stranger = true
	}
	if ok, bound := r.slots.acquire(e, &b.api); !ok {
		return busy(bound, r.inFlight), nil
	}
	return exchange.Pass, nil
}

// overloadRetry is longer than the time in which the bound settles.
const overloadRetry = 5 * time.Second

func busy(bound, setting string) exchange.Verdict {
	return exchange.Refuse(exchange.Concurrency, "as many requests in flight as allowed").
		WithSetting(setting + "." + bound).WithRetry(time.Second)
}

// A ledger is what limit remembers of one exchange between its guards and its end.
type ledger struct {
	api, operation held
	debts          [4]debt
	owed           int  // debts in use
	stranger       bool // counted among those in flight
	account        *quota.Account
	plan           *plan // of the account
	paid           int64 // from the purse
}

// A debt is a key that is charged when the exchange turns out to be a failure. It is kept because the key must be the
// one that was asked about: parameters may be unsealed in between.
type debt struct {
	rule *rule
	key  key
}

func (r *Rules) ledger(e *exchange.Exchange) *ledger {
	if b, ok := e.Ledger.(*ledger); ok {
		return b
	}
	b := r.ledgers.Get().(*ledger)
	e.Ledger = b
	return b
}

// Release gives the slots of an exchange back. The gateway calls it once, at the very end, on every path, with the Rules
// that admitted the exchange.
func (r *Rules) Release(e *exchange.Exchange) {
	b, ok := e.Ledger.(*ledger)
	if !ok {
		return
	}
	e.Ledger = nil
	b.operation.release()
	b.api.release()
	if b.stranger {
		r.l.overload.leave()
	}
	*b = ledger{}
	r.ledgers.Put(b)
}
