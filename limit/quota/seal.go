package quota

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/store"
)

// In the store, names of accounts are keyed hashes, beside which the name itself is sealed, as far as the store seals names: those of
// upstreams, which are the config's, and of what has no room of its own, which are ours, stay as they are.
func (h Holder) secret() bool {
	return h.Kind == "principal" || h.Kind == "tenant" || h.Kind == "client"
}

// nameOf is the name of a row.
func nameOf(names *store.Names, h Holder) string {
	if names == nil || !h.secret() {
		return h.Name
	}
	return names.Tag("quotas "+h.Kind, h.Name)
}

// sealedName is what a row has beside its name: nil where that is not hidden.
func sealedName(names *store.Names, h Holder, name string) ([]byte, error) {
	if names == nil || !h.secret() {
		return nil, nil
	}
	return names.Seal([]byte(h.Name), place(h.Kind, name))
}

func place(kind, name string) string { return "quotas " + kind + " " + name }

// open puts the name itself in the place of its hash.
func (h *Holder) open(names *store.Names, sealed []byte) error {
	if sealed == nil {
		return nil
	}
	if names == nil {
		return store.ErrLocked
	}
	name, err := names.Open(sealed, place(h.Kind, h.Name))
	if err != nil {
		return err
	}
	h.Name = string(name)
	return nil
}

// Seal hides the names that older versions have written in clear, of windows that began at since or later, and returns of how
// many rows. It does nothing where the store seals no names. A gateway of such a version that still counts does not see what it
// had written before; what it writes from then on is added by the next Seal.
func Seal(ctx context.Context, s *store.Store, since time.Time) (n int, err error) {
	if s.Names() == nil {
		return 0, nil
	}
	for {
		list, err := inClear(ctx, s, since)
		if err == nil {
			err = s.Change(ctx, func(tx *sql.Tx) error { return hide(ctx, tx, s.Names(), list) })
		}
		if err != nil {
			return n, fmt.Errorf("couldn't seal the names of quotas: %w", err)
		}
		n += len(list)
		if len(list) < perBatch {
			return n, nil
		}
	}
}

// inClear lists some rows whose names are in clear, in the order in which everybody takes rows.
func inClear(ctx context.Context, s *store.Store, since time.Time) (list []row, err error) {
	rows, err := s.DB().QueryContext(ctx, `SELECT kind, issuer, name, span, start FROM quotas
		WHERE sealed IS NULL AND kind IN ('principal', 'tenant', 'client') AND start >= $1 LIMIT $2`, since.Unix(), perBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var span string
		if err := rows.Scan(&r.holder.Kind, &r.holder.Issuer, &r.holder.Name, &span, &r.start); err != nil {
			return nil, err
		}
		r.span = spanOf(span)
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b row) int { return a.holder.compare(b.holder) })
	return list, rows.Err()
}

// hide adds what rows in clear have to those that take their place.
func hide(ctx context.Context, tx *sql.Tx, names *store.Names, list []row) error {
	for _, r := range list {
		err := tx.QueryRowContext(ctx, `DELETE FROM quotas WHERE kind = $1 AND issuer = $2 AND name = $3 AND span = $4 AND start = $5
			RETURNING plan, requests, units, bytes, records`, r.holder.Kind, r.holder.Issuer, r.holder.Name, r.span.String(), r.start).
			Scan(&r.plan, &r.more[Requests], &r.more[Units], &r.more[Octets], &r.more[Records])
		if errors.Is(err, sql.ErrNoRows) {
			continue // another gateway was quicker
		}
		if err == nil {
			_, err = add(ctx, tx, names, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
