package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// EraseAgain destroys the keys of these numbers, which were destroyed before, as far as they are back because an older ring was
// restored, and returns those.
func (r *Ring) EraseAgain(ctx context.Context, numbers []int64) (back []int64, err error) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(numbers))) {
		var n int64
		switch err := r.db.QueryRowContext(ctx, `SELECT id FROM keys WHERE id = ?`, id).Scan(&n); {
		case err == nil:
			back = append(back, n)
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("couldn't read the ring of keys: %w", err)
		}
	}
	if len(back) == 0 {
		return nil, nil
	}
	if err := r.rewrap(ctx, func(tx *sql.Tx) ([]byte, error) { return r.destroy(ctx, tx, back) }); err != nil {
		return nil, fmt.Errorf("couldn't erase again: %w", err)
	}
	return back, nil
}

// Erased is how many entries of a log of erasures this ring knows to have followed. A ring that is restored knows of fewer.
func (r *Ring) Erased(ctx context.Context, log string) (n int64, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT value FROM facts WHERE name = ?`, erasedIn(log)).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("couldn't read the ring of keys: %w", err)
	}
	return n, nil
}

// SetErased notes that it has followed the first n.
func (r *Ring) SetErased(ctx context.Context, log string, n int64) error {
	_, err := r.db.ExecContext(ctx, `INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, erasedIn(log), n)
	if err != nil {
		return fmt.Errorf("couldn't write to the ring of keys: %w", err)
	}
	return nil
}

func erasedIn(log string) string { return "erased in " + log }
