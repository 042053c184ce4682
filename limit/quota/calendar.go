package quota

import (
	"sync/atomic"
	"time"
)

// A Span is the length of a window of quotas.
type Span uint8

// The spans.
const (
	Day Span = iota
	Month
	Spans
)

// String is the word in the store, in metrics and in names of policies.
func (s Span) String() string { return [Spans]string{"day", "month"}[s] }

func spanOf(word string) Span {
	if word == "month" {
		return Month
	}
	return Day
}

// A Window is from its start, included, to its end, in Unix seconds.
type Window struct{ Start, End int64 }

// Windows are the present day and month.
type Windows [Spans]Window

// A calendar knows the present windows, in UTC. It is safe for concurrent use.
type calendar struct{ present atomic.Pointer[Windows] }

func (c *calendar) at(t time.Time) *Windows {
	s := t.Unix()
	if w := c.present.Load(); w != nil && s >= w[Day].Start && s < w[Day].End {
		return w
	}
	y, m, d := t.UTC().Date()
	date := func(m time.Month, d int) int64 { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() }
	w := &Windows{Day: {date(m, d), date(m, d+1)}, Month: {date(m, 1), date(m+1, 1)}}
	c.present.Store(w)
	return w
}
