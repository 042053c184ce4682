package limit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/openapi"
)

// quotas is the guard "limit.quota" of one operation.
type quotas struct {
	*Rules
	cost  int64
	price int64
}

// A purse is what may be spent on an upstream.
type purse struct {
	account *quota.Account
	limits  quota.Limits
	span    quota.Span
	setting string
}

// Quota builds the guard "limit.quota" of an operation (OnHead): the plan of whoever asks, and what the upstream may
// cost. It comes after the other limits, so that what they refuse uses nothing. Where neither is configured there is no
// guard: its Check is nil.
func (r *Rules) Quota(op *openapi.Operation) (exchange.Guard, error) {
	if !r.plans.any() && r.purse == nil {
		return exchange.Guard{}, nil
	}
	q := quotas{Rules: r, cost: int64(max(op.Ext.Cost, 1)), price: int64(op.Ext.Price)}
	if q.price == 0 && r.purse != nil {
		q.price = r.price
	}
	if r.purse != nil && q.price > r.purse.limits[r.purse.span][quota.Units] {
		return exchange.Guard{}, &Error{r.setting(op, "price"), errPrice}
	}
	return exchange.Guard{Name: "limit.quota", Phase: exchange.OnHead, Check: q.check}, nil
}

var errPrice = errors.New("a request whose price is more than the cap could never pass")

func (q quotas) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	now := q.l.now()
	w := q.l.book.At(now)
	p, known := q.plans.of(e, q.plan)
	if !known {
		return exchange.Refuse(exchange.PlanUnknown, fmt.Sprintf("the credential names the plan %q", e.Principal.Plan)).WithSetting("plans"), nil
	}
	if p != nil {
		if v := q.use(e, p, w, now); !v.Passed() {
			return v, nil
		}
	}
	return q.pay(e, w, now), nil
}

// use takes what one request uses of a plan.
func (q *quotas) use(e *exchange.Exchange, p *plan, w *quota.Windows, now time.Time) exchange.Verdict {
	var paced state
	var taken key
	if p.rate != nil {
		ticks := q.l.ticks()
		taken = p.rate.by(p.rate.id, e)
		tat, ok := q.l.counters.take(taken, p.rate.id, &p.rate.rate, ticks, 1)
		paced = p.rate.state(tat, ticks)
		if !ok {
			wait := p.rate.wait(tat, ticks, 1)
			v := exchange.Refuse(exchange.RateExceeded, "the rate of plan "+p.name+" is exhausted").WithSetting(p.rate.setting).WithRetry(after(wait))
			return q.fields.refusal(v, []state{paced}, p.rate.policy)
		}
	}
	a := q.account(p, e)
	used, over, ok := q.l.book.Take(a, &p.limits, p.name, quota.Use{quota.Requests: 1, quota.Units: q.cost}, w)
	if !ok {
		if p.rate != nil {
			q.l.counters.giveBack(taken, p.rate.interval)
		}
		p.refused[over].Add(1)
		v := exchange.Refuse(exchange.QuotaExceeded, "the quota of plan "+p.name+" for this "+over.String()+" is used up").
			WithSetting("plans[" + p.name + "]." + over.String()).WithRetry(time.Duration(w[over].End-now.Unix()) * time.Second)
		if q.fields.draft {
			v = v.WithHeader("Ratelimit-Policy", p.policies(w)).WithHeader("Ratelimit", q.told(p, paced, &used, w, now))
		}
		return v
	}
	p.passed.Add(1)
	b := q.ledger(e)
	b.account, b.plan = a, p
	if q.fields.draft {
		e.Reply.Grow(2)
		e.Reply.Add("Ratelimit-Policy", p.policies(w)) // lists, as other limits may have begun
		e.Reply.Add("Ratelimit", q.told(p, paced, &used, w, now))
	}
	return exchange.Pass
}

// told is what RateLimit says of a plan: one allocation, as [rateLimit] is.
func (*quotas) told(p *plan, paced state, used *quota.Limits, w *quota.Windows, now time.Time) string {
	var room [256]byte
	b := room[:0]
	if p.rate != nil {
		b = appendRateLimit(b, []state{paced})
	}
	return string(p.left(b, used, w, now.Unix()))
}

// pay takes the price of a request from the purse.
func (q *quotas) pay(e *exchange.Exchange, w *quota.Windows, now time.Time) exchange.Verdict {
	if q.purse == nil || q.price == 0 {
		return exchange.Pass
	}
	_, _, ok := q.l.book.Take(q.purse.account, &q.purse.limits, "", quota.Use{quota.Requests: 1, quota.Units: q.price}, w)
	if !ok {
		return exchange.Refuse(exchange.SpendExceeded, "what may be spent on the upstream this "+q.purse.span.String()+" is spent").
			WithSetting(q.purse.setting).WithRetry(time.Duration(w[q.purse.span].End-now.Unix()) * time.Second)
	}
	q.ledger(e).paid = q.price
	return exchange.Pass
}

// Settle charges what only the end of an exchange tells: bytes and records to whoever asked, and back to the purse what
// was not spent, because nothing was sent to the upstream. The gateway calls it once, before Release.
func (r *Rules) Settle(e *exchange.Exchange, in, out int64) {
	b, ok := e.Ledger.(*ledger)
	if !ok {
		return
	}
	if b.account != nil {
		r.l.book.Charge(b.account, quota.Use{quota.Octets: in + out, quota.Records: countRecords(e, b.plan)})
	}
	if b.paid > 0 && e.Upstream.Attempts == 0 {
		r.l.book.Charge(r.purse.account, quota.Use{quota.Requests: -1, quota.Units: -b.paid})
	}
}

// spendOf compiles what may be spent on the upstream of an API; nil where nothing is said.
func (l *Limiter) spendOf(api *config.API, at string) *purse {
	if api.Spend == nil {
		return nil
	}
	p := &purse{setting: at + ".spend.cap"}
	if api.Spend.Per == "month" {
		p.span = quota.Month
	}
	p.limits[p.span][quota.Units] = int64(api.Spend.Cap)
	h := quota.Holder{Kind: "upstream", Name: api.Name}
	p.account = l.book.Open(l.keyOf(h), h)
	return p
}
