package event

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// atTheDoor tells refusals that a client causes by coming again: whoever floods causes as many as it likes, and they tell nothing
// that the first of them did not.
func atTheDoor(r *exchange.Record) bool {
	switch r.Code {
	case exchange.AdmissionRefused.Code, exchange.Banned.Code, exchange.Overloaded.Code:
		return r.Refused
	}
	return false
}

// A crowd lets so many refusals at the door have leaves of their own; the others are told together, in one leaf.
type crowd struct {
	left atomic.Int64
	rest atomic.Int64
}

const (
	crowdMost  = 1000 // at once
	crowdEach  = 20   // a second
	crowdTells = 10 * time.Second
)

// lets reports whether there is room for another one.
func (c *crowd) lets() bool {
	if c.left.Add(-1) >= 0 {
		return true
	}
	c.rest.Add(1)
	return false
}

// refill makes room after a time, and returns the event of those that had none, or nil.
func (c *crowd) refill(d time.Duration) *exchange.Event {
	c.left.Store(min(max(c.left.Load(), 0)+int64(d.Seconds()*crowdEach), crowdMost))
	n := c.rest.Swap(0)
	if n == 0 {
		return nil
	}
	e := exchange.NewEvent(exchange.Condensed, strconv.FormatInt(n, 10)+" refusals at the door have no leaves of their own")
	e.Object, e.Data = "audit", map[string]string{"refusals": strconv.FormatInt(n, 10)}
	return e
}
