package limit

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/sallyport/sallyport/exchange"
)

// A Suggestion is what an operation was asked for, and the rate that is proposed for it, by principal.
type Suggestion struct {
	API       string `json:"api"`
	Operation string `json:"operation"`
	Requests  int64  `json:"requests"` // that were counted
	// Known is the share of them whose record tells the caller: what is said of callers rests on it.
	Known   float64     `json:"known"`
	Minutes Percentiles `json:"minutes"` // requests in a minute, of the minutes with any
	Callers Percentiles `json:"callers"` // requests in a minute, of each caller in its busiest one
	Limit   int         `json:"limit"`   // a minute; 0: nothing is proposed
	Why     string      `json:"why,omitempty"`
	// Refused is how many requests with a record the limit would have refused, Of how many callers, and Askers the first of those.
	Refused int64   `json:"refused"`
	Of      int     `json:"of"`
	Askers  []Asker `json:"askers"`
}

// Percentiles of N values.
type Percentiles struct {
	N   int   `json:"n"`
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// An Asker is a caller of one operation: a principal, or a client where nobody is known.
type Asker struct {
	Kind     string `json:"kind"` // principal, client
	Issuer   string `json:"issuer,omitempty"`
	Name     string `json:"name"`
	Requests int64  `json:"requests"`
	Refused  int64  `json:"refused"` // that would have been
}

const (
	leastShare = 0.5 // of requests whose record is needed for a proposal
	leastLimit = 5   // a minute, that is proposed
	maxNames   = 5   // of callers that are told for an operation
)

// Suggestions tells what was learned and proposed, the most frequent operation first.
func (h *History) Suggestions() []Suggestion {
	list := []Suggestion{}
	for _, a := range h.operations {
		s := Suggestion{API: a.api, Operation: a.key, Requests: a.counted, Minutes: percentiles(a.minutes), Callers: a.busiest(), Why: a.why, Refused: a.refused, Askers: a.told()}
		if a.counted > 0 {
			s.Known = float64(a.known) / float64(a.counted)
		}
		if a.proposed != nil {
			s.Limit = int(a.proposed.limit)
		}
		for _, one := range a.askers {
			if one.refused > 0 {
				s.Of++
			}
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.API, b.API), cmp.Compare(a.Operation, b.Operation))
	})
	return list
}

func (a *asked) busiest() Percentiles {
	values := make([]int64, 0, len(a.askers))
	for _, one := range a.askers {
		values = append(values, one.most)
	}
	return percentiles(values)
}

// told are the callers of whom most would have been refused.
func (a *asked) told() []Asker {
	list := []Asker{}
	for k, who := range a.names {
		who.Requests, who.Refused = a.askers[k].all, a.askers[k].refused
		list = append(list, who)
	}
	slices.SortFunc(list, func(x, y Asker) int { return cmp.Or(cmp.Compare(y.Refused, x.Refused), cmp.Compare(x.Name, y.Name)) })
	return list[:min(len(list), maxNames)]
}

func askerOf(e *exchange.Exchange) Asker {
	if p := e.Principal; p != nil {
		return Asker{Kind: "principal", Issuer: p.Issuer, Name: p.Subject}
	}
	client := ClientOf(e.Client.Addr)
	if client.IsSingleIP() {
		return Asker{Kind: "client", Name: client.Addr().String()}
	}
	return Asker{Kind: "client", Name: client.String()}
}

// percentiles by nearest rank: of each it is true that so many were at most that.
func percentiles(values []int64) Percentiles {
	n := len(values)
	if n == 0 {
		return Percentiles{}
	}
	slices.Sort(values)
	rank := func(percent int) int64 { return values[(n*percent+99)/100-1] }
	return Percentiles{n, rank(50), rank(95), rank(99), values[n-1]}
}

// friendly is the next greater figure that people would write.
func friendly(n float64) int {
	n = max(n, leastLimit)
	tens := math.Pow10(int(math.Log10(n)))
	for _, f := range []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
		if n <= f*tens {
			return int(math.Round(f * tens))
		}
	}
	return int(10 * tens)
}

// WriteSuggestions writes what is proposed as lines of the config, to be merged where they stand.
func WriteSuggestions(w io.Writer, list []Suggestion) error {
	by := map[string][]Suggestion{}
	for _, s := range list {
		if s.Limit > 0 {
			by[s.API] = append(by[s.API], s)
		}
	}
	if len(by) == 0 {
		_, err := fmt.Fprintln(w, "# nothing is proposed")
		return err
	}
	if _, err := fmt.Fprintln(w, "apis:"); err != nil {
		return err
	}
	for _, api := range slices.Sorted(maps.Keys(by)) {
		fmt.Fprintf(w, "  - name: %s\n    operations:\n", api)
		for _, s := range by[api] {
			if _, err := fmt.Fprintf(w, "      %q:\n        rate: { limit: %d, per: 1m, by: principal } # p99 of %d callers: %d a minute\n", s.Operation, s.Limit, s.Callers.N, s.Callers.P99); err != nil {
				return err
			}
		}
	}
	return nil
}
