package event

import (
	"context"
	"math"
	"time"
)

const dayMillis = 24 * 60 * 60 * 1000

// partitioned are the tables whose rows are in partitions of a day, in PostgreSQL, the first for exchanges that passed.
var partitioned = []string{"exchanges_passed", "exchanges_kept", "findings", "events"}

// partition makes what a day needs.
func (w *writer) partition(ctx context.Context, day int64) error {
	at := time.UnixMilli(day * dayMillis).UTC()
	name := at.Format(time.DateOnly)
	if w.days[name] {
		return nil
	}
	for _, table := range partitioned {
		if err := w.store.Partition(ctx, table, at, (day*dayMillis)<<seqBits, ((day+1)*dayMillis)<<seqBits); err != nil {
			return err
		}
	}
	w.days[name] = true
	return nil
}

// sweepRows is how many rows are forgotten at once: other writers wait meanwhile.
const sweepRows = 2000

// sweep forgets what is too old or too much. It works for a moment at a time; done tells that nothing is left to do.
func (a *Archive) sweep(now time.Time) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	old, older := now.Add(-a.options.Retention), now.Add(-a.options.Refusals)
	for _, table := range []string{"counts", "noticed", "latencies"} {
		if _, err := a.store.DB().ExecContext(ctx, `DELETE FROM `+table+` WHERE (width = 60 AND start < $1) OR (width = 3600 AND start < $2)`,
			now.Add(-keepMinutes).Unix(), older.Unix()); err != nil {
			return false, err
		}
	}
	if a.store.Postgres() {
		return true, a.dropDays(ctx, now, old, older)
	}
	for until := now.Add(batchWait); time.Now().Before(until); {
		n, err := a.deleteSome(ctx, old, older)
		if err != nil || n == 0 {
			return true, err
		}
	}
	return false, nil
}

// deleteSome forgets a few rows of SQLite, and tells how many.
func (a *Archive) deleteSome(ctx context.Context, old, older time.Time) (n int64, err error) {
	deleted := func(query string, args ...any) error {
		result, err := a.store.DB().ExecContext(ctx, query, append(args, sweepRows)...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		n += rows
		return err
	}
	for _, table := range []string{"exchanges", "events"} {
		if err := deleted(`DELETE FROM `+table+` WHERE seq IN (SELECT seq FROM `+table+` WHERE seq < $1 ORDER BY seq LIMIT $2)`, seqAt(older)); err != nil {
			return n, err
		}
	}
	if err := deleted(`DELETE FROM findings WHERE (seq, n) IN (SELECT seq, n FROM findings WHERE seq < $1 ORDER BY seq LIMIT $2)`, seqAt(older)); err != nil {
		return n, err
	}
	const some = `DELETE FROM exchanges WHERE seq IN (SELECT seq FROM exchanges WHERE outcome = 0 AND seq > $1 AND seq < $2 ORDER BY seq LIMIT $3)`
	before := n
	if err := deleted(some, a.writer.swept, seqAt(old)); err != nil {
		return n, err
	}
	if n == before { // what is left of that time are others
		a.writer.swept = seqAt(old)
	}
	size, err := a.store.Size(ctx)
	if err != nil || size <= a.options.MaxBytes {
		return n, err
	}
	before = n
	if err := deleted(some, a.writer.swept, int64(math.MaxInt64)); err != nil || n > before {
		return n, err
	}
	return n, deleted(`DELETE FROM exchanges WHERE seq IN (SELECT seq FROM exchanges ORDER BY seq LIMIT $1)`)
}

// dropDays forgets days of PostgreSQL. Where today alone is too much, exchanges that pass are no longer kept today.
func (a *Archive) dropDays(ctx context.Context, now, old, older time.Time) error {
	for i, table := range partitioned {
		last := older
		if i == 0 {
			last = old
		}
		days, err := a.store.Partitions(ctx, table)
		if err != nil {
			return err
		}
		for _, day := range days {
			if day.Add(24 * time.Hour).After(last) {
				break
			}
			if err := a.store.DropPartition(ctx, table, day); err != nil {
				return err
			}
			clear(a.writer.days)
		}
	}
	if err := a.dropWhile(ctx, now, partitioned[0], a.store.Size); err != nil {
		return err
	}
	size, err := a.store.Size(ctx)
	a.full.Store(size > a.options.MaxBytes)
	if err != nil || size <= a.options.MaxBytes {
		return err
	}
	// A flood of exchanges that pass costs nobody the refusals of other days.
	return a.dropWhile(ctx, now, partitioned[1], func(ctx context.Context) (int64, error) { return a.store.TableSize(ctx, partitioned[1]) })
}

// dropWhile drops the oldest days of a table, but for today, while the size is too much.
func (a *Archive) dropWhile(ctx context.Context, now time.Time, table string, size func(context.Context) (int64, error)) error {
	days, err := a.store.Partitions(ctx, table)
	if err != nil {
		return err
	}
	for _, day := range days {
		n, err := size(ctx)
		if err != nil || n <= a.options.MaxBytes || !day.Before(now.UTC().Truncate(24*time.Hour)) {
			return err
		}
		if err := a.store.DropPartition(ctx, table, day); err != nil {
			return err
		}
		clear(a.writer.days)
	}
	return nil
}

// seqAt is the least key of a time.
func seqAt(t time.Time) int64 { return max(t.UnixMilli(), 0) << seqBits }
