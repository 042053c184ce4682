package limit

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// Charge settles what an exchange owes. The gateway calls it once, before Release, with the status that the client
// received.
//
// A refusal that settled the exchange, so one of a guard that enforces, costs the client one of its budget at the door
// when the client caused it: the statuses below 500. Unknown paths count, because searching for them is guessing.
// Refusals of this package do not: they would turn a client that merely retries too fast into one that is shut out, and
// a client at the door could never come back in.
//
// A failed credential (401 or 403, from the service or from the gateway) spends one of the rates with count: failures
// that the request was asked about, and one at the door. So who tries one password on many accounts pays as a client,
// and many clients who try one account are stopped by the account's key.
//
// What the client is to those who have to choose is noted as well: see [Limiter.Standing].
//
// It returns for how long the client is to wait for its answer, so that who goes on after many refusals goes on slowly.
func (r *Rules) Charge(e *exchange.Exchange, status int) (wait time.Duration) {
	refused := chargeable(e.Verdict)
	failed := failure(status) || e.Response != nil && failure(e.Response.Status)
	b, _ := e.Ledger.(*ledger)
	if failed && b != nil && b.owed > 0 {
		now := r.l.ticks()
		for _, d := range b.debts[:b.owed] {
			r.l.counters.owe(d.key, d.rule.id, &d.rule.rate, now, 1)
		}
		b.owed = 0
		refused = true
	}
	if refused && r.refusals != nil {
		r.l.counters.owe(r.l.client(r.refusals.id, e.Client.Addr), r.refusals.id, &r.refusals.rate, r.l.ticks(), work(e))
	}
	r.bots.remember(e, status)
	switch {
	case e.Verdict.Reason == exchange.AdmissionRefused:
		refused = true
		r.l.turnedAway(e.Client.Addr)
	case e.Principal != nil && !e.Verdict.Refused():
		r.l.know(e.Client.Addr)
	case refused:
		r.l.serve(e.Client.Addr, false)
	case !e.Verdict.Refused() && status < http.StatusBadRequest:
		r.l.serve(e.Client.Addr, true)
	}
	if !refused || r.refusals == nil || e.Client.Addr.IsLoopback() {
		return 0
	}
	return r.patience(e.Client.Addr)
}

// longestWait for an answer is short enough for every client to wait for it.
const longestWait = time.Second

// patience is how long a client waits that has caused so many refusals: a thirtieth of its budget costs no time, then each takes the longer
// the more there were, and up to a second once a sixth is spent. No two wait for the same time, or they would all come again together.
func (r *Rules) patience(a netip.Addr) time.Duration {
	now := r.l.ticks()
	spent := float64(r.l.counters.peek(r.l.client(r.refusals.id, a), r.refusals.id, now) - now)
	free, full := float64(r.refusals.tolerance)/30, float64(r.refusals.tolerance)/6
	share := max(0, min(1, (spent-free)/(full-free)))
	return time.Duration(share * (0.5 + rand.Float64()/2) * float64(longestWait))
}

// work is what a refusal has cost us, in refusals that were settled by the head alone: a credential that had to be looked up or
// verified is as much again, and so is each KiB of a body that was parsed, validated and inspected. Ten at most: who sends one large
// body with a mistake in it is no attacker.
func work(e *exchange.Exchange) int64 {
	n := int64(1)
	if e.Verdict.Reason != nil && e.Verdict.Reason.Status == http.StatusUnauthorized {
		n++
	}
	return min(n+int64(len(e.Body.Raw()))>>10, 10)
}

func failure(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

func chargeable(v exchange.Verdict) bool {
	if !v.Refused() {
		return false
	}
	switch v.Reason {
	case exchange.AdmissionRefused, exchange.Listed, exchange.BotRefused, exchange.Banned, exchange.Overloaded, exchange.RateExceeded, exchange.TooManyFailures, exchange.QuotaExceeded, exchange.Concurrency:
		return false
	}
	return v.Reason.Status < http.StatusInternalServerError
}
