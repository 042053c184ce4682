package event

import (
	"context"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/sallyport/sallyport/exchange"
)

// maxBases is how many configurations are remembered, those that were used last.
const maxBases = 200

// maxBasis bounds one, in bytes, as it is read again.
const maxBasis = 64 << 20

// KeepBasis remembers what the verdicts of a configuration rest on, under the hash that stands in its records.
func (r *Reader) KeepBasis(ctx context.Context, hash string, basis []byte) error {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		return err
	}
	defer enc.Close()
	now := time.Now().Unix()
	db := r.store.DB()
	if _, err := db.ExecContext(ctx, `INSERT INTO bases (hash, since, used, basis) VALUES ($1, $2, $2, $3) ON CONFLICT (hash) DO UPDATE SET used = $2`, hash, now, enc.EncodeAll(basis, nil)); err != nil {
		return fmt.Errorf("couldn't keep what verdicts rest on: %w", err)
	}
	_, err = db.ExecContext(ctx, `DELETE FROM bases WHERE hash NOT IN (SELECT hash FROM bases ORDER BY used DESC LIMIT $1) AND hash <> $2`, maxBases, hash)
	return err
}

// Bases are all that are remembered, by hash.
func (r *Reader) Bases(ctx context.Context) (map[string][]byte, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBasis))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	rows, err := r.store.DB().QueryContext(ctx, `SELECT hash, basis FROM bases`)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	out := map[string][]byte{}
	for rows.Next() {
		var hash string
		var packed []byte
		if err := rows.Scan(&hash, &packed); err != nil {
			return nil, err
		}
		if out[hash], err = dec.DecodeAll(packed, nil); err != nil {
			return nil, fmt.Errorf("couldn't read what verdicts rest on: %w", err)
		}
	}
	return out, rows.Err()
}

// walkPage is how many records [Reader.Walk] reads at once.
const walkPage = 1000

// Walk visits every exchange that is kept of a time range, the oldest first, until visit fails. It takes as long as it
// takes: ctx ends it. What is erased is visited without what was personal.
func (r *Reader) Walk(ctx context.Context, from, to time.Time, visit func(*exchange.Record) error) error {
	w, err := r.span(ctx, "exchanges", from, to, "")
	if err != nil {
		return err
	}
	for {
		page, last, err := r.page(ctx, w)
		if err != nil {
			return err
		}
		for _, record := range page {
			if err := visit(record); err != nil {
				return err
			}
		}
		if len(page) < walkPage {
			return nil
		}
		w.from = last + 1
	}
}

// page is the next records of a window, and the key of the last.
func (r *Reader) page(ctx context.Context, w window) (list []*exchange.Record, last int64, err error) {
	rows, err := r.store.DB().QueryContext(ctx, `SELECT seq, id, record, sealed FROM exchanges WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3`, w.from, w.to, walkPage)
	if err != nil {
		return nil, 0, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var public, sealed []byte
		if err := rows.Scan(&last, &id, &public, &sealed); err != nil {
			return nil, 0, fmt.Errorf("couldn't read the store: %w", err)
		}
		record, err := r.packer.unpack(id, public, sealed)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, record)
	}
	return list, last, rows.Err()
}
