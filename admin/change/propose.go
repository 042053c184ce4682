package change

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A Proposal is a change that waits for a second person.
type Proposal struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Expires time.Time `json:"expires"`
	Actor   string    `json:"actor"`
	Note    string    `json:"note,omitempty"`
	ETag    string    `json:"etag"` // of the configuration that it changes
	Text    string    `json:"text,omitempty"`
	hash    string
}

// maxProposals is how many wait at once.
const maxProposals = 100

// propose keeps a change. What is to be written is bound by its hash: secrets are not kept, and those of the time of the
// approval must be the same.
func (f *File) propose(ctx context.Context, c Change, etag string, next []byte) (string, error) {
	masked, err := config.Mask(next)
	if err != nil {
		return "", fmt.Errorf("couldn't keep the proposal: %w", err)
	}
	current, err := os.ReadFile(f.o.Path)
	if err != nil {
		return "", fmt.Errorf("couldn't read the config: %w", err)
	}
	if back, err := config.Unmask(masked, current); err != nil || sum(back) != sum(next) {
		return "", &Invalid{config.Problems{{File: f.o.Path, Line: 1, Column: 1, Severity: config.Error, Rule: "config.secret", Message: "a proposal may not carry a new secret", Hint: "refer to it: file:PATH or ${NAME}"}}}
	}
	now := time.Now()
	var waiting int
	if _, err := f.o.DB.ExecContext(ctx, `DELETE FROM config_proposals WHERE expires <= $1`, now.Unix()); err != nil {
		return "", fmt.Errorf("couldn't keep the proposal: %w", err)
	}
	if err := f.o.DB.QueryRowContext(ctx, `SELECT count(*) FROM config_proposals`).Scan(&waiting); err != nil {
		return "", fmt.Errorf("couldn't keep the proposal: %w", err)
	}
	if waiting >= maxProposals {
		return "", ErrCrowded
	}
	id := exchange.NewID(now)
	e := exchange.NewEvent(exchange.AdminAct, "proposed a change of the configuration")
	e.Actor, e.Object, e.Data = c.Actor, "proposal "+id, map[string]string{"after": sum(next)}
	if err := f.tell(ctx, e); err != nil {
		return "", err
	}
	_, err = f.o.DB.ExecContext(ctx, `INSERT INTO config_proposals (id, time, expires, actor, note, etag, hash, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, now.Unix(), now.Add(f.o.Patience).Unix(), c.Actor, c.Note, etag, sum(next), string(masked))
	if err != nil {
		return "", fmt.Errorf("couldn't keep the proposal: %w", err)
	}
	return id, nil
}

// Proposals lists what waits, newest first, without the texts.
func (f *File) Proposals(ctx context.Context) ([]Proposal, error) {
	rows, err := f.o.DB.QueryContext(ctx, `SELECT id, time, expires, actor, note, etag FROM config_proposals WHERE expires > $1 ORDER BY id DESC`, time.Now().Unix())
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	list := []Proposal{}
	for rows.Next() {
		var p Proposal
		var at, expires int64
		if err := rows.Scan(&p.ID, &at, &expires, &p.Actor, &p.Note, &p.ETag); err != nil {
			return nil, fmt.Errorf("couldn't read the store: %w", err)
		}
		p.Time, p.Expires = time.Unix(at, 0).UTC(), time.Unix(expires, 0).UTC()
		list = append(list, p)
	}
	return list, rows.Err()
}

// Proposal is one that waits, and what it would do.
func (f *File) Proposal(ctx context.Context, id string) (Proposal, Outcome, error) {
	p, err := f.proposal(ctx, id)
	if err != nil {
		return p, Outcome{}, err
	}
	out, err := f.Check(Change{Text: p.Text})
	return p, out, err
}

// Proposed is one that waits.
func (f *File) Proposed(ctx context.Context, id string) (Proposal, error) { return f.proposal(ctx, id) }

func (f *File) proposal(ctx context.Context, id string) (p Proposal, err error) {
	var at, expires int64
	err = f.o.DB.QueryRowContext(ctx, `SELECT id, time, expires, actor, note, etag, hash, text FROM config_proposals WHERE id = $1`, id).
		Scan(&p.ID, &at, &expires, &p.Actor, &p.Note, &p.ETag, &p.hash, &p.Text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return p, ErrUnknown
	case err != nil:
		return p, fmt.Errorf("couldn't read the store: %w", err)
	case time.Now().Unix() >= expires:
		return p, ErrExpired
	}
	p.Time, p.Expires = time.Unix(at, 0).UTC(), time.Unix(expires, 0).UTC()
	return p, nil
}

// Approve takes a proposal of somebody else into use: exactly what was proposed, over exactly what it was proposed for.
func (f *File) Approve(ctx context.Context, id, actor string) (Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.proposal(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	if p.Actor == actor {
		return Outcome{}, ErrSelf
	}
	out, next, err := f.check(Change{ETag: p.ETag, Text: p.Text})
	if err == nil && out.Problems.Failed() {
		err = &Invalid{out.Problems}
	}
	if err == nil && subtle.ConstantTimeCompare([]byte(sum(next)), []byte(p.hash)) != 1 {
		err = ErrStale
	}
	if err != nil {
		return out, err
	}
	out, err = f.take(ctx, Change{Actor: actor, Note: p.Note + " (proposed by " + p.Actor + ")"}, out, next)
	if err != nil {
		return out, err
	}
	return out, f.drop(ctx, id)
}

// Reject forgets a proposal; its author may, too.
func (f *File) Reject(ctx context.Context, id, actor string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.proposal(ctx, id); err != nil {
		return err
	}
	e := exchange.NewEvent(exchange.AdminAct, "rejected a proposal")
	e.Actor, e.Object = actor, "proposal "+id
	if err := f.tell(ctx, e); err != nil {
		return err
	}
	return f.drop(ctx, id)
}

func (f *File) drop(ctx context.Context, id string) error {
	if _, err := f.o.DB.ExecContext(ctx, `DELETE FROM config_proposals WHERE id = $1`, id); err != nil {
		return fmt.Errorf("couldn't forget the proposal: %w", err)
	}
	return nil
}
