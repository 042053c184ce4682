package people

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// maxSessions is how many sessions somebody may have; a further one ends the oldest.
const maxSessions = 10

// Begin makes a session and returns what the cookie is to hold. role is that of who signed in elsewhere; "" for users.
func (d *Directory) Begin(ctx context.Context, name string, role Role) (string, error) {
	value, now := secret(), time.Now()
	_, err := d.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires <= $1 OR seen <= $2`, now.Unix(), now.Add(-d.o.Idle).Unix())
	if err == nil {
		_, err = d.db.ExecContext(ctx, `DELETE FROM sessions WHERE name = $1 AND hash NOT IN (SELECT hash FROM sessions WHERE name = $2 ORDER BY created DESC, hash LIMIT $3)`, name, name, maxSessions-1)
	}
	if err == nil {
		_, err = d.db.ExecContext(ctx, `INSERT INTO sessions (hash, name, role, created, seen, expires) VALUES ($1, $2, $3, $4, $5, $6)`,
			digest(value), name, string(role), now.Unix(), now.Unix(), now.Add(d.o.Lifetime).Unix())
	}
	if err != nil {
		return "", fmt.Errorf("couldn't begin a session: %w", err)
	}
	return value, nil
}

// seenEvery is how often it is noted that a session is used.
const seenEvery = time.Minute

// Session tells whose a cookie is. The error is ErrRefused for one that is unknown, has ended, or whose user is gone.
func (d *Directory) Session(ctx context.Context, value string) (Person, error) {
	var p Person
	var elsewhere Role
	var own sql.NullString
	var seen, expires int64
	err := d.db.QueryRowContext(ctx, `SELECT s.name, s.role, u.role, s.seen, s.expires FROM sessions s LEFT JOIN users u ON u.name = s.name WHERE s.hash = $1`, digest(value)).
		Scan(&p.Name, &elsewhere, &own, &seen, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrRefused
	}
	if err != nil {
		return Person{}, fmt.Errorf("couldn't read the session: %w", err)
	}
	now := time.Now()
	if p.Role = elsewhere; p.Role == "" {
		p.Role = Role(own.String)
	}
	if now.Unix() >= expires || !now.Before(time.Unix(seen, 0).Add(d.o.Idle)) || !p.Role.At(Viewer) {
		return Person{}, ErrRefused
	}
	if now.Unix()-seen >= int64(min(seenEvery, d.o.Idle/2).Seconds()) {
		if _, err := d.db.ExecContext(ctx, `UPDATE sessions SET seen = $1 WHERE hash = $2`, now.Unix(), digest(value)); err != nil {
			return Person{}, fmt.Errorf("couldn't note that the session is used: %w", err)
		}
	}
	return p, nil
}

// End ends a session. One that is unknown has ended already.
func (d *Directory) End(ctx context.Context, value string) error {
	if _, err := d.db.ExecContext(ctx, `DELETE FROM sessions WHERE hash = $1`, digest(value)); err != nil {
		return fmt.Errorf("couldn't end the session: %w", err)
	}
	return nil
}

// EndAll ends every session of somebody.
func (d *Directory) EndAll(ctx context.Context, name string) error {
	return d.store.Change(ctx, func(tx *sql.Tx) error { return endAll(ctx, tx, name) })
}

func endAll(ctx context.Context, tx *sql.Tx, name string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE name = $1`, name); err != nil {
		return fmt.Errorf("couldn't end the sessions: %w", err)
	}
	return nil
}

// CSRF is what forms of a session send back: only who knows the cookie, or was shown a page of the session, knows it.
func CSRF(value string) string {
	mac := hmac.New(sha256.New, []byte(value))
	mac.Write([]byte("sallyport csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// SameCSRF compares in constant time.
func SameCSRF(value, got string) bool { return hmac.Equal([]byte(CSRF(value)), []byte(got)) }
