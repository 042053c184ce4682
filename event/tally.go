package event

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// An outcome is what became of an exchange, as the store has it.
type outcome int64

const (
	passed    outcome = iota
	noticed           // passed, with findings
	monitored         // passed, although a guard in monitor mode would have refused
	refused
)

// Outcomes are the outcomes by the words that filters and counts use, in the order of their numbers.
var Outcomes = []string{"passed", "noticed", "monitored", "refused"}

// OutcomeOf is the word of what became of an exchange, of [Outcomes].
func OutcomeOf(r *exchange.Record) string { return Outcomes[outcomeOf(r)] }

func outcomeOf(r *exchange.Record) outcome {
	switch _, code := r.Settled(); {
	case r.Refused:
		return refused
	case code != "":
		return monitored
	case len(r.Findings) > 0:
		return noticed
	}
	return passed
}

// numberOf is a rating as the store has it; 0: there is none.
func numberOf(r exchange.Rating) int64 {
	return int64(slices.Index(exchange.Ratings, r) + 1)
}

// A tally counts exchanges until they are added to the counts in the store, so that overviews never look at single rows,
// and are right where rows were not kept. Its labels come from config, spec and catalogue; what a client chooses is
// bounded: methods that are none are "other". It is safe for concurrent use.
type tally struct {
	mu sync.Mutex
	counted
}

type counted struct {
	exchanges map[exchangeKey]sums
	findings  map[findingKey]int64
	latencies map[latencyKey]*[buckets]int64
}

type exchangeKey struct {
	start                  int64 // minute, Unix seconds
	api, operation, method string
	status                 int64
	outcome                outcome
	code, guard            string
}

type sums struct{ n, took, bytesIn, bytesOut int64 }

type findingKey struct {
	start                       int64
	api, operation, guard, rule string
	severity, monitored         int64
}

type latencyKey struct {
	start int64
	guard string // "" is the whole exchange, "upstream" the wait for the upstream
}

// buckets is how many spans of time are told apart; bucket n is from 2^(n-1) to 2^n microseconds, the last one more than 9 minutes.
const buckets = 31

// maxTally is how many different counts are held; all that config and spec can name in a minute is far less.
const maxTally = 100_000

func (t *tally) add(r *exchange.Record) {
	minute := r.Time.Unix() / 60 * 60
	guard, code := r.Settled()
	k := exchangeKey{minute, r.API, r.Operation, method(r.Method), int64(min(max(r.Status, 0), 600)), outcomeOf(r), code, guard}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exchanges == nil {
		t.counted = counted{map[exchangeKey]sums{}, map[findingKey]int64{}, map[latencyKey]*[buckets]int64{}}
	}
	if len(t.exchanges)+len(t.findings) > maxTally {
		return
	}
	s := t.exchanges[k]
	t.exchanges[k] = sums{s.n + 1, s.took + r.Took.Microseconds(), s.bytesIn + r.BytesIn, s.bytesOut + r.BytesOut}
	t.took(minute, "", r.Took)
	if r.Upstream != nil {
		t.took(minute, "upstream", r.Upstream.Took)
	}
	for i := range r.Steps {
		t.took(minute, r.Steps[i].Guard, r.Steps[i].Took)
	}
	for _, f := range findingsOf(r) {
		t.findings[findingKey{minute, r.API, r.Operation, f.guard, f.rule, f.severity, f.monitored}]++
	}
}

func (t *tally) took(minute int64, guard string, d time.Duration) {
	k := latencyKey{minute, guard}
	h := t.latencies[k]
	if h == nil {
		h = new([buckets]int64)
		t.latencies[k] = h
	}
	h[min(bits.Len64(uint64(max(d.Microseconds(), 0))), buckets-1)]++
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"}

func method(m string) string {
	if slices.Contains(methods, m) {
		return m
	}
	return "other"
}

// A noticing is one row of findings: what a guard noticed, or the refusal that it would have made.
type noticing struct {
	guard, rule         string
	severity, monitored int64
}

// severities are the severities by their numbers in the store.
var severities = []exchange.Severity{exchange.Info, exchange.Low, exchange.Medium, exchange.High, exchange.Critical}

func findingsOf(r *exchange.Record) (list []noticing) {
	for i := range r.Findings {
		f := &r.Findings[i]
		list = append(list, noticing{f.Guard, f.Rule, int64(max(slices.Index(severities, f.Severity), 0)), 0})
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Code == "" || r.Refused && s.Code == r.Code && s.Guard == r.Guard {
			continue
		}
		severity := 0
		if reason := exchange.Lookup(s.Code); reason != nil {
			severity = max(slices.Index(severities, reason.Severity), 0)
		}
		list = append(list, noticing{s.Guard, s.Code, int64(severity), 1})
	}
	return list
}

// take empties the tally.
func (t *tally) take() counted {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counted
	t.counted = counted{}
	return c
}

// back adds what take took.
func (t *tally) back(c counted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exchanges == nil {
		t.counted = c
		return
	}
	for k, s := range c.exchanges {
		o := t.exchanges[k]
		t.exchanges[k] = sums{o.n + s.n, o.took + s.took, o.bytesIn + s.bytesIn, o.bytesOut + s.bytesOut}
	}
	for k, n := range c.findings {
		t.findings[k] += n
	}
	for k, h := range c.latencies {
		o := t.latencies[k]
		if o == nil {
			t.latencies[k] = h
			continue
		}
		for i, n := range h {
			o[i] += n
		}
	}
}

// words are all names in the counts.
func (c counted) words() []string {
	seen := map[string]bool{}
	for k := range c.exchanges {
		for _, w := range []string{k.api, k.operation, k.method, k.code, k.guard} {
			seen[w] = true
		}
	}
	for k := range c.findings {
		for _, w := range []string{k.api, k.operation, k.guard, k.rule} {
			seen[w] = true
		}
	}
	for k := range c.latencies {
		seen[k.guard] = true
	}
	return slices.SortedFunc(maps.Keys(seen), strings.Compare)
}
