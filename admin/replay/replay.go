// Package replay has recorded exchanges decided again for people: one run at a time, which tells how far it is and goes
// on while nobody looks. Candidates that somebody has pasted, and the last outcomes, are kept in memory, a few of each.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/gateway"
)

// Errors that callers tell apart.
var (
	ErrBusy = errors.New("exchanges are being decided again for somebody else")
	ErrLong = errors.New("the candidate is too long")
)

// Bounds of what is kept, and of one run.
const (
	mostDrafts = 16
	mostRuns   = 16
	longest    = 10 * time.Minute
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
type Run struct {
	Question
	Began   time.Time
	Ended   time.Time        // zero while it runs
	N       int              // exchanges that were decided
	At      time.Time        // of the last of them
	Summary *gateway.Summary // nil before the end, and where Err says why not
	Err     error
	key     string
	stop    context.CancelFunc
}

// Share is how much of the time was decided, from 0 to 1.
func (r Run) Share() float64 {
	if r.At.IsZero() || !r.To.After(r.From) {
		return 0
	}
	return min(1, max(0, float64(r.At.Sub(r.From))/float64(r.To.Sub(r.From))))
}

// A Desk takes questions. It is safe for concurrent use.
type Desk struct {
	decide Decide
	slot   chan struct{} // of the one run
	mu     sync.Mutex
	drafts []draft // the newest last
	runs   []*Run  // likewise
	closed sync.Once
}

type draft struct{ id, text string }

// New returns a desk without questions.
func New(decide Decide) *Desk { return &Desk{decide: decide, slot: make(chan struct{}, 1)} }

// Ask decides at once, or as soon as nobody else is answered.
func (d *Desk) Ask(ctx context.Context, q Question) (*gateway.Summary, error) {
	select {
	case d.slot <- struct{}{}:
		defer func() { <-d.slot }()
		return d.decide(ctx, q, func(int, time.Time) {})
	case <-ctx.Done():
		return nil, ErrBusy
	}
}

// Start begins a run that [Desk.Run] finds by its key; an older one of the key is forgotten.
func (d *Desk) Start(key string, q Question) error {
	select {
	case d.slot <- struct{}{}:
	default:
		return ErrBusy
	}
	ctx, stop := context.WithTimeout(context.Background(), longest)
	r := &Run{Question: q, Began: time.Now(), key: key, stop: stop}
	d.mu.Lock()
	d.runs = slices.DeleteFunc(d.runs, func(o *Run) bool { return o.key == key })
	d.runs = append(d.runs[max(0, len(d.runs)+1-mostRuns):], r)
	d.mu.Unlock()
	go d.run(ctx, r)
	return nil
}

func (d *Desk) run(ctx context.Context, r *Run) {
	defer func() { <-d.slot }()
	defer r.stop()
	summary, err := d.decide(ctx, r.Question, func(n int, at time.Time) {
		d.mu.Lock()
		defer d.mu.Unlock()
		r.N, r.At = n, at
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Summary, r.Err, r.Ended = summary, err, time.Now()
}

// Run is how far the run of a key is, or what came of it; false where there is none.
func (d *Desk) Run(key string) (Run, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.runs, func(r *Run) bool { return r.key == key })
	if i < 0 {
		return Run{}, false
	}
	return *d.runs[i], true
}

// Stop ends the run of a key.
func (d *Desk) Stop(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.runs {
		if r.key == key {
			r.stop()
		}
	}
}

// Close ends what runs, and waits for it. Nothing is decided afterwards.
func (d *Desk) Close() {
	d.mu.Lock()
	for _, r := range d.runs {
		r.stop()
	}
	d.mu.Unlock()
	d.closed.Do(func() { d.slot <- struct{}{} })
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
