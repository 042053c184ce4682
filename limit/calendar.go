package limit

import (
	"sync/atomic"
	"time"
)

// A span is the length of a window of quotas.
type span uint8

const (
	day span = iota
	month
	spans
)

// String is the word in the store, in metrics and in names of policies.
func (s span) String() string { return [spans]string{"day", "month"}[s] }

// A window is from start, included, to end, in Unix seconds.
type window struct{ start, end int64 }

// windows are the present day and month.
type windows [spans]window

// A calendar knows the present windows, in UTC. It is safe for concurrent use.
type calendar struct{ present atomic.Pointer[windows] }

func (c *calendar) at(t time.Time) *windows {
	s := t.Unix()
	if w := c.present.Load(); w != nil && s >= w[day].start && s < w[day].end {
		return w
	}
	y, m, d := t.UTC().Date()
	date := func(m time.Month, d int) int64 { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() }
	w := &windows{day: {date(m, d), date(m, d+1)}, month: {date(m, 1), date(m+1, 1)}}
	c.present.Store(w)
	return w
}
