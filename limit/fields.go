package limit

import (
	"strconv"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// state is what one rule said about one request.
type state struct {
	rule *rule
	left int64         // units that may be spent now
	next time.Duration // until there is one more; where the rule refuses, until the request would pass
	full time.Duration // until the burst is full again
}

func (r *rule) state(tat, now int64) state {
	return state{r, r.remaining(tat, now), r.next(tat, now), time.Duration(max(0, tat-now))}
}

// fields writes what the client may know of its budget.
//
// RateLimit and RateLimit-Policy are those of draft-ietf-httpapi-ratelimit-headers-11: r is what may be spent at once,
// and t is the time within which no more than that can be spent. The older X-RateLimit-* know one budget; it is the
// scarcest, and its reset is in seconds from now.
type fields struct{ draft, legacy bool }

func newFields(headers string) (fields, bool) {
	switch headers {
	case "", "draft":
		return fields{draft: true}, true
	case "legacy":
		return fields{legacy: true}, true
	case "both":
		return fields{true, true}, true
	case "off":
		return fields{}, true
	}
	return fields{}, false
}

// write calls put for every field. policy is the value of RateLimit-Policy for the rules of states.
func (f fields) write(states []state, policy string, put func(name, value string)) {
	if len(states) == 0 {
		return
	}
	if f.draft {
		put("Ratelimit-Policy", policy) // RateLimit-Policy as net/http spells it: it need not do so for every answer
		put("Ratelimit", rateLimit(states))
	}
	if f.legacy {
		s := scarcest(states)
		put("X-Ratelimit-Limit", s.rule.legacy)
		put("X-Ratelimit-Remaining", strconv.FormatInt(s.left, 10))
		put("X-Ratelimit-Reset", strconv.FormatInt(seconds(s.full), 10))
	}
}

// rateLimit is the one allocation that fields cost: its figures are of this request, and whoever sends the answer may read
// them after the exchange has ended, so that its memory cannot be lent to another.
func rateLimit(states []state) string {
	var room [128]byte
	return string(appendRateLimit(room[:0], states))
}

func appendRateLimit(b []byte, states []state) []byte {
	for i := range states {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, states[i].rule.item...)
		b = strconv.AppendInt(append(b, ";r="...), states[i].left, 10)
		b = strconv.AppendInt(append(b, ";t="...), seconds(states[i].next), 10)
	}
	return b
}

func scarcest(states []state) *state {
	s := &states[0]
	for i := range states[1:] {
		if states[i+1].left < s.left {
			s = &states[i+1]
		}
	}
	return s
}

// seconds rounds up: a client that comes back then must not be too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// after is the Retry-After for a wait: whole seconds, at least one.
func after(d time.Duration) time.Duration { return time.Duration(max(1, seconds(d))) * time.Second }

// refusal adds the fields to a verdict.
func (f fields) refusal(v exchange.Verdict, states []state, policy string) exchange.Verdict {
	f.write(states, policy, func(name, value string) { v = v.WithHeader(name, value) })
	return v
}
