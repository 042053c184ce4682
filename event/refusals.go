package event

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// Refusals keeps the records that somebody will ask about: refusals, what a guard in monitor mode would have refused,
// and exchanges with findings. It holds the newest Keep of them, in the store, for explain.
//
// Records are written in batches by a goroutine of its own. Under a flood it keeps what the disk can take and counts
// the rest: a refusal costs its sender more than us. They are there after a restart.
type Refusals struct {
	db      *sql.DB
	keep    int
	queue   chan *exchange.Record
	quit    chan struct{}
	done    chan struct{}
	once    sync.Once
	dropped atomic.Int64
}

const (
	queueSize = 4096
	batchSize = 512
	batchWait = 100 * time.Millisecond
)

// NewRefusals keeps the newest keep records in db. Close it.
func NewRefusals(db *sql.DB, keep int) *Refusals {
	if keep <= 0 {
		keep = 10_000
	}
	k := &Refusals{db: db, keep: keep, queue: make(chan *exchange.Record, queueSize), quit: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

// Record queues r if somebody may ask about it. It does not block.
func (k *Refusals) Record(r *exchange.Record) {
	if !r.Refused && len(r.Findings) == 0 && !would(r) {
		return
	}
	select {
	case k.queue <- r:
	default:
		k.dropped.Add(1)
	}
}

func would(r *exchange.Record) bool {
	for i := range r.Steps {
		if r.Steps[i].Code != "" {
			return true
		}
	}
	return false
}

// Dropped counts the records that could not be kept.
func (k *Refusals) Dropped() int64 { return k.dropped.Load() }

// Close writes what is queued and ends the writer.
func (k *Refusals) Close() {
	k.once.Do(func() { close(k.quit) })
	<-k.done
}

func (k *Refusals) run() {
	defer close(k.done)
	for open := true; open; {
		var batch []*exchange.Record
		select {
		case r := <-k.queue:
			batch = append(batch, r)
			select {
			case <-time.After(batchWait):
			case <-k.quit:
			}
		case <-k.quit:
			open = false
		}
		for more := true; more; batch = batch[:0] {
			batch, more = k.fill(batch)
			if err := k.write(batch); err != nil {
				k.dropped.Add(int64(len(batch)))
				slog.Error("couldn't keep refusals", "error", err)
			}
		}
	}
}

// fill takes what is queued up to one batch; more tells that the batch is full.
func (k *Refusals) fill(batch []*exchange.Record) ([]*exchange.Record, bool) {
	for len(batch) < batchSize {
		select {
		case r := <-k.queue:
			batch = append(batch, r)
		default:
			return batch, false
		}
	}
	return batch, true
}

func (k *Refusals) write(batch []*exchange.Record) error {
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	for _, r := range batch {
		data, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO refusals (id, time, record) VALUES (?, ?, ?)`, r.ID, r.Time.UnixMilli(), data); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM refusals WHERE rowid <= (SELECT max(rowid) FROM refusals) - ?`, k.keep); err != nil {
		return err
	}
	return tx.Commit()
}
