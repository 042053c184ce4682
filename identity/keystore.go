package identity

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
)

// ErrNoSuchKey says that no stored API key has the id.
var ErrNoSuchKey = errors.New("no such API key")

// A KeyError is a key that cannot be made as it was asked for.
type KeyError string

func (e KeyError) Error() string { return string(e) }

// A StoredKey is an API key of the store, without the key itself, which nobody has but its bearer.
type StoredKey struct {
	ID       string    `json:"id"`
	Identity string    `json:"identity,omitempty"` // the api_key identity that it is confined to; "" for every one
	Subject  string    `json:"subject"`            // "" where it is sealed, and the store's key of names is not at hand
	Tenant   string    `json:"tenant,omitempty"`
	Plan     string    `json:"plan,omitempty"` // of quotas; "" for that of the tenant or API
	Roles    []string  `json:"roles,omitempty"`
	Scopes   []string  `json:"scopes,omitempty"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Revoked  time.Time `json:"revoked,omitzero"` // zero: not revoked

	sealed bool   // Subject and Tenant are unknown: nothing here opens them
	byKey  []byte // both, sealed by the key itself
}

// NewKey says who a key is made for.
type NewKey struct {
	Identity string // "" for every api_key identity of the config
	Subject  string // default: the id of the key
	Tenant   string
	Plan     string // of quotas; whether there is one of that name is known to gateways only
	Roles    []string
	Scopes   []string
	Expires  time.Time // zero: never
}

// CreateKey makes a key and stores its hash. The key is returned once and can never be shown again. Running gateways
// accept it within a second.
func CreateKey(ctx context.Context, s *store.Store, n NewKey) (key string, stored StoredKey, err error) {
	key, id := newKey()
	if n.Subject == "" {
		n.Subject = id
	}
	stored = StoredKey{
		ID: id, Identity: n.Identity, Subject: n.Subject, Tenant: n.Tenant, Plan: n.Plan, Roles: n.Roles, Scopes: n.Scopes,
		Created: time.Now().UTC().Truncate(time.Second), Expires: n.Expires.UTC().Truncate(time.Second),
	}
	if err := checkHolder(n.Subject, n.Tenant, n.Roles, n.Scopes); err != nil {
		return "", StoredKey{}, KeyError("couldn't create the key: " + err.Error())
	}
	if n.Plan != "" && !printable(n.Plan) {
		return "", StoredKey{}, KeyError("couldn't create the key: the plan is unprintable")
	}
	if !n.Expires.IsZero() && !n.Expires.After(time.Now()) {
		return "", StoredKey{}, KeyError("couldn't create the key: it would have expired already")
	}
	names, err := s.Sealing(ctx)
	if err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't create the key: %w", err)
	}
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't create the key: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	if err = insertKey(ctx, tx, names, stored, key); err == nil {
		err = announce(ctx, s, tx, exchange.KeyCreated, id, n.Subject, "created an API key")
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't create the key: %w", err)
	}
	return key, stored, nil
}

// RotateKey makes a new key for the holder of an existing one, with a new id and the same rights and expiry. The old
// one stops working after grace; zero stops it at once. It never lives longer than it would have.
func RotateKey(ctx context.Context, s *store.Store, id string, grace time.Duration) (key string, stored StoredKey, err error) {
	names, err := s.Sealing(ctx)
	if err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't rotate the key: %w", err)
	}
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't rotate the key: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	now := time.Now().UTC().Truncate(time.Second)
	// Of two who rotate one key at once, the second waits here and finds it ended; SQLite lets only one in anyway.
	if _, err := tx.ExecContext(ctx, "UPDATE api_keys SET id = id WHERE id = $1", id); err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't rotate %s: %w", quote(id), err)
	}
	old, err := oneKey(ctx, tx, names, id)
	switch {
	case err != nil:
		return "", StoredKey{}, fmt.Errorf("couldn't rotate %s: %w", quote(id), err)
	case !old.Revoked.IsZero() || !old.Expires.IsZero() && !old.Expires.After(now):
		return "", StoredKey{}, KeyError("couldn't rotate " + quote(id) + ": it is revoked or expired")
	case old.sealed:
		return "", StoredKey{}, KeyError("couldn't rotate " + quote(id) + ": whose it is was sealed by keys that are lost; revoke it and create another one")
	}
	key, newID := newKey()
	stored = old
	stored.ID, stored.Created = newID, now // the subject stays: its objects and limits go by it
	if err = insertKey(ctx, tx, names, stored, key); err == nil {
		err = endKey(ctx, tx, old, now, grace)
	}
	if err == nil {
		err = announce(ctx, s, tx, exchange.KeyRotated, id, old.Subject, fmt.Sprintf("replaced an API key by %s; the old one ends after %s", newID, grace))
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return "", StoredKey{}, fmt.Errorf("couldn't rotate %s: %w", quote(id), err)
	}
	return key, stored, nil
}

func endKey(ctx context.Context, tx *sql.Tx, old StoredKey, now time.Time, grace time.Duration) error {
	if grace <= 0 {
		_, err := tx.ExecContext(ctx, "UPDATE api_keys SET revoked = $1 WHERE id = $2", now.Unix(), old.ID)
		return err
	}
	end := now.Add(grace)
	if !old.Expires.IsZero() && old.Expires.Before(end) {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE api_keys SET expires = $1 WHERE id = $2", end.Unix(), old.ID)
	return err
}

// RevokeKey makes a key useless, for running gateways within a second. To revoke it again changes nothing.
func RevokeKey(ctx context.Context, s *store.Store, id string) error {
	if err := revokeKey(ctx, s, id); err != nil {
		return fmt.Errorf("couldn't revoke %s: %w", quote(id), err)
	}
	return nil
}

func revokeKey(ctx context.Context, s *store.Store, id string) error {
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	k, err := oneKey(ctx, tx, s.Names(), id)
	if err != nil {
		return err
	}
	r, err := tx.ExecContext(ctx, "UPDATE api_keys SET revoked = $1 WHERE id = $2 AND revoked = 0", time.Now().Unix(), id)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 { // it was revoked before
		return err
	}
	if err := announce(ctx, s, tx, exchange.KeyRevoked, id, k.Subject, "revoked an API key"); err != nil {
		return err
	}
	return tx.Commit()
}

// announce tells of an act in its own transaction, where nobody else does.
func announce(ctx context.Context, s *store.Store, tx *sql.Tx, k *exchange.Kind, id, subject, detail string) error {
	if s.Actor() == "" {
		return nil
	}
	e := exchange.NewEvent(k, detail)
	e.Actor, e.Object, e.Subject = s.Actor(), id, subject
	return store.Announce(ctx, tx, e.ID, e)
}

// ListKeys returns all keys, the oldest first.
func ListKeys(ctx context.Context, s *store.Store) ([]StoredKey, error) {
	list, _, err := selectKeys(ctx, s.DB(), s.Names(), "ORDER BY created, id")
	if err != nil {
		return nil, fmt.Errorf("couldn't list the API keys: %w", err)
	}
	return list, nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func oneKey(ctx context.Context, q querier, names *store.Names, id string) (StoredKey, error) {
	list, _, err := selectKeys(ctx, q, names, "WHERE id = $1", id)
	if err != nil {
		return StoredKey{}, err
	}
	if len(list) == 0 {
		return StoredKey{}, ErrNoSuchKey
	}
	return list[0], nil
}

// insertKey stores a key: sealed where there are names.
func insertKey(ctx context.Context, q querier, names *store.Names, k StoredKey, key string) error {
	roles, err := json.Marshal(append([]string{}, k.Roles...))
	if err != nil {
		return err
	}
	scopes, err := json.Marshal(append([]string{}, k.Scopes...))
	if err != nil {
		return err
	}
	var sealed, byKey []byte
	if names != nil {
		if sealed, byKey, err = seal(names, k, key); err != nil {
			return err
		}
		k.Identity, k.Subject, k.Tenant = sealedMark+k.Identity, "", ""
	}
	sum := sha256.Sum256([]byte(key))
	_, err = q.ExecContext(ctx, `INSERT INTO api_keys (id, hash, identity, subject, tenant, plan, roles, scopes, created, expires, sealed, by_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		k.ID, sum[:], k.Identity, k.Subject, k.Tenant, k.Plan, string(roles), string(scopes), unix(k.Created), unix(k.Expires), sealed, byKey)
	return err
}

// selectKeys reads keys and, beside them, their hashes. A key whose name does not open is there without it.
func selectKeys(ctx context.Context, q querier, names *store.Names, where string, args ...any) (list []StoredKey, sums [][sha256.Size]byte, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, hash, identity, subject, tenant, plan, roles, scopes, created, expires, revoked, sealed, by_key
		FROM api_keys `+where, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k StoredKey
		var sum, sealed []byte
		var roles, scopes string
		var created, expires, revoked int64
		if err := rows.Scan(&k.ID, &sum, &k.Identity, &k.Subject, &k.Tenant, &k.Plan, &roles, &scopes, &created, &expires, &revoked, &sealed, &k.byKey); err != nil {
			return nil, nil, err
		}
		if len(sum) != sha256.Size {
			return nil, nil, fmt.Errorf("key %s has a hash of %d bytes", quote(k.ID), len(sum))
		}
		if err := errors.Join(json.Unmarshal([]byte(roles), &k.Roles), json.Unmarshal([]byte(scopes), &k.Scopes)); err != nil {
			return nil, nil, fmt.Errorf("key %s: %w", quote(k.ID), err)
		}
		if sealed != nil {
			k.unseal(names, sealed)
		}
		k.Created, k.Expires, k.Revoked = moment(created), moment(expires), moment(revoked)
		list, sums = append(list, k), append(sums, [sha256.Size]byte(sum))
	}
	return list, sums, rows.Err()
}

// keysVersion is a number that a trigger of the database raises with every change of the table.
func keysVersion(ctx context.Context, db *sql.DB) (version string, err error) {
	err = db.QueryRowContext(ctx, "SELECT value FROM settings WHERE key = 'api_keys.version'").Scan(&version)
	return version, err
}

// unix and moment turn the zero time into 0 and back.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// checkHolder refuses names that no upstream could be told, as [jwt.principal] does for tokens.
func checkHolder(subject, tenant string, roles, scopes []string) error {
	if !printable(subject) {
		return errors.New("the subject is empty or unprintable")
	}
	if tenant != "" && !printable(tenant) {
		return errors.New("the tenant is unprintable")
	}
	for _, r := range roles {
		if !printable(r) {
			return errors.New("a role is empty or unprintable")
		}
	}
	for _, s := range scopes {
		if !scopeToken(s) {
			return errors.New("a scope has characters that RFC 6749 does not allow")
		}
	}
	return nil
}
