// Package desk answers questions that take long: one at a time, which tells how far it is and goes on while nobody looks.
// The last answers are kept in memory, a few of them.
package desk

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrBusy is told to whoever asks while somebody else is answered.
var ErrBusy = errors.New("somebody else's question is being answered")

// Bounds of what is kept, and of one run.
const (
	mostRuns = 16
	longest  = 10 * time.Minute
)

// Progress is how far an answer is.
type Progress struct {
	N     int       // exchanges that were read
	At    time.Time // of the last of them
	Share float64   // that is done, from 0 to 1
}

// ShareOf is how much of a span of time lies before at, from 0 to 1.
func ShareOf(from, to, at time.Time) float64 {
	if at.IsZero() || !to.After(from) {
		return 0
	}
	return min(1, max(0, float64(at.Sub(from))/float64(to.Sub(from))))
}

// An Answer answers a question, and tells again and again how far it is.
type Answer[Q, A any] func(ctx context.Context, q Q, told func(Progress)) (A, error)

// A Run is one question that was asked, and its answer.
type Run[Q, A any] struct {
	Question Q
	Progress
	Began  time.Time
	Ended  time.Time // zero while it runs
	Answer A         // zero before the end, and where Err says why not
	Err    error
	key    string
	stop   context.CancelFunc
}

// A Desk takes questions. It is safe for concurrent use.
type Desk[Q, A any] struct {
	answer Answer[Q, A]
	slot   chan struct{} // of the one run
	mu     sync.Mutex
	runs   []*Run[Q, A] // the newest last
	closed sync.Once
}

// New returns a desk without questions.
func New[Q, A any](answer Answer[Q, A]) *Desk[Q, A] {
	return &Desk[Q, A]{answer: answer, slot: make(chan struct{}, 1)}
}

// Ask answers at once, or as soon as nobody else is answered.
func (d *Desk[Q, A]) Ask(ctx context.Context, q Q) (none A, err error) {
	select {
	case d.slot <- struct{}{}:
		defer func() { <-d.slot }()
		return d.answer(ctx, q, func(Progress) {})
	case <-ctx.Done():
		return none, ErrBusy
	}
}

// Start begins a run that [Desk.Run] finds by its key; an older one of the key is forgotten.
func (d *Desk[Q, A]) Start(key string, q Q) error {
	select {
	case d.slot <- struct{}{}:
	default:
		return ErrBusy
	}
	ctx, stop := context.WithTimeout(context.Background(), longest)
	r := &Run[Q, A]{Question: q, Began: time.Now(), key: key, stop: stop}
	d.mu.Lock()
	d.runs = slices.DeleteFunc(d.runs, func(o *Run[Q, A]) bool { return o.key == key })
	d.runs = append(d.runs[max(0, len(d.runs)+1-mostRuns):], r)
	d.mu.Unlock()
	go d.run(ctx, r)
	return nil
}

func (d *Desk[Q, A]) run(ctx context.Context, r *Run[Q, A]) {
	defer func() { <-d.slot }()
	defer r.stop()
	answer, err := d.answer(ctx, r.Question, func(p Progress) {
		d.mu.Lock()
		defer d.mu.Unlock()
		r.Progress = p
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Answer, r.Err, r.Ended = answer, err, time.Now()
}

// Run is how far the run of a key is, or what came of it; false where there is none.
func (d *Desk[Q, A]) Run(key string) (Run[Q, A], bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.runs, func(r *Run[Q, A]) bool { return r.key == key })
	if i < 0 {
		return Run[Q, A]{}, false
	}
	return *d.runs[i], true
}

// Stop ends the run of a key.
func (d *Desk[Q, A]) Stop(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.runs {
		if r.key == key {
			r.stop()
		}
	}
}

// Close ends what runs, and waits for it. Nothing is answered afterwards.
func (d *Desk[Q, A]) Close() {
	d.mu.Lock()
	for _, r := range d.runs {
		r.stop()
	}
	d.mu.Unlock()
	d.closed.Do(func() { d.slot <- struct{}{} })
}
