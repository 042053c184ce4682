package limit

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
	span   span
	start  int64
	plan   string
	more   use
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
func (l *Limiter) Keep(ctx context.Context, s *store.Store) (end func(), err error) {
	if err := l.recall(ctx, s); err != nil {
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
				l.written(s)
				return
			case <-tick.C:
				l.written(s)
			}
		}
	}()
	return func() { close(stop); <-done }, nil
}

// written writes, and tells where it did not work; at the turn of a day it tidies up.
func (l *Limiter) written(s *store.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.flush(ctx, s); err != nil {
		l.unwritten.Add(1)
		slog.Warn("what was used of quotas could not be written; it is tried again", "error", err)
		return
	}
	now := l.now()
	w := l.calendar.at(now)
	if l.tidied == w[day].start {
		return
	}
	l.accounts.forget(w)
	_, err := s.DB().ExecContext(ctx, `DELETE FROM quotas WHERE start < $1 OR span = 'day' AND start < $2`, now.Add(-keepMonths).Unix(), now.Add(-keepDays).Unix())
	if err != nil {
		slog.Warn("old quotas could not be deleted; it is tried again", "error", err)
		return
	}
	l.tidied = w[day].start
}

// Erase deletes what a person has used: rows stand under the subject, or the address, as it is. A running gateway counts
// on, and writes of the present windows what the person uses from now on.
func Erase(ctx context.Context, s *store.Store, subject string) error {
	_, err := s.DB().ExecContext(ctx, `DELETE FROM quotas WHERE kind IN ('principal', 'client') AND name = $1`, subject)
	if err != nil {
		return fmt.Errorf("couldn't delete what was used of quotas: %w", err)
	}
	return nil
}

// recall reads what was used in the present windows.
func (l *Limiter) recall(ctx context.Context, s *store.Store) error {
	w := l.calendar.at(l.now())
	rows, err := s.DB().QueryContext(ctx, `SELECT kind, issuer, name, span, start, plan, requests, units, bytes, records FROM quotas
		WHERE span = 'day' AND start = $1 OR span = 'month' AND start = $2`, w[day].start, w[month].start)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h Holder
		var span, plan string
		var start int64
		var u use
		if err := rows.Scan(&h.Kind, &h.Issuer, &h.Name, &span, &start, &plan, &u[requests], &u[units], &u[octets], &u[records]); err != nil {
			return err
		}
		a := l.accountOf(h)
		a.mu.Lock()
		late := a.roll(w)
		at := day
		if span == "month" {
			at = month
		}
		a.named = cmp.Or(a.named, plan)
		a.of[at].used.add(u)
		a.mu.Unlock()
		l.accounts.remember(late)
	}
	return rows.Err()
}

func (l *Limiter) accountOf(h Holder) *account {
	if h.Kind == "spill" {
		for _, a := range l.accounts.spill {
			if a.holder == h {
				return a
			}
		}
	}
	return l.accounts.open(l.keyOf(h), h)
}

// flush writes what was used. On error all of it that was not written stays to be.
func (l *Limiter) flush(ctx context.Context, s *store.Store) error {
	t := l.accounts
	t.mu.Lock()
	queue, late := t.queue, t.late
	t.queue, t.late = nil, nil
	t.mu.Unlock()
	// Everybody takes rows in the same order, so that no two processes wait for each other.
	slices.SortFunc(queue, func(a, b *account) int { return a.holder.compare(b.holder) })
	for len(queue) > 0 || len(late) > 0 {
		batch := queue[:min(perBatch, len(queue))]
		if err := l.writeBatch(ctx, s, batch, late); err != nil {
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
func (l *Limiter) writeBatch(ctx context.Context, s *store.Store, batch []*account, late []row) error {
	rows := make([]row, 0, len(batch)*int(spans))
	for _, a := range batch {
		rows = a.depart(rows)
	}
	totals := make([]use, len(rows))
	err := s.Change(ctx, func(tx *sql.Tx) error {
		for _, r := range late {
			if _, err := add(ctx, tx, r); err != nil {
				return err
			}
		}
		for i, r := range rows {
			var err error
			if totals[i], err = add(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	for i, a := range batch {
		of := rows[i*int(spans) : (i+1)*int(spans)]
		if err != nil {
			l.accounts.remember(a.comeBack(of))
			continue
		}
		if a.arrive(of, totals[i*int(spans):(i+1)*int(spans)]) {
			l.accounts.enqueue(a)
		}
	}
	return err
}

func add(ctx context.Context, tx *sql.Tx, r row) (u use, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO quotas (kind, issuer, name, span, start, plan, requests, units, bytes, records)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (kind, issuer, name, span, start) DO UPDATE SET plan = excluded.plan,
		requests = quotas.requests + excluded.requests, units = quotas.units + excluded.units,
		bytes = quotas.bytes + excluded.bytes, records = quotas.records + excluded.records
		RETURNING requests, units, bytes, records`,
		r.holder.Kind, r.holder.Issuer, r.holder.Name, r.span.String(), r.start, r.plan, r.more[requests], r.more[units], r.more[octets], r.more[records]).
		Scan(&u[requests], &u[units], &u[octets], &u[records])
	return u, err
}

// depart appends what is to be written, a row for each span.
func (a *account) depart(rows []row) []row {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.of {
		t := &a.of[s]
		t.flying, t.fresh = t.fresh, use{}
		rows = append(rows, row{a.holder, span(s), t.start, a.named, t.flying})
	}
	return rows
}

// arrive takes over what the store has after it was written, and returns whether there is more to write.
func (a *account) arrive(rows []row, totals []use) (more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.of {
		t := &a.of[s]
		if t.start == rows[s].start { // else the window has ended meanwhile
			t.used, t.flying = totals[s], use{}
			t.used.add(t.fresh)
		}
		more = more || t.fresh != use{}
	}
	a.queued = more
	return more
}

// comeBack takes back what was not written. Of windows that have ended meanwhile the rows are returned.
func (a *account) comeBack(rows []row) (late []row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.of {
		t := &a.of[s]
		if t.start != rows[s].start {
			late = append(late, rows[s])
			continue
		}
		t.fresh.add(t.flying)
		t.flying = use{}
	}
	return late
}
