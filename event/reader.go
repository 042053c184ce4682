package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// ErrUnknown is an exchange of which no record is kept.
var ErrUnknown = errors.New("no record of this exchange is kept")

// A Reader finds what an [Archive] has kept, also one in another process. It is safe for concurrent use. No answer takes
// longer than [QueryTime].
type Reader struct {
	store  *store.Store
	ring   *keyring.Ring
	names  *names
	packer packer
}

// QueryTime bounds a query whose context has no earlier end.
const QueryTime = 5 * time.Second

// NewReader reads the archive in s.
func NewReader(s *store.Store, ring *keyring.Ring) *Reader {
	return &Reader{s, ring, newNames(s.DB()), newPacker(ring)}
}

// Find returns the record of an exchange. A record shows up within a fraction of a second after the answer.
func (r *Reader) Find(ctx context.Context, id string) (*exchange.Record, error) {
	made, ok := exchange.TimeOf(id)
	if !ok {
		return nil, ErrUnknown
	}
	var public, sealed []byte
	err := r.store.DB().QueryRowContext(ctx, `SELECT record, sealed FROM exchanges WHERE seq >= $1 AND seq < $2 AND id = $3`, seqAt(made), seqAt(made.Add(time.Millisecond)), id).Scan(&public, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	return r.packer.unpack(id, public, sealed)
}

// Select returns the records that f selects, newest first. To go on where a list ended, set Before to the id of its last
// record.
func (r *Reader) Select(ctx context.Context, f Filter) ([]*exchange.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	if f.Limit <= 0 {
		f.Limit = 50
	}
	list := []*exchange.Record{}
	q, err := r.compile(ctx, f)
	if err != nil || q.nothing {
		return list, err
	}
	for w, err := range r.windows(ctx, q) {
		if err != nil {
			return nil, err
		}
		if list, err = r.walk(ctx, q, f, w, list); err != nil || len(list) >= f.Limit {
			return list, err
		}
	}
	return list, nil
}

// walk appends what is in the window, newest first, up to the limit.
func (r *Reader) walk(ctx context.Context, q query, f Filter, w window, list []*exchange.Record) ([]*exchange.Record, error) {
	where, args := q.where(w)
	args = append(args, f.Limit-len(list))
	rows, err := r.store.DB().QueryContext(ctx, `SELECT id, record, sealed FROM exchanges`+where+fmt.Sprintf(` ORDER BY seq DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var public, sealed []byte
		if err := rows.Scan(&id, &public, &sealed); err != nil {
			return nil, fmt.Errorf("couldn't read the store: %w", err)
		}
		record, err := r.packer.unpack(id, public, sealed)
		if err != nil {
			return nil, err
		}
		if f.confirms(record) {
			list = append(list, record)
		}
	}
	return list, rows.Err()
}

// An EventFilter selects events. The zero EventFilter selects all.
type EventFilter struct {
	From, To time.Time // zero: no bound
	Kind     string
	Before   string // id of the event after which, going back in time, the list begins
	Limit    int    // 0: 50
}

// Events returns events, newest first.
func (r *Reader) Events(ctx context.Context, f EventFilter) ([]*exchange.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	if f.Limit <= 0 {
		f.Limit = 50
	}
	list := []*exchange.Event{}
	w, err := r.span(ctx, "events", f.From, f.To, f.Before)
	if err != nil {
		return nil, err
	}
	query, args := `SELECT id, record, sealed FROM events WHERE seq >= $1 AND seq < $2`, []any{w.from, w.to}
	if f.Kind != "" {
		kind, ok, err := r.names.number(ctx, f.Kind)
		if err != nil || !ok {
			return list, err
		}
		query, args = query+` AND kind = $3`, append(args, kind)
	}
	args = append(args, f.Limit)
	rows, err := r.store.DB().QueryContext(ctx, query+fmt.Sprintf(` ORDER BY seq DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var public, sealed []byte
		if err := rows.Scan(&id, &public, &sealed); err != nil {
			return nil, err
		}
		e, err := r.packer.unpackEvent(id, public, sealed)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// A window is a range of keys, from included, to not.
type window struct{ from, to int64 }

// span is the window of a time range, up to the row with the id before, where that is not "".
func (r *Reader) span(ctx context.Context, table string, from, to time.Time, before string) (window, error) {
	w := window{0, math.MaxInt64}
	if !from.IsZero() {
		w.from = seqAt(from)
	}
	if !to.IsZero() {
		w.to = seqAt(to)
	}
	if before == "" {
		return w, nil
	}
	made, ok := exchange.TimeOf(before)
	if !ok {
		return window{}, nil // nothing is older than what never was
	}
	var seq int64
	err := r.store.DB().QueryRowContext(ctx, `SELECT seq FROM `+table+` WHERE seq >= $1 AND seq < $2 AND id = $3`, seqAt(made), seqAt(made.Add(time.Millisecond)), before).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		seq, err = seqAt(made), nil // it was forgotten meanwhile; what is as old goes with it
	}
	w.to = min(w.to, seq)
	return w, err
}
