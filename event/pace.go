package event

import (
	"context"
	"fmt"
	"time"
)

// A Pace is how many exchanges an operation had in one minute or hour.
type Pace struct {
	API, Operation string
	Start          time.Time
	N              int64
}

// Paces visits how many exchanges each operation had in each hour of a time, or in each minute of it; only the last 48 hours are
// counted by minutes. The first is that in which from lies. What one of the guards has refused is left out, and what matched no operation.
func (r *Reader) Paces(ctx context.Context, from, to time.Time, every time.Duration, but []string, visit func(Pace)) error {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	width := int64(every.Seconds())
	without := condition{column: "guard", values: []int64{-1}}
	for _, guard := range but {
		n, ok, err := r.names.number(ctx, guard)
		if err != nil {
			return err
		}
		if ok {
			without.values = append(without.values, n)
		}
	}
	out, args := without.sql(true, []any{width, from.Unix() / width * width, to.Unix(), int64(refused)})
	rows, err := r.store.DB().QueryContext(ctx, `SELECT api, operation, start, sum(n) FROM counts WHERE width = $1 AND start >= $2 AND start < $3 AND operation <> 0
		AND NOT (outcome = $4 AND `+out+`) GROUP BY 1, 2, 3 ORDER BY 3`, args...)
	if err != nil {
		return fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	type raw struct{ api, operation, start, n int64 }
	var found []raw // words are looked up once the rows are closed: SQLite has few connections
	for rows.Next() {
		var c raw
		if err := rows.Scan(&c.api, &c.operation, &c.start, &c.n); err != nil {
			return err
		}
		found = append(found, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, c := range found {
		p := Pace{Start: time.Unix(c.start, 0).UTC(), N: c.n}
		if p.API, err = r.names.word(ctx, c.api); err != nil {
			return err
		}
		if p.Operation, err = r.names.word(ctx, c.operation); err != nil {
			return err
		}
		visit(p)
	}
	return nil
}
