// Package replay has recorded exchanges decided again for people, one question at a time (package desk). Candidates that
// somebody has pasted are kept in memory, a few of them.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/gateway"
)

// ErrLong is told to whoever pastes too much.
var ErrLong = errors.New("the candidate is too long")

// Bounds of what is kept.
const (
	mostDrafts = 16
	// MaxText is how long a candidate may be, in bytes.
	MaxText = 1 << 20
)

// A Question is which exchanges are decided again, and by what.
type Question struct {
	Text     string // that may come to stand in the config file, secrets masked or not; "" is what stands there
	From, To time.Time
}

// Decide answers a question, and tells again and again how many exchanges it has decided, and the time of the last. The
// error is a *change.Invalid where the text is wrong.
type Decide func(ctx context.Context, q Question, told func(n int, at time.Time)) (*gateway.Summary, error)

// A Run is one question that was asked, and its outcome.
type Run = desk.Run[Question, *gateway.Summary]

// A Desk takes questions, and keeps drafts. It is safe for concurrent use.
type Desk struct {
	*desk.Desk[Question, *gateway.Summary]
	mu     sync.Mutex
	drafts []draft // the newest last
}

type draft struct{ id, text string }

// New returns a desk without questions.
func New(decide Decide) *Desk {
	return &Desk{Desk: desk.New(func(ctx context.Context, q Question, told func(desk.Progress)) (*gateway.Summary, error) {
		return decide(ctx, q, func(n int, at time.Time) { told(desk.Progress{N: n, At: at, Share: desk.ShareOf(q.From, q.To, at)}) })
	})}
}

// Keep keeps a candidate, and returns the id by which [Desk.Draft] finds it for a while.
func (d *Desk) Keep(text string) (string, error) {
	if len(text) > MaxText {
		return "", ErrLong
	}
	sum := sha256.Sum256([]byte(text))
	id := hex.EncodeToString(sum[:8])
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drafts = slices.DeleteFunc(d.drafts, func(o draft) bool { return o.id == id })
	d.drafts = append(d.drafts[max(0, len(d.drafts)+1-mostDrafts):], draft{id, text})
	return id, nil
}

// Draft is a candidate that was kept; false where it is forgotten.
func (d *Desk) Draft(id string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.drafts, func(o draft) bool { return o.id == id })
	if i < 0 {
		return "", false
	}
	return d.drafts[i].text, true
}
