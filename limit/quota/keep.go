package quota

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sallyport/sallyport/store"
)

// A row is use that the store is to add.
type row struct {
	holder Holder
	span   Span
	start  int64
	plan   string
	more   Use
}

const (
	// writeEvery is how often use is written, and so how much of it a process can lose that is killed.
	writeEvery = time.Second
	// perBatch accounts are written in one transaction: others who write wait for no longer.
	perBatch = 500
	// keepDays and keepMonths are how long use is kept after its window began.
	keepDays   = 62 * 24 * time.Hour
	keepMonths = 400 * 24 * time.Hour
)

// Keep reads from s what was used in the present windows, and from then on writes what is used every second, and once
// more when the returned function is called, which ends it. Several processes may keep in one store: each adds, and
// learns with each account that it writes what all together have used. When the store cannot be written, counting goes
// on in memory, and what was not written is tried again.
func (b *Book) Keep(ctx context.Context, s *store.Store) (end func(), err error) {
	if err := b.recall(ctx, s); err != nil {
		return nil, fmt.Errorf("couldn't read what was used of quotas: %w", err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(writeEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				b.written(s)
				return
			case <-tick.C:
				b.written(s)
			}
		}
	}()
	return func() { close(stop); <-done }, nil
}

// written writes, and tells where it did not work; at the turn of a day it tidies up.
func (b *Book) written(s *store.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.flush(ctx, s); err != nil {
		b.unwritten.Add(1)
		slog.Warn("what was used of quotas could not be written; it is tried again", "error", err)
		return
	}
	now := b.now()
	w := b.calendar.at(now)
	if b.tidied == w[Day].Start {
		return
	}
	b.accounts.forget(w)
	_, err := s.DB().ExecContext(ctx, `DELETE FROM quotas WHERE start < $1 OR span = 'day' AND start < $2`, now.Add(-keepMonths).Unix(), now.Add(-keepDays).Unix())
	if err != nil {
		slog.Warn("old quotas could not be deleted; it is tried again", "error", err)
		return
	}
	b.tidied = w[Day].Start
}

// Erase deletes what a person has used, under the subject or the address. A running gateway counts
// on, and writes of the present windows what the person uses from now on.
func Erase(ctx context.Context, s *store.Store, subject string) error {
	_, err := s.DB().ExecContext(ctx, `DELETE FROM quotas WHERE kind = 'principal' AND name IN ($1, $2) OR kind = 'client' AND name IN ($1, $3)`, subject,
		nameOf(s.Names(), Holder{Kind: "principal", Name: subject}), nameOf(s.Names(), Holder{Kind: "client", Name: subject}))
	if err != nil {
		return fmt.Errorf("couldn't delete what was used of quotas: %w", err)
	}
	return nil
}

// recall reads what was used in the present windows.
func (b *Book) recall(ctx context.Context, s *store.Store) error {
	w := b.calendar.at(b.now())
	rows, err := s.DB().QueryContext(ctx, `SELECT kind, issuer, name, sealed, span, start, plan, requests, units, bytes, records FROM quotas
		WHERE span = 'day' AND start = $1 OR span = 'month' AND start = $2`, w[Day].Start, w[Month].Start)
	if err != nil {
		return err
	}
	defer rows.Close()
	unread := 0
	for rows.Next() {
		var h Holder
		var sealed []byte
		var span, plan string
		var start int64
		var u Use
		if err := rows.Scan(&h.Kind, &h.Issuer, &h.Name, &sealed, &span, &start, &plan, &u[Requests], &u[Units], &u[Octets], &u[Records]); err != nil {
			return err
		}
		if h.open(s.Names(), sealed) != nil {
			unread++
			continue
		}
		a := b.accountOf(h)
		a.mu.Lock()
		late := a.roll(w)
		a.named = cmp.Or(a.named, plan)
		a.of[spanOf(span)].used.add(u)
		a.mu.Unlock()
		b.accounts.remember(late)
	}
	if unread > 0 {
		slog.Warn("what was used of quotas is forgotten where the store's keys do not open whose it was", "rows", unread)
	}
	return rows.Err()
}

func (b *Book) accountOf(h Holder) *Account {
	if h.Kind == "spill" {
		for _, a := range b.accounts.spill {
			if a.holder == h {
				return a
			}
		}
	}
	return b.accounts.open(b.key(h), h)
}

// flush writes what was used. On error all of it that was not written stays to be.
func (b *Book) flush(ctx context.Context, s *store.Store) error {
	t := b.accounts
	t.mu.Lock()
	queue, late := t.queue, t.late
	t.queue, t.late = nil, nil
	t.mu.Unlock()
	// Everybody takes rows in the same order, so that no two processes wait for each other.
	slices.SortFunc(queue, func(a, b *Account) int { return a.holder.compare(b.holder) })
	for len(queue) > 0 || len(late) > 0 {
		batch := queue[:min(perBatch, len(queue))]
		if err := b.writeBatch(ctx, s, batch, late); err != nil {
			t.mu.Lock()
			t.queue = append(t.queue, queue...)
			t.late = append(t.late, late...)
			t.mu.Unlock()
			return err
		}
		queue, late = queue[len(batch):], nil
	}
	return nil
}

func (h Holder) compare(o Holder) int {
	return cmp.Or(cmp.Compare(h.Kind, o.Kind), cmp.Compare(h.Issuer, o.Issuer), cmp.Compare(h.Name, o.Name))
}

// writeBatch adds rows in one transaction and takes over what the store has then.
func (b *Book) writeBatch(ctx context.Context, s *store.Store, batch []*Account, late []row) error {
	rows := make([]row, 0, len(batch)*int(Spans))
	for _, a := range batch {
		rows = a.depart(rows)
	}
	totals := make([]Use, len(rows))
	err := s.Change(ctx, func(tx *sql.Tx) error {
		for _, r := range late {
			if _, err := add(ctx, tx, s.Names(), r); err != nil {
				return err
			}
		}
		for i, r := range rows {
			var err error
			if totals[i], err = add(ctx, tx, s.Names(), r); err != nil {
				return err
			}
		}
		return nil
	})
	for i, a := range batch {
		of := rows[i*int(Spans) : (i+1)*int(Spans)]
		if err != nil {
			b.accounts.remember(a.comeBack(of))
			continue
		}
		if a.arrive(of, totals[i*int(Spans):(i+1)*int(Spans)]) {
			b.accounts.enqueue(a)
		}
	}
	return err
}

func add(ctx context.Context, tx *sql.Tx, names *store.Names, r row) (u Use, err error) {
	name := nameOf(names, r.holder)
	sealed, err := sealedName(names, r.holder, name)
	if err != nil {
		return u, err
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO quotas (kind, issuer, name, sealed, span, start, plan, requests, units, bytes, records)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (kind, issuer, name, span, start) DO UPDATE SET plan = excluded.plan,
		requests = quotas.requests + excluded.requests, units = quotas.units + excluded.units,
		bytes = quotas.bytes + excluded.bytes, records = quotas.records + excluded.records
		RETURNING requests, units, bytes, records`,
		r.holder.Kind, r.holder.Issuer, name, sealed, r.span.String(), r.start, r.plan, r.more[Requests], r.more[Units], r.more[Octets], r.more[Records]).
		Scan(&u[Requests], &u[Units], &u[Octets], &u[Records])
	return u, err
}

// depart appends what is to be written, a row for each span.
func (a *Account) depart(rows []row) []row {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.of {
		t := &a.of[s]
		t.flying, t.fresh = t.fresh, Use{}
		rows = append(rows, row{a.holder, Span(s), t.start, a.named, t.flying})
	}
	return rows
}

// arrive takes over what the store has after it was written, and returns whether there is more to write.
func (a *Account) arrive(rows []row, totals []Use) (more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.of {
		t := &a.of[s]
		if t.start == rows[s].start { // else the window has ended meanwhile
			t.used, t.flying = totals[s], Use{}
			t.used.add(t.fresh)
		}
		more = more || t.fresh != Use{}
	}
	a.queued = more
	return more
}

// comeBack takes back what was not written. Of windows that have ended meanwhile the rows are returned.
func (a *Account) comeBack(rows []row) (late []row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.of {
		t := &a.of[s]
		if t.start != rows[s].start {
			late = append(late, rows[s])
			continue
		}
		t.fresh.add(t.flying)
		t.flying = Use{}
	}
	return late
}
