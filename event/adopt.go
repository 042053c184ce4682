package event

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// adopt takes over the refusals that a version before the archive has kept, unsealed, in the SQLite store.
func (a *Archive) adopt() error {
	if a.store.Postgres() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		last, records, err := a.unadopted(ctx)
		if err != nil || last == 0 {
			return err
		}
		for _, r := range records {
			a.tally.add(r)
		}
		if err := a.writer.write(ctx, records, nil); err != nil {
			return err
		}
		if _, err := a.store.DB().ExecContext(ctx, `DELETE FROM refusals WHERE rowid <= $1`, last); err != nil {
			return err
		}
	}
}

func (a *Archive) unadopted(ctx context.Context) (last int64, records []*exchange.Record, err error) {
	rows, err := a.store.DB().QueryContext(ctx, `SELECT rowid, record FROM refusals ORDER BY rowid LIMIT $1`, batchSize)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&last, &data); err != nil {
			return 0, nil, err
		}
		r := &exchange.Record{}
		if json.Unmarshal(data, r) == nil { // one that is damaged is no loss that anybody can mend
			records = append(records, r)
		}
	}
	return last, records, rows.Err()
}
