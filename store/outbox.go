package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// By is the store for somebody whose acts nobody else tells of, such as a command beside the gateway: what [Store.Actor]
// then names, each act puts into the outbox in its own transaction, and a gateway takes from there to log and sinks.
func (s *Store) By(actor string) *Store {
	of := *s
	of.actor = actor
	return &of
}

// Actor is who acts; "" where whoever acts tells of it.
func (s *Store) Actor() string { return s.actor }

// Announce puts an event, as JSON, into the outbox, within the transaction of the act that it tells of: either both
// happen or neither.
func Announce(ctx context.Context, tx *sql.Tx, id string, event any) error {
	data, err := json.Marshal(event)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO outbox (id, event) VALUES ($1, $2)`, id, string(data))
	}
	if err != nil {
		return fmt.Errorf("couldn't announce: %w", err)
	}
	return nil
}

// Change runs do in a transaction: what it does happens whole or not at all.
func (s *Store) Change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't write the store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't write the store: %w", err)
	}
	return nil
}

// Deliver hands the events of the outbox to tell, the oldest first, and removes each that it took. Several processes may
// deliver at once; none delivers what another one has. After a crash the last event may be told again.
func (s *Store) Deliver(ctx context.Context, tell func(event []byte) error) error {
	for {
		more, err := s.deliverOne(ctx, tell)
		if err != nil || !more {
			return err
		}
	}
}

func (s *Store) deliverOne(ctx context.Context, tell func(event []byte) error) (more bool, err error) {
	var id, event string
	switch err := s.db.QueryRowContext(ctx, `SELECT id FROM outbox ORDER BY id LIMIT 1`).Scan(&id); {
	case errors.Is(err, sql.ErrNoRows): // as almost always: nothing is locked for that
		return false, nil
	case err != nil:
		return false, fmt.Errorf("couldn't read the outbox: %w", err)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("couldn't read the outbox: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	// To remove the row is to hold it: whoever comes second waits, and then finds it gone.
	switch err := tx.QueryRowContext(ctx, `DELETE FROM outbox WHERE id = $1 RETURNING event`, id).Scan(&event); {
	case errors.Is(err, sql.ErrNoRows):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("couldn't read the outbox: %w", err)
	}
	if err := tell([]byte(event)); err != nil {
		return false, err
	}
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("couldn't empty the outbox: %w", err)
	}
	return true, nil
}
