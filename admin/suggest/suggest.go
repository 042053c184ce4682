// Package suggest proposes rates for operations from recorded history, and says whom they would have refused.
package suggest

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit"
)

// A Question is of which time the history is, and how many times what 99 of 100 callers needed is proposed.
type Question struct {
	From, To time.Time
	Headroom float64 // 1 at least
}

// A Desk proposes for people, one at a time.
type Desk = desk.Desk[Question, []limit.Suggestion]

// A Run is one question that was asked, and what is proposed.
type Run = desk.Run[Question, []limit.Suggestion]

// New returns the desk that reads what is kept.
func New(kept *event.Reader) *Desk {
	return desk.New(func(ctx context.Context, q Question, told func(desk.Progress)) ([]limit.Suggestion, error) {
		return Read(ctx, kept, q, told)
	})
}

// tellEvery is how many records are read before it is told how far they are.
const tellEvery = 1000

// Read reads the history twice: to learn what was asked for, and to try what is proposed. It begins with an hour, because
// requests are counted by hours. told is called now and then; it takes as long as ctx lets it, and about 100 MB at most.
func Read(ctx context.Context, kept *event.Reader, q Question, told func(desk.Progress)) ([]limit.Suggestion, error) {
	from := q.From.Truncate(time.Hour)
	h := limit.NewHistory(from)
	if err := kept.Paces(ctx, from, q.To, time.Hour, limit.Early, func(p event.Pace) { h.Counted(p.API, p.Operation, p.N) }); err != nil {
		return nil, err
	}
	if err := kept.Paces(ctx, from, q.To, time.Minute, limit.Early, func(p event.Pace) { h.Minute(p.API, p.Operation, p.N) }); err != nil {
		return nil, err
	}
	n := 0
	visit := func(done float64, f func(*exchange.Record)) func(*exchange.Record) error {
		return func(r *exchange.Record) error {
			f(r)
			if n++; n%tellEvery == 0 {
				told(desk.Progress{N: n, At: r.Time, Share: done + desk.ShareOf(from, q.To, r.Time)/2})
			}
			return nil
		}
	}
	if err := kept.Walk(ctx, from, q.To, visit(0, h.Learn)); err != nil {
		return nil, err
	}
	if err := h.Propose(q.Headroom); err != nil {
		return nil, err
	}
	if err := kept.Walk(ctx, from, q.To, visit(0.5, h.Try)); err != nil {
		return nil, err
	}
	return h.Suggestions(), nil
}
