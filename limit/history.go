package limit

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
)

// A History is what operations were asked for, from which rates are proposed. It is told of counts and records, then [History.Propose]
// is called, then it is told of the same records once more: whom the proposals would have refused is decided by the counters that
// requests meet. It is not safe for concurrent use.
type History struct {
	l          *Limiter
	now        time.Time // of the record that is told of
	operations map[[2]string]*asked
	askers     int
	named      int
}

// Early are the guards whose refusals come before rates are asked: what they refused is no part of a history.
var Early = []string{"limit.admit", "identity", "policy.operation"}

// Bounds of a history.
const (
	maxAskers = 1_000_000 // pairs of operation and caller, about 100 MB; of others nothing is known
	maxNamed  = 10_000    // callers that would be refused whose names are known
)

// asked is what one operation was asked for.
type asked struct {
	api, key string
	id       uint64
	counted  int64   // requests
	known    int64   // requests whose record tells the caller
	minutes  []int64 // requests in each minute with any
	askers   map[key]*asker
	proposed *rule
	why      string // nothing is proposed
	refused  int64
	names    map[key]Asker
}

// asker is one caller of one operation.
type asker struct{ minute, now, most, all, refused int64 }

// NewHistory makes an empty one, of what happened since from.
func NewHistory(from time.Time) *History {
	h := &History{now: from, operations: map[[2]string]*asked{}}
	h.l = New(Options{Keys: maxAskers, Now: func() time.Time { return h.now }})
	return h
}

// Counted tells of requests that were counted, with a record or not.
func (h *History) Counted(api, operation string, n int64) {
	if a := h.of(api, operation); a != nil {
		a.counted += n
	}
}

// Minute tells how many requests there were in one minute.
func (h *History) Minute(api, operation string, n int64) {
	if a := h.of(api, operation); a != nil {
		a.minutes = append(a.minutes, n)
	}
}

// Learn tells of a record, the oldest first.
func (h *History) Learn(r *exchange.Record) {
	a, e := h.read(r)
	if a == nil {
		return
	}
	k := h.l.principal(a.id, e)
	one := a.askers[k]
	if one == nil {
		if h.askers == maxAskers {
			return
		}
		h.askers++
		one = new(asker)
		a.askers[k] = one
	}
	if minute := r.Time.Unix() / 60; minute > one.minute {
		one.minute, one.now = minute, 0
	}
	a.known++
	one.all++
	one.now++
	one.most = max(one.most, one.now)
}

// Try tells of the record once more, after proposals were made.
func (h *History) Try(r *exchange.Record) {
	a, e := h.read(r)
	if a == nil || a.proposed == nil {
		return
	}
	k, p := h.l.principal(a.id, e), a.proposed
	one := a.askers[k]
	if _, ok := h.l.counters.take(p.by(p.id, e), p.id, &p.rate, h.l.ticks(), 1); ok || one == nil {
		return
	}
	if one.refused == 0 && h.named < maxNamed {
		h.named++
		a.names[k] = askerOf(e)
	}
	one.refused++
	a.refused++
}

// of is the operation; nil for what stands for all that the spec does not know.
func (h *History) of(api, operation string) *asked {
	if !strings.Contains(operation, " ") {
		return nil
	}
	at := [2]string{api, operation}
	a := h.operations[at]
	if a == nil {
		a = &asked{api: api, key: operation, id: h.l.ruleID(api + "\x00" + operation), askers: map[key]*asker{}, names: map[key]Asker{}}
		h.operations[at] = a
	}
	return a
}

// read is the operation of a record, and who asked; nil where that is not known any more, or the request was refused before its rate.
func (h *History) read(r *exchange.Record) (*asked, *exchange.Exchange) {
	addr, err := netip.ParseAddr(r.Client)
	if (err != nil && r.Principal == nil) || (r.Refused && slices.Contains(Early, r.Guard)) || r.Undocumented {
		return nil, nil
	}
	e := &exchange.Exchange{Client: exchange.Client{Addr: addr}}
	if p := r.Principal; p != nil {
		e.Principal = &exchange.Principal{Subject: p.Subject, Issuer: p.Issuer}
	}
	h.now = r.Time
	return h.of(r.API, r.Operation), e
}

// Propose makes proposals: headroom times what 99 of 100 callers needed in their busiest minute.
func (h *History) Propose(headroom float64) error {
	for _, a := range h.operations {
		if a.counted = max(a.counted, a.known); a.known == 0 {
			a.why = "no record tells who asked"
			continue
		}
		share := float64(a.known) / float64(a.counted)
		if share < leastShare {
			a.why = "too few requests have a record: store.passed"
			continue
		}
		limit := friendly(headroom * float64(a.busiest().P99) / share)
		var err error
		if a.proposed, err = h.l.newRule(a.api+"\x00"+a.key, "", "", config.Rate{Limit: limit, Per: config.Duration(time.Minute)}, expr.Scope{}); err != nil {
			return err
		}
	}
	return nil
}
