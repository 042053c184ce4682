package limit

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/openapi"
)

// Rules are the limits of one API in one snapshot. They are immutable and safe for concurrent use.
type Rules struct {
	l        *Limiter
	api      string
	refusals *rule // nil: off
	bots     bots
	rate     *rule // of the API; nil: none
	slots    slots
	fields   fields
	inFlight string // setting of the API's concurrency
	ledgers  *sync.Pool
	plans    *Plans
	plan     *plan // of whoever has no other; nil: none
	purse    *purse
	price    int64 // of operations that have none of their own
}

// Rules compiles the limits of one API. The error joins an [*Error] for each problem.
//
// Defaults: 300 refusals in a minute for a client, off where limit is 0; 1024 requests in flight, 256 of one client,
// unbounded where negative.
func (l *Limiter) Rules(api *config.API, plans *Plans) (*Rules, error) {
	at := "apis[" + api.Name + "]"
	r := &Rules{l: l, api: api.Name, plans: plans, plan: plans.byName(api.Plan), inFlight: at + ".concurrency", ledgers: &sync.Pool{New: func() any { return new(ledger) }}}
	var errs []error
	var err error
	if r.refusals, err = l.refusals(api, at); err != nil {
		errs = append(errs, err)
	}
	if r.bots, err = l.botsOf(api, at); err != nil {
		errs = append(errs, err)
	}
	if api.Rate != nil {
		if r.rate, err = l.newRule(api.Name+"\x00rate", api.Name, at+".rate", *api.Rate, expr.Scope{}); err != nil {
			errs = append(errs, err)
		}
	}
	var known bool
	if r.fields, known = newFields(api.RateHeaders); !known {
		errs = append(errs, &Error{at + ".rate_headers", fmt.Errorf("%q is none of draft, legacy, both and off", api.RateHeaders)})
	}
	if r.purse = l.spendOf(api, at); r.purse != nil {
		r.price = int64(api.Spend.Price)
	}
	r.slots = l.slots(api.Name, api.Concurrency, 1024, 256)
	return r, errors.Join(errs...)
}

// Fields are the names of the fields that tell a client the budget of an operation; none where it has none.
func (r *Rules) Fields(op *openapi.Operation) (names []string) {
	rated := r.rate != nil || op.Ext.Rate != nil
	if r.fields.draft && (rated || r.plans.any()) {
		names = append(names, "RateLimit", "RateLimit-Policy")
	}
	if r.fields.legacy && rated {
		names = append(names, "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
	}
	return names
}

func orDefault[T int | time.Duration](n, def T) T {
	if n == 0 {
		return def
	}
	return n
}

// refusals compiles the budget of refusals. It is always by client, whatever by says: at the door nobody is known.
func (l *Limiter) refusals(api *config.API, at string) (*rule, error) {
	c := config.Rate{Limit: 300, Per: config.Duration(time.Minute)}
	if api.Refusals != nil {
		c = *api.Refusals
	}
	if c.Limit == 0 {
		return nil, nil
	}
	if c.By != "" && c.By != "client" {
		return nil, &Error{at + ".refusals.by", errors.New("refusals are counted by client")}
	}
	c.By = "client"
	return l.newRule(api.Name+"\x00refusals", "refusals", at+".refusals", c, expr.Scope{})
}

// slots bound requests in flight.
type slots struct {
	l          *Limiter
	id         uint64 // of the per-client gauges
	clients    *gauges
	total      *gauge
	most, each int64 // in total and of one client; 0 or less: unbounded
}

// slots makes those of an API or operation. What the config has holds for all processes of a [Cluster] together; the defaults of
// an API protect this process.
func (l *Limiter) slots(name string, c config.Concurrency, most, each int) slots {
	id := l.ruleID(name + "\x00concurrency")
	return slots{l, id, l.clientsOf(id, c.Client > 0), l.total(name, c.Total > 0), int64(orDefault(c.Total, most)), int64(orDefault(c.Client, each))}
}

// acquire takes a slot of the total and of the client, or neither.
func (s *slots) acquire(e *exchange.Exchange, h *held) (ok bool, bound string) {
	if s.each > 0 {
		k, share := s.l.client(s.id, e.Client.Addr), s.share()
		switch {
		case s.clients.acquire(k, share, s.each):
			h.client, h.clients = k, s.clients
		case share < s.each:
			return false, "total"
		default:
			return false, "client"
		}
	}
	if s.most > 0 {
		if !s.total.acquire(s.most) {
			h.release()
			return false, "total"
		}
		h.total = s.total
	}
	return true, ""
}

// share is how many slots a client may hold while so many of the total are free: the fewer, the less, but always one; a client on its
// own reaches its bound. So a few addresses that hold what they get, by bodies or reading that never end, cannot take the
// total from everybody else (Choudhury and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet Switches, 1998).
func (s *slots) share() int64 {
	others := s.most - s.each
	if others <= 0 {
		return s.each
	}
	free := s.most - s.total.n.Load() - s.total.others.Load()
	return max(1, min(s.each, (free*s.each+others-1)/others))
}

// held are the slots that one exchange has taken.
type held struct {
	client  key
	clients *gauges // nil: unbounded
	total   *gauge
}

func (h *held) release() {
	if h.clients != nil {
		h.clients.release(h.client)
	}
	if h.total != nil {
		h.total.release()
	}
	*h = held{}
}

// setting names the key of an operation in the config.
func (r *Rules) setting(op *openapi.Operation, key string) string {
	return "apis[" + r.api + "].operations[" + fmt.Sprintf("%q", op.Key) + "]." + key
}

// policies joins the policy items of rules that are shown to clients.
func policies(rules []spending) string {
	var items []string
	for i := range rules {
		if !rules[i].failures {
			items = append(items, rules[i].policy)
		}
	}
	return strings.Join(items, ", ")
}
