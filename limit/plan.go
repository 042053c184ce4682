package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/limit/quota"
)

// Plans are the plans of one snapshot, compiled. They are immutable and safe for concurrent use. Nil has none.
type Plans struct {
	named  map[string]*plan
	tenant map[string]*plan
}

// A plan is one of the config, compiled.
type plan struct {
	name     string
	byTenant bool
	rate     *rule // nil: none
	limits   quota.Limits
	items    []bounding // what is bounded, in the order in which clients are told
	passed   *atomic.Uint64
	refused  [quota.Spans]*atomic.Uint64
	policy   atomic.Pointer[shown] // RateLimit-Policy of this month
}

// A bounding is one bound, as clients are told.
type bounding struct {
	span    quota.Span
	measure int
	name    string // as a structured-field string
}

// shown is a text that holds for one month, whose length it tells.
type shown struct {
	month quota.Window
	text  string
}

// Plans compiles the plans of a config. The error joins an [*Error] for each problem.
func (l *Limiter) Plans(list []config.Plan) (*Plans, error) {
	p := &Plans{map[string]*plan{}, map[string]*plan{}}
	var errs []error
	for i, c := range list {
		one := &plan{name: c.Name, byTenant: c.By == "tenant"}
		one.limits = quota.Limits{quota.Day: useOf(c.Day), quota.Month: useOf(c.Month)}
		if c.Rate != nil {
			rate := *c.Rate
			rate.By = c.By
			var err error
			if one.rate, err = l.newRule("plan\x00"+c.Name, c.Name, fmt.Sprintf("plans[%d].rate", i), rate, expr.Scope{}); err != nil {
				errs = append(errs, err)
			}
		}
		one.itemize()
		one.passed = l.countOf(c.Name, "")
		one.refused = [quota.Spans]*atomic.Uint64{l.countOf(c.Name, quota.Day.String()), l.countOf(c.Name, quota.Month.String())}
		p.named[c.Name] = one
		for _, t := range c.Tenants {
			p.tenant[t] = one
		}
	}
	return p, errors.Join(errs...)
}

// countOf counts refusals of a plan by window, and under "" what passed; it outlives snapshots.
func (l *Limiter) countOf(plan, window string) *atomic.Uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := [2]string{plan, window}
	if l.counts[at] == nil {
		l.counts[at] = new(atomic.Uint64)
	}
	return l.counts[at]
}

func useOf(q config.Quota) quota.Use {
	return quota.Use{quota.Requests: int64(q.Requests), quota.Units: int64(q.Units), quota.Octets: int64(q.Bytes), quota.Records: int64(q.Records)}
}

func (p *plan) itemize() {
	for s := range quota.Spans {
		for m, most := range p.limits[s] {
			if most > 0 {
				p.items = append(p.items, bounding{s, m, sfString(p.name + "-" + s.String() + suffixes[m])})
			}
		}
	}
}

// suffixes of names, and units of quotas. Of the units the draft registers requests, which need not be said, and
// content-bytes (draft-ietf-httpapi-ratelimit-headers-11, section 6.2); cost and records are ours.
var (
	suffixes   = [quota.Measures]string{"", "-cost", "-bytes", "-records"}
	quotaUnits = [quota.Measures]string{"", `;qu="cost"`, `;qu="content-bytes"`, `;qu="records"`}
)

// of is the plan of whoever asks: that of the credential, else of the tenant, else def, which may be nil. ok is false
// where the credential names one that is not there.
func (p *Plans) of(e *exchange.Exchange, def *plan) (_ *plan, ok bool) {
	if p == nil || e.Principal == nil {
		return def, true
	}
	if name := e.Principal.Plan; name != "" {
		found := p.named[name]
		return found, found != nil
	}
	if found := p.tenant[e.Principal.Tenant]; found != nil && e.Principal.Tenant != "" {
		return found, true
	}
	return def, true
}

// any tells whether there are plans.
func (p *Plans) any() bool { return p != nil && len(p.named) > 0 }

// byName is the plan of that name; nil for "", and where it is not there, which the check of the config refuses.
func (p *Plans) byName(name string) *plan {
	if p == nil {
		return nil
	}
	return p.named[name]
}

// policies is the value of RateLimit-Policy for the quotas.
func (p *plan) policies(w *quota.Windows) string {
	if s := p.policy.Load(); s != nil && s.month == w[quota.Month] {
		return s.text
	}
	var b strings.Builder
	if p.rate != nil {
		b.WriteString(p.rate.policy)
	}
	for _, i := range p.items {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s;q=%d%s;w=%d", i.name, p.limits[i.span][i.measure], quotaUnits[i.measure], w[i.span].End-w[i.span].Start)
	}
	p.policy.Store(&shown{w[quota.Month], b.String()})
	return b.String()
}

// left writes the items of RateLimit: what is left of each bound, and the seconds until its window ends.
func (p *plan) left(b []byte, used *quota.Limits, w *quota.Windows, now int64) []byte {
	for n, i := range p.items {
		if n > 0 || p.rate != nil {
			b = append(b, ", "...)
		}
		b = append(b, i.name...)
		b = strconv.AppendInt(append(b, ";r="...), max(0, p.limits[i.span][i.measure]-used[i.span][i.measure]), 10)
		b = strconv.AppendInt(append(b, ";t="...), w[i.span].End-now, 10)
	}
	return b
}

// QuotaStats are for metrics.
type QuotaStats struct {
	quota.Stats
	Passed  map[string]uint64    // requests let through, by plan
	Refused map[[2]string]uint64 // requests refused, by plan and window
	// Spent is what was spent on upstreams in their window, and Caps what may be, by API.
	Spent, Caps map[string]float64
}

// QuotaStats tells how quotas stand.
func (l *Limiter) QuotaStats() QuotaStats {
	s := QuotaStats{l.book.Stats(), map[string]uint64{}, map[[2]string]uint64{}, map[string]float64{}, map[string]float64{}}
	l.mu.Lock()
	for at, n := range l.counts {
		if at[1] == "" {
			s.Passed[at[0]] = n.Load()
		} else {
			s.Refused[at] = n.Load()
		}
	}
	l.mu.Unlock()
	for _, u := range l.book.Used(quota.Filter{Kind: "upstream"}) {
		if u.Limit.Units > 0 {
			s.Spent[u.Name], s.Caps[u.Name] = float64(u.Used.Units)/1e6, float64(u.Limit.Units)/1e6
		}
	}
	return s
}
