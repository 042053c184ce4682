package spool

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/sallyport/sallyport/exchange"
)

// Why entries are lost.
const (
	full      = "the queue was full"
	disk      = "the disk took nothing"
	killed    = "the process ended before they were written"
	oversized = "they were too large"
	overdue   = "the journal had reached its bound before the sink took them"
	damaged   = "the journal is damaged"
	dead      = "the sink refused them for good"
)

// losses gathers what is to be told: one event for many entries.
type losses struct {
	mu     sync.Mutex
	counts map[loss]uint64
}

type loss struct{ sink, why string } // sink "": all of them

func (l *losses) add(sink, why string, n uint64) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[loss]uint64{}
	}
	l.counts[loss{sink, why}] += n
}

func (l *losses) take() map[loss]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.counts
	l.counts = nil
	return counts
}

func (s *Spool) tellLosses() {
	for lost, n := range s.losses.take() {
		whose := "every sink"
		if lost.sink != "" {
			whose = "sink " + lost.sink
		}
		e := exchange.NewEvent(exchange.Dropped, fmt.Sprintf("%d records or events were lost for %s: %s.", n, whose, lost.why))
		e.Object = lost.sink
		e.Data = map[string]string{"count": strconv.FormatUint(n, 10), "why": lost.why}
		s.tell(e)
	}
}
