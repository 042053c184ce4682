package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// ArchiveOptions bound an archive.
type ArchiveOptions struct {
	Retention time.Duration         // of exchanges that passed and told nothing; 0: 7 days
	Refusals  time.Duration         // of refusals, monitored refusals, findings, events and counts; 0: 30 days, and never less than Retention
	MaxBytes  int64                 // of the store; 0: 2 GiB
	Passed    int                   // exchanges that passed and told nothing that are kept a second; 0: 500
	Tell      func(*exchange.Event) // is told of losses, at most every ten seconds
}

func (o ArchiveOptions) withDefaults() ArchiveOptions {
	if o.Retention <= 0 {
		o.Retention = 7 * 24 * time.Hour
	}
	if o.Refusals <= 0 {
		o.Refusals = 30 * 24 * time.Hour
	}
	o.Refusals = max(o.Refusals, o.Retention)
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.Passed <= 0 {
		o.Passed = 500
	}
	if o.Tell == nil {
		o.Tell = func(*exchange.Event) {}
	}
	return o
}

// An Archive keeps every exchange and event, bounded by age and size, for explain, the dashboard and reports: its
// [Reader] finds them again.
//
// Records are written in batches by a goroutine of its own, which never holds a request up. Under a flood it keeps what
// it can: what was refused, would have been, or was noticed comes first, and is lost (and counted, and told) only where
// the disk cannot take it. Of exchanges that passed so many a second are kept as the options say, bursts of ten seconds
// apart; the others are counted by [Archive.Sampled] and in every overview, but their records are not kept: a busy API must
// not pay for its archive what its answers cost. So it is with those that were turned away at the door, of which a flood has many that
// are all alike: they share that ration.
type Archive struct {
	*Reader
	options ArchiveOptions
	told    chan *exchange.Record // refused, monitored, noticed
	passed  chan *exchange.Record
	events  chan *exchange.Event
	tally   tally
	writer  writer
	quit    chan struct{}
	done    chan struct{}
	once    sync.Once
	dropped atomic.Int64
	sampled atomic.Int64
	ration  atomic.Int64 // how many more that passed are taken now
	full    atomic.Bool  // the day's partition alone is as large as the store may be
}

const (
	queueSize  = 8192
	burst      = 10 // seconds whose ration is taken at once
	batchSize  = 1024
	batchWait  = 100 * time.Millisecond
	flushEvery = time.Second
	sweepEvery = 10 * time.Second
	tellEvery  = 10 * time.Second
)

// NewArchive keeps records in s, what is personal sealed by ring. Close it before them.
func NewArchive(s *store.Store, ring *keyring.Ring, o ArchiveOptions) *Archive {
	a := &Archive{Reader: NewReader(s, ring), options: o.withDefaults(), told: make(chan *exchange.Record, queueSize), passed: make(chan *exchange.Record, queueSize),
		events: make(chan *exchange.Event, queueSize/8), quit: make(chan struct{}), done: make(chan struct{})}
	a.writer = newWriter(a.Reader, func() { polite(len(a.told), queueSize) })
	a.ration.Store(int64(burst * a.options.Passed))
	go a.run()
	return a
}

// Record queues r. It does not block.
func (a *Archive) Record(r *exchange.Record) {
	if outcomeOf(r) != passed && !atTheDoor(r) {
		select {
		case a.told <- r:
		default:
			a.tally.add(r)
			a.dropped.Add(1)
		}
		return
	}
	if !a.full.Load() && a.ration.Add(-1) >= 0 {
		select {
		case a.passed <- r:
			return
		default:
		}
	}
	a.tally.add(r)
	a.sampled.Add(1)
}

// Event queues e. It does not block.
func (a *Archive) Event(e *exchange.Event) {
	select {
	case a.events <- e:
	default:
		a.dropped.Add(1)
	}
}

// Dropped counts what could not be kept and should have been.
func (a *Archive) Dropped() int64 { return a.dropped.Load() }

// Sampled counts the exchanges that passed, or were turned away at the door, and of which only the counts were kept.
func (a *Archive) Sampled() int64 { return a.sampled.Load() }

// Close writes what is queued and ends the writer.
func (a *Archive) Close() {
	a.once.Do(func() { close(a.quit) })
	<-a.done
}

func (a *Archive) run() {
	defer close(a.done)
	if err := a.adopt(); err != nil {
		slog.Error("couldn't take over the refusals of an earlier version", "error", err)
	}
	ticker := time.NewTicker(batchWait)
	defer ticker.Stop()
	filled := time.Now()
	var flushed, swept, toldAt time.Time
	var lost int64
	for open := true; open; {
		select {
		case now := <-ticker.C:
			a.refill(now.Sub(filled))
			filled = now
		case <-a.quit:
			open = false
		}
		for more := true; more; {
			more = a.batch(open)
			if now := time.Now(); now.Sub(flushed) > flushEvery || !open && !more {
				a.flush()
				flushed = now
			}
		}
		if now := time.Now(); open && now.Sub(swept) > sweepEvery {
			if done, err := a.sweep(now); err != nil {
				slog.Error("couldn't forget what is too old", "error", err)
				swept = now
			} else if done {
				swept = now
			}
		}
		if n := a.Dropped(); n > lost && time.Since(toldAt) > tellEvery {
			a.tellLoss(n - lost)
			lost, toldAt = n, time.Now()
		}
	}
}

// refill adds the ration of a time; a missed one counts for no more than the burst.
func (a *Archive) refill(d time.Duration) {
	full := int64(burst * a.options.Passed)
	more := int64(min(d.Seconds(), burst) * float64(a.options.Passed))
	a.ration.Store(min(max(a.ration.Load(), 0)+more, full))
}

func (a *Archive) tellLoss(n int64) {
	e := exchange.NewEvent(exchange.Dropped, fmt.Sprintf("%d records or events could not be kept in the store", n))
	e.Object, e.Data = "archive", map[string]string{"count": strconv.FormatInt(n, 10), "sink": "archive"}
	a.options.Tell(e)
}

// batch writes what is queued, up to one batch; more tells that there was no less than that. While the gateway runs, the
// writer rests after a batch of exchanges that passed as long as it took.
func (a *Archive) batch(resting bool) (more bool) {
	began := time.Now()
	records := take(a.told, nil)
	urgent := len(records) > 0
	records = take(a.passed, records)
	events := take(a.events, nil)
	for _, r := range records {
		a.tally.add(r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := a.writer.write(ctx, records, events); err != nil {
		a.dropped.Add(int64(len(records) + len(events)))
		slog.Error("couldn't keep records", "error", err)
	}
	more = len(records) >= batchSize
	if more && resting && !urgent {
		select {
		case <-time.After(time.Since(began)):
		case <-a.quit:
		}
	}
	return more
}

// take appends what is queued up to the size of a batch.
func take[T any](queue <-chan T, batch []T) []T {
	for len(batch) < batchSize {
		select {
		case v := <-queue:
			batch = append(batch, v)
		default:
			return batch
		}
	}
	return batch
}

// flush adds the counts to those in the store. What cannot be written now waits for the next time.
func (a *Archive) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	t := a.tally.take()
	if err := a.writer.count(ctx, t); err != nil {
		a.tally.back(t)
		slog.Error("couldn't keep counts", "error", err)
	}
}

// Forget makes what is kept of a person unreadable, here and in every copy of the store, by destroying the key; what the
// rows say of the address behind which the person was is removed as well. It is [keyring.ErrUnknown] where nothing is kept.
func (r *Reader) Forget(ctx context.Context, subject string) error {
	ids, err := r.ring.IDs(ctx, subject)
	if err != nil {
		return err
	}
	return errors.Join(r.ring.Erase(ctx, subject), r.cut(ctx, ids))
}

// ForgetAgain destroys keys that were destroyed before, as far as they are back because an older ring was restored, and returns
// the numbers of those.
func (r *Reader) ForgetAgain(ctx context.Context, numbers []int64) (back []int64, err error) {
	back, err = r.ring.EraseAgain(ctx, numbers)
	return back, errors.Join(err, r.cut(ctx, back))
}

// cut lets no address lead to the exchanges of persons who are erased.
func (r *Reader) cut(ctx context.Context, ids []int64) (err error) {
	for _, id := range ids {
		_, cut := r.store.DB().ExecContext(ctx, `UPDATE exchanges SET client = 0, subject = 0 WHERE subject = $1 AND subject <> 0`, id)
		err = errors.Join(err, cut)
	}
	return err
}
