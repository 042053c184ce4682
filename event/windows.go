package event

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// crowded is how many exchanges an hour may have before it is looked at by minutes.
const crowded = 50_000

// longest is how long a window of several hours may be, so that the first rows are there before all counts were read.
const longest = 6 * hour

// windows are the times in which something is that q selects, newest first, as the counts tell: whoever looks for what is
// rare walks through these rows alone.
func (r *Reader) windows(ctx context.Context, q query) iter.Seq2[window, error] {
	return func(yield func(window, error) bool) {
		if len(q.persons) > 0 || q.rule == 0 && len(q.facets) == 0 {
			yield(q.window, nil)
			return
		}
		hours, err := r.starts(ctx, q, hour, q.window)
		busy, crowdErr := r.crowds(ctx, q.window)
		if err = errors.Join(err, crowdErr); err != nil {
			yield(window{}, err)
			return
		}
		// What happened a moment ago may not be counted yet.
		last := window{max(q.from, seqOf(time.Now().Unix()/minute*minute-minute)), q.to}
		newest := last.from
		for _, start := range hours {
			parts, err := r.split(ctx, q, start, busy[start])
			if err != nil {
				yield(window{}, err)
				return
			}
			for _, w := range parts {
				w.to = min(w.to, newest)
				switch {
				case w.from >= w.to:
				case w.to == last.from && last.to-w.from <= seqOf(longest):
					last.from = w.from
				case !yield(last, nil):
					return
				default:
					last = w
				}
			}
		}
		yield(last, nil)
	}
}

// split is the hour itself, or the minutes of a crowded one that have what q selects.
func (r *Reader) split(ctx context.Context, q query, start int64, crowded bool) ([]window, error) {
	whole := window{seqOf(start), seqOf(start + hour)}
	if !crowded {
		return []window{whole}, nil
	}
	minutes, err := r.starts(ctx, q, minute, whole)
	if len(minutes) == 0 { // counts by minute are gone
		return []window{whole}, err
	}
	parts := make([]window, len(minutes))
	for i, m := range minutes {
		parts[i] = window{seqOf(m), seqOf(m + minute)}
	}
	return parts, err
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
