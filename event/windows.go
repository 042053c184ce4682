package event

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// crowded is how many exchanges an hour may have before it is looked at by minutes.
const crowded = 50_000

// windows are the times in which something is that q selects, newest first, as the counts tell: whoever looks for what is
// rare walks through these rows alone.
func (r *Reader) windows(ctx context.Context, q query) ([]window, error) {
	if len(q.persons) > 0 || q.rule == 0 && len(q.facets) == 0 {
		return []window{q.window}, nil
	}
	hours, err := r.starts(ctx, q, hour, q.window)
	if err != nil {
		return nil, err
	}
	busy, err := r.crowds(ctx, q.window)
	if err != nil {
		return nil, err
	}
	// What happened a moment ago may not be counted yet.
	recent := window{max(q.from, seqOf(time.Now().Unix()/minute*minute-minute)), q.to}
	windows := []window{recent}
	for _, start := range hours {
		w := window{seqOf(start), min(seqOf(start+hour), recent.from)}
		if !busy[start] {
			windows = append(windows, w)
			continue
		}
		minutes, err := r.starts(ctx, q, minute, w)
		if err != nil {
			return nil, err
		}
		if len(minutes) == 0 { // counts by minute are gone
			windows = append(windows, w)
		}
		for _, m := range minutes {
			windows = append(windows, window{seqOf(m), min(seqOf(m+minute), recent.from)})
		}
	}
	return merged(slices.DeleteFunc(windows, func(w window) bool { return w.from >= w.to })), nil
}

// seqOf is the least key of a time in Unix seconds.
func seqOf(seconds int64) int64 { return seconds * 1000 << seqBits }

// seconds is the time of a key.
func seconds(seq int64) int64 { return seq >> seqBits / 1000 }

// starts lists the hours or minutes that have what q selects, newest first.
func (r *Reader) starts(ctx context.Context, q query, width int64, w window) ([]int64, error) {
	from, args := q.counts(width, w)
	rows, err := r.store.DB().QueryContext(ctx, `SELECT DISTINCT start`+from+` ORDER BY start DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var start int64
		if err := rows.Scan(&start); err != nil {
			return nil, err
		}
		list = append(list, start)
	}
	return list, rows.Err()
}

// crowds are the hours with too many exchanges to walk through.
func (r *Reader) crowds(ctx context.Context, w window) (map[int64]bool, error) {
	rows, err := r.store.DB().QueryContext(ctx, `SELECT start FROM counts WHERE width = $1 AND start >= $2 AND start <= $3 GROUP BY start HAVING sum(n) > $4`,
		hour, seconds(w.from)/hour*hour, seconds(w.to), crowded)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	busy := map[int64]bool{}
	for rows.Next() {
		var start int64
		if err := rows.Scan(&start); err != nil {
			return nil, err
		}
		busy[start] = true
	}
	return busy, rows.Err()
}

// counts is the table of counts that q is about, with the condition for a window: noticed where q names a rule, which has
// fewer facets.
func (q query) counts(width int64, w window) (string, []any) {
	table, columns := "counts", "api operation method status outcome code guard"
	if q.rule != 0 {
		table, columns = "noticed", "api operation"
	}
	args := []any{width, seconds(max(w.from, q.from)) / width * width, seconds(min(w.to, q.to) - 1)}
	parts := []string{`width = $1`, `start >= $2`, `start <= $3`}
	var text string
	for _, c := range q.facets {
		if strings.Contains(columns, c.column) {
			text, args = c.sql(true, args)
			parts = append(parts, text)
		}
	}
	if q.rule != 0 {
		args = append(args, q.rule)
		parts = append(parts, fmt.Sprintf(`rule = $%d`, len(args)))
	}
	return ` FROM ` + table + ` WHERE ` + strings.Join(parts, ` AND `), args
}
