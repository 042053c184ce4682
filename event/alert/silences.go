package alert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// Silences are those that people have made, in the store. It is safe for concurrent use; what another process has made is
// seen within [silencesFresh].
type Silences struct {
	db   *sql.DB
	mu   sync.Mutex
	list []Silence
	read time.Time
}

const (
	silencesFresh = 2 * time.Second
	maxSilences   = 1000
	// MaxSilence is the longest that one may last: who is silent for good should switch the rule off, where others see it.
	MaxSilence = 90 * 24 * time.Hour
)

// The mistakes of whoever makes a silence.
var (
	ErrSilence   = errors.New("a silence needs a rule, a reason, and an end within 90 days")
	ErrNoSilence = errors.New("there is no such silence")
	ErrManyQuiet = fmt.Errorf("there are %d silences already", maxSilences)
)

// NewSilences are those of a database.
func NewSilences(db *sql.DB) *Silences { return &Silences{db: db} }

// Now lists those that have not ended. While the store cannot be read, it lists those of before.
func (s *Silences) Now() []Silence {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.read) < silencesFresh {
		return s.list
	}
	ctx, cancel := context.WithTimeout(context.Background(), silencesFresh)
	defer cancel()
	list, err := s.List(ctx)
	if err != nil {
		slog.Error("couldn't read the silences of alerts", "error", err)
	} else {
		s.list = list
	}
	s.read = time.Now()
	return s.list
}

// List reads those that have not ended, the next to end first.
func (s *Silences) List(ctx context.Context) ([]Silence, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, rule, key, until, reason, actor FROM silences WHERE until > $1 ORDER BY until LIMIT $2`, time.Now().Unix(), maxSilences)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	list := []Silence{}
	for rows.Next() {
		var one Silence
		var until int64
		if err := rows.Scan(&one.ID, &one.Rule, &one.Key, &until, &one.Reason, &one.By); err != nil {
			return nil, fmt.Errorf("couldn't read the store: %w", err)
		}
		one.Until = time.Unix(until, 0).UTC()
		list = append(list, one)
	}
	return list, rows.Err()
}

// Add makes one, and returns it with its id. Those that have ended are forgotten.
func (s *Silences) Add(ctx context.Context, one Silence) (Silence, error) {
	now := time.Now()
	if one.Rule == "" || one.Reason == "" || !one.Until.After(now) || one.Until.After(now.Add(MaxSilence)) {
		return one, ErrSilence
	}
	if list, err := s.List(ctx); err != nil || len(list) >= maxSilences {
		return one, errors.Join(err, ErrManyQuiet)
	}
	one.ID = exchange.NewID(now)
	_, err := s.db.ExecContext(ctx, `INSERT INTO silences (id, rule, key, until, reason, actor, made) VALUES ($1, $2, $3, $4, $5, $6, $7)`, one.ID, one.Rule, one.Key, one.Until.Unix(), one.Reason, one.By, now.Unix())
	if err == nil {
		_, err = s.db.ExecContext(ctx, `DELETE FROM silences WHERE until < $1`, now.Add(-30*24*time.Hour).Unix())
	}
	s.stale()
	return one, err
}

// End ends one now.
func (s *Silences) End(ctx context.Context, id string) error {
	now := time.Now().Unix()
	done, err := s.db.ExecContext(ctx, `UPDATE silences SET until = $1 WHERE id = $2 AND until > $1`, now, id)
	if err != nil {
		return fmt.Errorf("couldn't write the store: %w", err)
	}
	s.stale()
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNoSilence)
	}
	return nil
}

func (s *Silences) stale() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = time.Time{}
}
