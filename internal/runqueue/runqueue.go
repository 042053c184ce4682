// Package runqueue tells how long goroutines wait for a processor.
package runqueue

import (
	"math"
	"runtime/metrics"
	"time"
)

// A Queue reads what the Go runtime counts of goroutines that were ready and did not run. It is for one goroutine.
type Queue struct {
	sample []metrics.Sample
	before []uint64
}

// New begins to read.
func New() *Queue {
	q := &Queue{sample: []metrics.Sample{{Name: "/sched/latencies:seconds"}}}
	q.Waited()
	return q
}

// Waited is the mean since the last call; zero where nothing waited. A call takes some microseconds.
func (q *Queue) Waited() time.Duration {
	metrics.Read(q.sample)
	h := q.sample[0].Value.Float64Histogram()
	if q.before == nil {
		q.before = make([]uint64, len(h.Counts))
	}
	var n uint64
	var sum float64
	for i, count := range h.Counts {
		new := count - q.before[i]
		q.before[i] = count
		n += new
		if low := h.Buckets[i]; !math.IsInf(low, 0) {
			sum += float64(new) * low
		}
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / float64(n) * float64(time.Second))
}
