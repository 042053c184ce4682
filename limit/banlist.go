package limit

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
)

// A BanList keeps bans in the store, so that they outlive the process, hold in every process that serves with the same store within a
// second, and can be imposed and ended beside a running gateway. It is safe for concurrent use.
type BanList struct {
	store *store.Store
	mu    sync.Mutex
	seen  int64 // changes that were followed
}

// NewBanList is the list of a store.
func NewBanList(s *store.Store) *BanList { return &BanList{store: s} }

// FollowBans is how often changes are looked for.
const FollowBans = 500 * time.Millisecond

// banOverlap is how many changes are looked at again: PostgreSQL gives numbers out before it commits, so that a smaller one may appear
// after a greater one. To take a ban again changes nothing.
const banOverlap = 1000

// Put writes bans down, each in place of another one of the same client. The event, if there is one, is announced with them or not
// at all.
func (l *BanList) Put(ctx context.Context, event *exchange.Event, bans ...Ban) error {
	return l.store.Change(ctx, func(tx *sql.Tx) error {
		for _, b := range bans {
			if err := putBan(ctx, tx, b); err != nil {
				return fmt.Errorf("couldn't keep a ban: %w", err)
			}
		}
		if event == nil {
			return nil
		}
		return store.Announce(ctx, tx, event.ID, event)
	})
}

func putBan(ctx context.Context, tx *sql.Tx, b Ban) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM bans WHERE client = $1`, b.Client.String()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO bans (client, since, until, times, reason, who) VALUES ($1, $2, $3, $4, $5, $6)`,
		b.Client.String(), b.Since.UnixMilli(), b.Until.UnixMilli(), b.Times, b.Reason, b.By)
	return err
}

// Changes are the bans that began or were ended since the last call, some of them for another time; the first time all that are remembered.
func (l *BanList) Changes(ctx context.Context) ([]Ban, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, last, err := l.query(ctx, `SELECT seq, client, since, until, times, reason, who FROM bans WHERE seq > $1 ORDER BY seq LIMIT 100000`, l.seen-banOverlap)
	l.seen = max(l.seen, last)
	return list, err
}

// Active are the bans in force at a moment, the newest first.
func (l *BanList) Active(ctx context.Context, now time.Time) ([]Ban, error) {
	list, _, err := l.query(ctx, `SELECT seq, client, since, until, times, reason, who FROM bans WHERE until > $1 ORDER BY since DESC, seq DESC LIMIT 100000`, now.UnixMilli())
	return list, err
}

// Sweep deletes what nobody remembers any more.
func (l *BanList) Sweep(ctx context.Context, now time.Time) error {
	_, err := l.store.DB().ExecContext(ctx, `DELETE FROM bans WHERE until < $1`, now.Add(-RememberBans).UnixMilli())
	return err
}

func (l *BanList) query(ctx context.Context, statement string, from int64) (list []Ban, last int64, err error) {
	rows, err := l.store.DB().QueryContext(ctx, statement, from)
	if err != nil {
		return nil, 0, fmt.Errorf("couldn't read bans: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b Ban
		var client string
		var since, until int64
		if err := rows.Scan(&last, &client, &since, &until, &b.Times, &b.Reason, &b.By); err != nil {
			return nil, 0, fmt.Errorf("couldn't read bans: %w", err)
		}
		if b.Client, err = netip.ParsePrefix(client); err != nil {
			return nil, 0, fmt.Errorf("couldn't read bans: %w", err)
		}
		b.Since, b.Until = time.UnixMilli(since), time.UnixMilli(until)
		list = append(list, b)
	}
	return list, last, rows.Err()
}
