package spool

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/sallyport/sallyport/event/encode"
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
	foreign   = "at most so many, for another version wrote them, and nobody knows how far the sinks had come"
	untold    = "the process ended before it could tell why"
	unended   = "at most so many, for the process ended while it served them; those that were answered have no record"
)

// losses gathers what is to be told: one event for many entries.
type losses struct {
	mu     sync.Mutex
	counts map[loss]uint64
}

// A loss is one of a lane.
type loss struct {
	lane      *lane
	sink, why string // sink "": all of them
}

func (l *losses) add(of loss, n uint64) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[loss]uint64{}
	}
	l.counts[of] += n
}

func (l *losses) take() map[loss]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.counts
	l.counts = nil
	return counts
}

// reckoned adds what was found when a lane was opened.
func (s *Spool) reckoned(l *lane) {
	for of, n := range l.found {
		of.lane = l
		s.losses.add(of, n)
	}
}

// tellLosses tells of each loss by an event, which is like any other and may be lost itself: then it is told again.
func (s *Spool) tellLosses() {
	for lost, n := range s.losses.take() {
		whose := "every sink"
		if lost.sink != "" {
			whose = "sink " + lost.sink
		}
		e := exchange.NewEvent(exchange.Dropped, fmt.Sprintf("%d records or events were lost for %s: %s.", n, whose, lost.why))
		e.Object = lost.sink
		e.Data = map[string]string{"count": strconv.FormatUint(n, 10), "why": lost.why}
		if lost.why == unended || lost.why == foreign {
			e.Data["at_most"] = "true"
		}
		s.telling.Store(e.ID, telling{lost, n})
		s.tell(e)
	}
}

// telling is what an event tells of that is not yet in the journal.
type telling struct {
	loss
	n uint64
}

// settled notes what became of an entry on its way into the journal. Where it tells of a loss, that is told now, or is to be told
// again: a process that is killed between leaves it to the next one.
func (s *Spool) settled(i encode.Item, written bool) {
	if i.Event == nil {
		return
	}
	found, ok := s.telling.LoadAndDelete(i.Event.ID)
	if !ok {
		return
	}
	if t := found.(telling); written {
		t.lane.told(t.loss, t.n)
	} else {
		s.losses.add(t.loss, t.n)
	}
}

// told notes that n of a loss are told.
func (l *lane) told(of loss, n uint64) {
	switch {
	case of.why == unended:
		l.board.unsaid.Add(-n)
		return
	case of.sink == "":
		l.board.told.Add(n)
		return
	}
	l.cursors.Lock()
	defer l.cursors.Unlock()
	if slot := l.board.find(of.sink); slot != nil {
		c := slot.load()
		c.told += n
		slot.store(c)
	}
}
