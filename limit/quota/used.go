package quota

import (
	"cmp"
	"slices"
	"time"
)

// Used is what a holder has used in one window.
type Used struct {
	Holder
	Plan   string    `json:"plan,omitempty"` // that it was used under last
	Window string    `json:"window"`         // day, month
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Used   Amounts   `json:"used"`
	Limit  Amounts   `json:"limit"` // 0: no bound
	Share  float64   `json:"share"` // of the bound that is closest; 0 where there is none
}

// Amounts are quantities by what is counted. Of upstreams, units are millionths of the price.
type Amounts struct {
	Requests int64 `json:"requests"`
	Units    int64 `json:"units"`
	Bytes    int64 `json:"bytes"`
	Records  int64 `json:"records"`
}

// A Filter selects; what is "" or 0 selects all.
type Filter struct {
	Plan, Window, Kind, Name string
	Limit                    int
}

// Used lists what is used in the present windows, by whoever has used something, closest to a bound first.
func (b *Book) Used(f Filter) []Used {
	w := b.calendar.at(b.now())
	list := []Used{}
	for _, a := range b.accounts.all() {
		if f.Kind != "" && f.Kind != a.holder.Kind || f.Name != "" && f.Name != a.holder.Name {
			continue
		}
		for s := range Spans {
			if u, ok := a.tell(s, w); ok && (f.Plan == "" || f.Plan == u.Plan) && (f.Window == "" || f.Window == u.Window) {
				list = append(list, u)
			}
		}
	}
	slices.SortFunc(list, func(a, b Used) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Used.Requests, a.Used.Requests), a.Holder.compare(b.Holder), cmp.Compare(a.Window, b.Window))
	})
	if f.Limit > 0 && len(list) > f.Limit {
		list = list[:f.Limit]
	}
	return list
}

// tell says what is used in the present window; ok is false where that is nothing.
func (a *Account) tell(s Span, w *Windows) (u Used, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &a.of[s]
	if t.start < w[s].Start || t.used == (Use{}) {
		return u, false
	}
	u = Used{Holder: a.holder, Plan: a.named, Window: s.String(), Start: time.Unix(w[s].Start, 0).UTC(), End: time.Unix(w[s].End, 0).UTC(), Used: amounts(t.used)}
	var most Use
	if a.most != nil {
		most = a.most[s]
	}
	u.Limit = amounts(most)
	for m, n := range most {
		if n > 0 {
			u.Share = max(u.Share, float64(t.used[m])/float64(n))
		}
	}
	return u, true
}

func amounts(u Use) Amounts { return Amounts{u[Requests], u[Units], u[Octets], u[Records]} }

// Stats are for metrics.
type Stats struct {
	Accounts int    // in memory
	Waiting  int    // accounts whose use is not written yet
	Failures uint64 // attempts to write that failed
	Spilled  uint64 // requests whose account had no room of its own
}

// Stats tells how the book stands.
func (b *Book) Stats() Stats {
	t := b.accounts
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{t.n[0] + t.n[1], len(t.queue), b.unwritten.Load(), t.spilled}
}
