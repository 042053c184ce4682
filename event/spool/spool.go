// Package spool keeps records and events on disk until every sink has them.
//
// Whoever tells of something puts it into a queue, which never blocks; where the queue is full, the entry is dropped and
// counted. One goroutine writes what is queued to a journal, in groups; each sink reads the journal at its own pace, from memory
// as long as it keeps up, and remembers how far it has come. A sink that is down loses nothing until the journal has
// reached its bound; then the oldest entries are dropped for those who have not got them. Everything that was accepted was
// delivered, dropped, refused for good by its sink (and is in the dead letters), or is pending; what was dropped is counted,
// by sink and cause, and told by an event of kind event.dropped.
//
// A process that is killed loses what was in the queue: a few milliseconds' worth, and the next process tells how many entries
// that were. A loss of power costs at most the last second: the journal is synced every second, and when a segment is full.
// Sinks get each entry at least once, and in order unless it had to be sent again.
//
// What is personal lies on disk under the key of the person whom it concerns, see [event.Sealer].
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/exchange"
)

// Options say where and how much.
type Options struct {
	Dir    string
	Bytes  int64 // of the journal; 0: DefaultBytes
	Sealer event.Sealer
	Tell   func(*exchange.Event) // of drops and of sinks that fail; must not block
}

// DefaultBytes is the bound of a journal for which none is set.
const DefaultBytes = 1 << 30

const (
	queueSize   = 32 << 10 // entries; more than a second of 20,000 a second
	groupSize   = 1024     // entries that are written at once
	gather      = 5 * time.Millisecond
	syncEvery   = time.Second
	maxSegment  = 16 << 20
	minSegments = 8 // of which a full journal consists at least: so much is dropped at once
)

// Spool is the sink of the bus that has all others behind it. Its methods may be called concurrently.
type Spool struct {
	dir      string
	limit    atomic.Int64
	sealer   event.Sealer
	tell     func(*exchange.Event)
	own      *lane
	queue    chan encode.Item
	quit     chan struct{}
	written  chan struct{} // closed when the writer has ended
	synced   chan struct{} // and the goroutine that syncs
	dirty    atomic.Bool   // something was written since the last sync
	once     sync.Once
	tail     tail
	losses   losses
	telling  sync.Map // by id of the event that tells
	unsealed atomic.Uint64
	idle     atomic.Bool // there is no sink

	mu      sync.Mutex
	outputs []*output
	left    []*lane // of processes that are gone
	elder   Totals  // of lanes that are done with
}

// Open opens the spool, and what a process that is gone has left in it. Sinks get nothing before [Spool.Apply].
func Open(o Options) (*Spool, error) {
	if o.Sealer == nil || o.Tell == nil {
		return nil, errors.New("a spool needs somebody who seals, and somebody to tell")
	}
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	own, err := ownLane(o.Dir, segmentSize(o.Bytes))
	if err != nil {
		return nil, fmt.Errorf("couldn't open the spool: %w", err)
	}
	s := &Spool{dir: o.Dir, sealer: o.Sealer, tell: o.Tell, own: own, queue: make(chan encode.Item, queueSize), quit: make(chan struct{}), written: make(chan struct{}), synced: make(chan struct{})}
	s.limit.Store(o.Bytes)
	s.idle.Store(true)
	s.reckoned(own)
	go s.write()
	go s.sync()
	return s, nil
}

func segmentSize(limit int64) int64 { return max(min(maxSegment, limit/minSegments), 4<<10) }

// Bound changes how many bytes the journal may have.
func (s *Spool) Bound(bytes int64) { s.limit.Store(bytes) }

// Record queues r.
func (s *Spool) Record(r *exchange.Record) { s.offer(encode.Item{Record: r}) }

// Event queues e.
func (s *Spool) Event(e *exchange.Event) { s.offer(encode.Item{Event: e}) }

// offer counts before it queues, and both before it returns: whenever the process dies, what was offered is counted.
func (s *Spool) offer(i encode.Item) {
	if s.idle.Load() {
		return
	}
	s.own.board.accepted.Add(1)
	select {
	case s.queue <- i:
	default:
		s.lose(full, i)
	}
}

// lose counts entries that never come into the journal.
func (s *Spool) lose(why string, entries ...encode.Item) {
	n := uint64(len(entries))
	s.own.board.lost.Add(n)
	s.losses.add(loss{s.own, "", why}, n)
	for _, i := range entries {
		s.settled(i, false)
	}
}

// Serving counts exchanges that have begun and are not recorded yet, for whoever serves them. The count outlives the process like all
// others: what was being served when it was killed may have been answered without a record, and the next process tells how
// many these can be at most.
func (s *Spool) Serving() *atomic.Int64 { return &s.own.board.serving }

// write is the goroutine that writes the journal.
func (s *Spool) write() {
	defer close(s.written)
	beat := time.NewTicker(syncEvery)
	defer beat.Stop()
	w := &writer{spool: s}
	for open := true; open; {
		select {
		case i := <-s.queue:
			w.group = append(w.group[:0:0], i)
			select {
			case <-time.After(gather):
			case <-s.quit:
			}
			w.drain()
		case <-beat.C:
			w.beat()
		case <-s.quit:
			open = false
		}
	}
	w.group = nil
	w.drain()
}

// Close writes what is queued, and lets sinks that take anything have what is pending until ctx ends. The rest is there for the next process.
func (s *Spool) Close(ctx context.Context) {
	s.once.Do(func() {
		close(s.quit)
		<-s.synced
		s.mu.Lock()
		outputs, left := s.outputs, s.left
		s.mu.Unlock()
		for _, o := range outputs {
			o.finish(ctx)
		}
		s.own.close()
		for _, l := range left {
			l.close()
		}
	})
}

// A writer is the state of the goroutine that writes.
type writer struct {
	spool   *Spool
	group   []encode.Item
	frames  []byte
	failing bool // the last write failed
}

// drain writes the group and all that is queued, group by group.
func (w *writer) drain() {
	for more := true; more; w.group = nil {
		more = w.fill()
		w.commit()
	}
}

// fill adds to the group what is queued; more tells that there may be more.
func (w *writer) fill() (more bool) {
	for len(w.group) < groupSize {
		select {
		case i := <-w.spool.queue:
			w.group = append(w.group, i)
		default:
			return false
		}
	}
	return true
}

// commit writes the group. What cannot be written is dropped.
func (w *writer) commit() {
	s := w.spool
	kept, first := w.group[:0], s.own.next
	w.frames = w.frames[:0]
	for n, f := range s.sealAll(w.group) {
		if f.size == 0 {
			s.lose(oversized, w.group[n])
			continue
		}
		w.frames = f.append(w.frames, first+uint64(len(kept)))
		kept = append(kept, w.group[n])
	}
	if len(kept) == 0 {
		return
	}
	err := s.own.append(w.frames, len(kept))
	if err != nil && !w.failing {
		slog.Error("the spool cannot be written; what it cannot take is counted", "error", err)
	}
	if w.failing = err != nil; w.failing {
		s.lose(disk, kept...)
		return
	}
	for _, i := range kept {
		s.settled(i, true)
	}
	s.dirty.Store(true)
	s.tail.add(written(first, kept))
	s.wake()
	s.release()
	s.trim()
	if cap(w.frames) > 8<<20 {
		w.frames = nil // a burst must not hold its memory for ever
	}
}

// sealAll makes frames of a group, on every processor: it is nearly all of the work.
func (s *Spool) sealAll(group []encode.Item) []frame {
	frames := make([]frame, len(group))
	const share = 64 // of fewer, one goroutine is done before another has begun
	var all sync.WaitGroup
	each := max(share, len(group)/runtime.GOMAXPROCS(0)+1)
	for begin := 0; begin < len(group); begin += each {
		all.Go(func() {
			for n := begin; n < min(begin+each, len(group)); n++ {
				frames[n] = s.seal(group[n])
			}
		})
	}
	all.Wait()
	return frames
}

// seal makes a frame, or the zero one of an entry that is too large. Where nobody can seal, what is personal stays away: the
// rest of the evidence is worth more than nothing, and nothing personal lies open on disk.
func (s *Spool) seal(i encode.Item) frame {
	f, err := sealItem(i, s.sealer)
	if err != nil && !errors.Is(err, errTooLarge) {
		if s.unsealed.Add(1) == 1 {
			slog.Error("the spool cannot seal what is personal and keeps the rest", "error", err)
		}
		f, err = sealItem(i, event.Nobody{})
	}
	if err != nil {
		return frame{}
	}
	return f
}

// beat does what is to be done every second.
func (w *writer) beat() {
	if !w.failing {
		if !w.spool.idle.Load() {
			w.spool.tellLosses()
		}
	} else { // nothing else may come that would show that there is room again
		w.failing = w.spool.own.probe() != nil
	}
	w.spool.inherit()
	w.spool.trim()
}

// sync is the goroutine that has the disk keep what was written.
func (s *Spool) sync() {
	defer close(s.synced)
	beat := time.NewTicker(syncEvery)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
		case <-s.written:
			return
		}
		if !s.dirty.Swap(false) {
			continue
		}
		if err := errors.Join(s.own.sync(), s.own.board.sync()); err != nil {
			slog.Error("couldn't sync the spool", "error", err)
		}
	}
}
