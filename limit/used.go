package limit

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

// UsedFilter selects; what is "" or 0 selects all.
type UsedFilter struct {
	Plan, Window, Kind, Name string
	Limit                    int
}

// Used lists what is used in the present windows, by whoever has used something, closest to a bound first.
func (l *Limiter) Used(f UsedFilter) []Used {
	w := l.calendar.at(l.now())
	list := []Used{}
	for _, a := range l.accounts.all() {
		if f.Kind != "" && f.Kind != a.holder.Kind || f.Name != "" && f.Name != a.holder.Name {
			continue
		}
		for s := range spans {
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
func (a *account) tell(s span, w *windows) (u Used, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &a.of[s]
	if t.start < w[s].start || t.used == (use{}) {
		return u, false
	}
	u = Used{Holder: a.holder, Plan: a.named, Window: s.String(), Start: time.Unix(w[s].start, 0).UTC(), End: time.Unix(w[s].end, 0).UTC(), Used: amounts(t.used)}
	var most use
	switch {
	case a.plan != nil:
		most = a.plan.limits[s]
	case a.most != nil:
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

func amounts(u use) Amounts { return Amounts{u[requests], u[units], u[octets], u[records]} }

// QuotaStats are for metrics.
type QuotaStats struct {
	Accounts int                  // in memory
	Waiting  int                  // accounts whose use is not written yet
	Failures uint64               // attempts to write that failed
	Spilled  uint64               // requests whose account had no room of its own
	Passed   map[string]uint64    // requests let through, by plan
	Refused  map[[2]string]uint64 // requests refused, by plan and window
	// Spent is what was spent on upstreams in their window, and Caps what may be, by API.
	Spent, Caps map[string]float64
}

// QuotaStats tells how quotas stand.
func (l *Limiter) QuotaStats() QuotaStats {
	t := l.accounts
	t.mu.Lock()
	s := QuotaStats{Accounts: t.n[0] + t.n[1], Waiting: len(t.queue), Spilled: t.spilled, Failures: l.unwritten.Load(), Passed: map[string]uint64{},
		Refused: map[[2]string]uint64{}, Spent: map[string]float64{}, Caps: map[string]float64{}}
	t.mu.Unlock()
	l.mu.Lock()
	for at, n := range l.counts {
		if at[1] == "" {
			s.Passed[at[0]] = n.Load()
		} else {
			s.Refused[at] = n.Load()
		}
	}
	l.mu.Unlock()
	for _, u := range l.Used(UsedFilter{Kind: "upstream"}) {
		if u.Limit.Units > 0 {
			s.Spent[u.Name], s.Caps[u.Name] = float64(u.Used.Units)/1e6, float64(u.Limit.Units)/1e6
		}
	}
	return s
}
