package keyring

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The tables of the ring. What is deleted is overwritten (secure_delete).
const tables = `
CREATE TABLE IF NOT EXISTS facts   (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;    -- pepper, wrapped; epoch
CREATE TABLE IF NOT EXISTS drawers (n INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT; -- by the root key
CREATE TABLE IF NOT EXISTS keys (
  id      INTEGER PRIMARY KEY,  -- random
  tag     BLOB NOT NULL UNIQUE, -- HMAC of the subject; the first byte is the number of the drawer
  wrapped BLOB NOT NULL         -- by the drawer key
) STRICT;
INSERT OR IGNORE INTO facts VALUES ('epoch', 1);`

func open(file string) (*sql.DB, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	_ = f.Close() // nothing was written
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "secure_delete(1)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	return db, nil
}

// unlock finds the root key, and the pepper by it.
func (r *Ring) unlock(ctx context.Context, dir string, o Options) error {
	return r.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, tables); err != nil {
			return err
		}
		var wrapped []byte
		err := tx.QueryRowContext(ctx, `SELECT value FROM facts WHERE name = 'pepper'`).Scan(&wrapped)
		fresh := errors.Is(err, sql.ErrNoRows)
		if err != nil && !fresh {
			return err
		}
		if r.root, err = rootOf(dir, o, fresh); err != nil {
			return fmt.Errorf("the root key: %w", err)
		}
		if fresh {
			if wrapped, err = r.root.Encrypt(newKey(), pepperOf); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO facts VALUES ('pepper', ?)`, wrapped); err != nil {
				return err
			}
		}
		if r.pepper, err = r.root.Decrypt(wrapped, pepperOf); err != nil {
			return fmt.Errorf("the root key is not the one that wrapped this ring: %w", err)
		}
		var epoch int64
		err = tx.QueryRowContext(ctx, `SELECT count(*), (SELECT value FROM facts WHERE name = 'epoch') FROM keys`).Scan(&r.count, &epoch)
		r.epoch.Store(epoch)
		return err
	})
}

// change runs f in a transaction that has the only right to write.
func (r *Ring) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// What a wrapped key is bound to, so that none can stand in another's place.
var pepperOf = []byte("sallyport pepper")

func drawerOf(n byte) []byte { return []byte{'d', n} }

func keyOf(id int64) []byte { return binary.BigEndian.AppendUint64([]byte{'k'}, uint64(id)) }

// tag is the name under which the ring knows a subject.
func (r *Ring) tag(subject string) []byte {
	h := hmac.New(sha256.New, r.pepper)
	h.Write([]byte{'s'})
	h.Write([]byte(subject))
	return h.Sum(nil)[:16]
}

// sharedKeys is how many keys those share who come when the ring is full.
const sharedKeys = 4096

// shared is the tag of the key of those who have the subject's in common with others.
func (r *Ring) shared(subject string) []byte {
	h := hmac.New(sha256.New, r.pepper)
	h.Write([]byte{'c', 0, 0})
	t := r.tag(subject)
	n := binary.BigEndian.Uint16(t[1:]) % sharedKeys
	h.Write(binary.BigEndian.AppendUint16(nil, n))
	return h.Sum(nil)[:16]
}

// querier is the database or a transaction of it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// find lists the keys that may have sealed for the subject.
func (r *Ring) find(ctx context.Context, q querier, subject string) ([]int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT id FROM keys WHERE tag IN (?, ?)`, r.tag(subject), r.shared(subject))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the ring of keys: %w", err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// ensure brings the keys of the subjects into the cache, making those that are not there.
func (r *Ring) ensure(subjects []string) error {
	r.lookup.Lock()
	defer r.lookup.Unlock()
	ctx, turn := context.Background(), r.keys.turn()
	found := make([]key, len(subjects))
	err := r.change(ctx, func(tx *sql.Tx) (err error) {
		for i, s := range subjects {
			if found[i], err = r.make(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't keep a subject's key: %w", err)
	}
	for i, s := range subjects {
		r.keys.put(turn, short(s), found[i])
	}
	return nil
}

func (r *Ring) make(ctx context.Context, tx *sql.Tx, subject string) (key, error) {
	tag := r.tag(subject)
	k, err := r.load(ctx, tx, `SELECT id, tag, wrapped FROM keys WHERE tag = ?`, tag)
	if errors.Is(err, sql.ErrNoRows) && r.count >= r.limit {
		tag = r.shared(subject)
		k, err = r.load(ctx, tx, `SELECT id, tag, wrapped FROM keys WHERE tag = ?`, tag)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return k, err
	}
	d, err := r.drawer(ctx, tx, tag[0], true)
	if err != nil {
		return key{}, err
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	id, plain := int64(binary.BigEndian.Uint64(random[:])), newKey()
	wrapped, err := d.aead.Encrypt(plain, keyOf(id))
	if err != nil {
		return key{}, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO keys (id, tag, wrapped) VALUES (?, ?, ?)`, id, tag, wrapped); err != nil {
		return key{}, err
	}
	r.count++
	primitive, err := subtle.NewAESGCM(plain)
	return key{id, primitive}, err
}

func (r *Ring) byID(id int64) (key, error) {
	if err := r.refresh(); err != nil {
		return key{}, err
	}
	if k, ok := r.keys.byID(id); ok {
		return k, nil
	}
	r.lookup.Lock()
	defer r.lookup.Unlock()
	ctx, turn := context.Background(), r.keys.turn()
	// One transaction for key and drawer: between two an erasure may wrap both anew.
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return key{}, fmt.Errorf("couldn't read the ring of keys: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	k, err := r.load(ctx, tx, `SELECT id, tag, wrapped FROM keys WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return key{}, ErrErased
	}
	if err != nil {
		return key{}, fmt.Errorf("couldn't read the ring of keys: %w", err)
	}
	r.keys.put(turn, "", k)
	return k, nil
}

func (r *Ring) load(ctx context.Context, tx *sql.Tx, query string, arg any) (key, error) {
	var k key
	var tag, wrapped []byte
	if err := tx.QueryRowContext(ctx, query, arg).Scan(&k.id, &tag, &wrapped); err != nil {
		return key{}, err
	}
	d, err := r.drawer(ctx, tx, tag[0], false)
	if err != nil {
		return key{}, err
	}
	plain, err := d.aead.Decrypt(wrapped, keyOf(k.id))
	if err != nil {
		return key{}, fmt.Errorf("a wrapped key was changed: %w", err)
	}
	k.aead, err = subtle.NewAESGCM(plain)
	return k, err
}

// A drawer is an open drawer key, with what it was opened from.
type drawer struct {
	wrapped []byte
	aead    tink.AEAD
}

// drawer opens the key of drawer n, made where that is asked for. lookup is held.
func (r *Ring) drawer(ctx context.Context, tx *sql.Tx, n byte, create bool) (drawer, error) {
	var wrapped []byte
	err := tx.QueryRowContext(ctx, `SELECT wrapped FROM drawers WHERE n = ?`, n).Scan(&wrapped)
	if errors.Is(err, sql.ErrNoRows) && create {
		if err = r.follow(); err == nil { // under a root key that another process has replaced, nobody could open it again
			wrapped, err = r.fill(ctx, tx, n, newKey())
		}
	}
	if err != nil {
		return drawer{}, err
	}
	if d := r.drawers[n]; bytes.Equal(d.wrapped, wrapped) {
		return d, nil
	}
	plain, err := r.unwrap(wrapped, drawerOf(n))
	if err != nil {
		return drawer{}, err
	}
	d := drawer{wrapped: wrapped}
	if d.aead, err = subtle.NewAESGCM(plain); err == nil {
		r.drawers[n] = d
	}
	return d, err
}

// fill puts a drawer key in its place, wrapped by the root key.
func (r *Ring) fill(ctx context.Context, tx *sql.Tx, n byte, plain []byte) ([]byte, error) {
	wrapped, err := r.root.Encrypt(plain, drawerOf(n))
	if err != nil {
		return nil, fmt.Errorf("the root key: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO drawers (n, wrapped) VALUES (?, ?)`, n, wrapped)
	return wrapped, err
}

// unwrap opens what the root key has wrapped; another process may have changed the root key meanwhile.
func (r *Ring) unwrap(wrapped, what []byte) ([]byte, error) {
	plain, err := r.root.Decrypt(wrapped, what)
	if err == nil || r.root.file == "" {
		return plain, err
	}
	if err := r.follow(); err != nil {
		return nil, err
	}
	return r.root.Decrypt(wrapped, what)
}

// follow reads the root key again where it is ours. Within a transaction that may write nobody replaces it.
func (r *Ring) follow() error {
	if r.root.file == "" {
		return nil
	}
	keys, err := readKeys(r.root.file)
	if err != nil {
		return err
	}
	r.root.AEAD, err = keysetOf(keys)
	return err
}
