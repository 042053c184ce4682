package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// Erase destroys the subject's key. When it returns, nothing that was sealed for the subject can be opened by this
// process or by what is on disk; other processes follow within [Lag]. It is [ErrUnknown] where there is no key.
func (r *Ring) Erase(ctx context.Context, subject string) error {
	err := r.rewrap(ctx, func(tx *sql.Tx) ([]byte, error) {
		ids, err := r.find(ctx, tx, subject)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, ErrUnknown
		}
		return r.destroy(ctx, tx, ids)
	})
	if err != nil {
		return fmt.Errorf("couldn't erase: %w", err)
	}
	return nil
}

// destroy deletes keys, and returns the drawers that they were in.
func (r *Ring) destroy(ctx context.Context, tx *sql.Tx, ids []int64) (drawers []byte, err error) {
	for _, id := range ids {
		var tag []byte
		if err := tx.QueryRowContext(ctx, `DELETE FROM keys WHERE id = ? RETURNING tag`, id).Scan(&tag); err != nil {
			return nil, err
		}
		r.count--
		drawers = append(drawers, tag[0])
	}
	return drawers, nil
}

// Rotate wraps every drawer under the first root key of the options, or under a new one where it is the ring's own.
func (r *Ring) Rotate(ctx context.Context) error {
	if err := r.rewrap(ctx, func(*sql.Tx) ([]byte, error) { return nil, nil }); err != nil {
		return fmt.Errorf("couldn't change the root key: %w", err)
	}
	return nil
}

// rewrap lets first delete keys, gives the drawers that it names a new key, and all of them a new root key. The ring is on
// disk under the new root key before the old one is destroyed; whatever crashes between, one of the two opens it.
func (r *Ring) rewrap(ctx context.Context, first func(*sql.Tx) ([]byte, error)) error {
	r.lookup.Lock()
	defer r.lookup.Unlock()
	defer r.keys.purge()
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `PRAGMA synchronous = FULL`); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.Background(), `PRAGMA synchronous = NORMAL`) }() // slower otherwise, no more
	if err := on(ctx, conn, func(tx *sql.Tx) error { return r.replace(ctx, tx, first) }); err != nil {
		return err
	}
	// What the log of the database has of old pages goes, as far as no other process reads them now.
	if _, err := conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return err
	}
	return on(ctx, conn, func(tx *sql.Tx) error { return r.forget(ctx, tx) })
}

func on(ctx context.Context, conn *sql.Conn, f func(*sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (r *Ring) replace(ctx context.Context, tx *sql.Tx, first func(*sql.Tx) ([]byte, error)) error {
	renewed, err := first(tx)
	if err != nil {
		return err
	}
	for _, n := range renewed {
		if err := r.renew(ctx, tx, n); err != nil {
			return err
		}
	}
	plain, err := r.wrapped(ctx, tx)
	if err != nil {
		return err
	}
	if err := r.newRoot(); err != nil {
		return err
	}
	for n, p := range plain {
		if _, err := r.fill(ctx, tx, n, p); err != nil {
			return err
		}
	}
	pepper, err := r.root.Encrypt(r.pepper, pepperOf)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE facts SET value = CASE name WHEN 'pepper' THEN ? ELSE value + 1 END WHERE name IN ('pepper', 'epoch')`, pepper)
	return err
}

// renew gives drawer n a new key and wraps under it what is in the drawer.
func (r *Ring) renew(ctx context.Context, tx *sql.Tx, n byte) error {
	old, err := r.drawer(ctx, tx, n, false)
	if err != nil {
		return err
	}
	plain := newKey()
	fresh, err := subtle.NewAESGCM(plain)
	if err != nil {
		return err
	}
	kept, err := inside(ctx, tx, n)
	if err != nil {
		return err
	}
	for id, wrapped := range kept {
		k, err := old.aead.Decrypt(wrapped, keyOf(id))
		if err != nil {
			return fmt.Errorf("a wrapped key was changed: %w", err)
		}
		again, err := fresh.Encrypt(k, keyOf(id))
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE keys SET wrapped = ? WHERE id = ?`, again, id); err != nil {
			return err
		}
	}
	_, err = r.fill(ctx, tx, n, plain)
	return err
}

// inside are the wrapped keys of drawer n.
func inside(ctx context.Context, tx *sql.Tx, n byte) (map[int64][]byte, error) {
	query, args := `SELECT id, wrapped FROM keys WHERE tag >= ? AND tag < ?`, []any{[]byte{n}, []byte{n + 1}}
	if n == 255 {
		query, args = `SELECT id, wrapped FROM keys WHERE tag >= ?`, args[:1]
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	kept := map[int64][]byte{}
	for rows.Next() {
		var id int64
		var wrapped []byte
		if err := rows.Scan(&id, &wrapped); err != nil {
			return nil, err
		}
		kept[id] = wrapped
	}
	return kept, rows.Err()
}

// wrapped opens all drawer keys.
func (r *Ring) wrapped(ctx context.Context, tx *sql.Tx) (map[byte][]byte, error) {
	rows, err := tx.QueryContext(ctx, `SELECT n, wrapped FROM drawers`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	plain := map[byte][]byte{}
	for rows.Next() {
		var n byte
		var wrapped []byte
		if err := rows.Scan(&n, &wrapped); err != nil {
			return nil, err
		}
		if plain[n], err = r.unwrap(wrapped, drawerOf(n)); err != nil {
			return nil, err
		}
	}
	return plain, rows.Err()
}

// newRoot puts a new root key before the others of our own file; both are good until [Ring.forget].
func (r *Ring) newRoot() error {
	if r.root.file == "" {
		return nil
	}
	keys, err := readKeys(r.root.file)
	if err != nil {
		return err
	}
	keys = append([][]byte{newKey()}, keys...)
	next, err := keysetOf(keys)
	if err != nil {
		return err
	}
	if err := writeKeys(r.root.file, keys); err != nil {
		return err
	}
	r.root.AEAD = next
	return nil
}

// forget destroys the root keys that wrap nothing any more.
func (r *Ring) forget(ctx context.Context, tx *sql.Tx) error {
	if r.root.file == "" {
		return nil
	}
	keys, err := readKeys(r.root.file)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT wrapped FROM drawers UNION ALL SELECT value FROM facts WHERE name = 'pepper'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	used := map[uint32]bool{}
	for rows.Next() {
		var wrapped []byte
		if err := rows.Scan(&wrapped); err != nil {
			return err
		}
		used[wrappedBy(wrapped)] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	left := inUse(keys, used)
	if len(left) == 0 {
		return errors.New("no root key of the file has wrapped this ring")
	}
	if len(left) == len(keys) {
		return nil
	}
	primitive, err := keysetOf(left)
	if err != nil {
		return err
	}
	if err := writeKeys(r.root.file, left); err != nil {
		return err
	}
	r.root.AEAD = primitive
	return nil
}
