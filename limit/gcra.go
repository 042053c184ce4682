package limit

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sallyport/sallyport/config"
)

// A rate is a GCRA in the form of the virtual scheduling algorithm (ITU-T I.371, annex A; ATM Forum TM 4.1, 4.4.3).
//
// One number is kept per key, the theoretical arrival time (TAT): when the key would be back at its full burst. A
// request of cost c at time t moves it to max(t, TAT) + c·interval, and conforms when that is at most burst·interval
// ahead of t. A TAT that lies in the past means the same as no TAT at all, which is what makes eviction safe.
type rate struct {
	limit, burst int64
	per          time.Duration
	interval     int64 // nanoseconds for one unit to come back; rounded up, so that the rate is never exceeded
	tolerance    int64 // burst × interval
}

// defaults of config.Rate.
const defaultPer = time.Minute

func newRate(c config.Rate) (rate, error) {
	r := rate{limit: int64(c.Limit), burst: int64(c.Burst), per: time.Duration(c.Per)}
	if r.limit <= 0 {
		return rate{}, errors.New("limit must be at least 1")
	}
	if r.per == 0 {
		r.per = defaultPer
	}
	if r.burst == 0 {
		r.burst = r.limit
	}
	if r.per < 0 || r.burst < 0 {
		return rate{}, errors.New("per and burst must not be negative")
	}
	r.interval = (int64(r.per) + r.limit - 1) / r.limit
	if r.burst > math.MaxInt64/8/r.interval {
		return rate{}, fmt.Errorf("a burst of %d at one per %s is longer than this clock", r.burst, time.Duration(r.interval))
	}
	r.tolerance = r.burst * r.interval
	return r, nil
}

// take decides about a request of the cost at the time. It returns the TAT to keep, which is tat itself when the
// request does not conform.
func (r *rate) take(tat, now, cost int64) (next int64, ok bool) {
	next = max(tat, now) + cost*r.interval
	if next-now > r.tolerance {
		return tat, false
	}
	return next, true
}

// owe takes without asking, for what has happened already, but never beyond one burst: a debt is bounded.
func (r *rate) owe(tat, now, cost int64) int64 {
	return max(tat, min(max(tat, now)+cost*r.interval, now+r.tolerance))
}

// remaining is how many units may be taken now.
func (r *rate) remaining(tat, now int64) int64 {
	return max(0, (r.tolerance-max(0, tat-now))/r.interval)
}

// wait is the time until a request of the cost conforms.
func (r *rate) wait(tat, now, cost int64) time.Duration {
	return time.Duration(max(0, max(tat, now)+cost*r.interval-r.tolerance-now))
}

// next is the time until there is one more unit than now; zero when the burst is full.
func (r *rate) next(tat, now int64) time.Duration {
	ahead := max(0, tat-now)
	if ahead == 0 {
		return 0
	}
	if over := ahead % r.interval; over != 0 {
		return time.Duration(over)
	}
	return time.Duration(r.interval)
}
