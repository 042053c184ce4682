package limit

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/sallyport/sallyport/store/counters"
)

// A Board has notes of processes for each other: [counters.Board].
type Board interface {
	Post(ctx context.Context, notes []counters.Note) error
	Read(ctx context.Context, at counters.Place) (notes []counters.Note, next counters.Place, err error)
}

// ReadBans is how often a process looks for bans of others. What it decides itself it writes at once.
const ReadBans = 200 * time.Millisecond

// BoardBans tells processes that have another store of the bans of this one, and this one of theirs. While the board cannot be reached,
// bans hold in this process, and are written once it can. A board that has lost everything is told again by each process
// what it remembers. It is safe for concurrent use.
type BoardBans struct {
	bans    *Bans
	board   Board
	learned func(Ban)
	wake    chan struct{}

	mu      sync.Mutex
	untold  map[netip.Prefix]Ban
	place   counters.Place
	failing error // nil: it was reached the last time
}

// NewBoardBans lets bans be those of all; learned is told of each that another process has decided and that was not known here.
func NewBoardBans(bans *Bans, board Board, learned func(Ban)) *BoardBans {
	return &BoardBans{bans: bans, board: board, learned: learned, wake: make(chan struct{}, 1), untold: map[netip.Prefix]Ban{}, failing: errNotYet}
}

// Tell has bans written, soon. They are as many as [Bans] holds at most.
func (b *BoardBans) Tell(list ...Ban) {
	b.mu.Lock()
	for _, ban := range list {
		if before, ok := b.untold[ban.Client]; !ok || rank(before) < rank(ban) {
			b.untold[ban.Client] = ban
		}
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // it is awake
	}
}

// Failing is why bans hold in this process only; nil while they do not.
func (b *BoardBans) Failing() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failing
}

// Run reads and writes until ctx ends, and then once more.
func (b *BoardBans) Run(ctx context.Context) {
	clock := time.NewTicker(ReadBans)
	defer clock.Stop()
	for {
		b.Exchange(ctx)
		select {
		case <-ctx.Done():
			b.Exchange(context.WithoutCancel(ctx))
			return
		case <-clock.C:
		case <-b.wake:
		}
	}
}

// Exchange reads what there is to read, and writes what there is to write. It is not for concurrent use.
func (b *BoardBans) Exchange(ctx context.Context) {
	err := errors.Join(b.read(ctx), b.write(ctx))
	b.mu.Lock()
	b.failing = err
	b.mu.Unlock()
}

func (b *BoardBans) read(ctx context.Context) error {
	for {
		call, cancel := context.WithTimeout(ctx, Late)
		notes, next, err := b.board.Read(call, b.place)
		cancel()
		if err != nil {
			return err
		}
		if next.Life != b.place.Life {
			b.Tell(b.bans.remembered()...)
		}
		b.place = next
		for _, n := range notes {
			var ban Ban
			if json.Unmarshal(n.Value, &ban) == nil && b.bans.Merge(ban) {
				b.learned(ban)
			}
		}
		if len(notes) == 0 {
			return nil
		}
	}
}

func (b *BoardBans) write(ctx context.Context) error {
	for {
		list := b.some()
		if len(list) == 0 {
			return nil
		}
		call, cancel := context.WithTimeout(ctx, Late)
		err := b.board.Post(call, notes(list, b.bans.now()))
		cancel()
		if err != nil {
			return err
		}
		b.mu.Lock()
		for _, ban := range list {
			if b.untold[ban.Client] == ban { // else there is news meanwhile
				delete(b.untold, ban.Client)
			}
		}
		b.mu.Unlock()
	}
}

// some are bans that are to be written, as many as one call may have.
func (b *BoardBans) some() (list []Ban) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ban := range b.untold {
		if list = append(list, ban); len(list) == counters.MaxNotes {
			break
		}
	}
	return list
}

// notes say of each ban what is remembered as long as it is here.
func notes(list []Ban, now time.Time) []counters.Note {
	out := make([]counters.Note, 0, len(list))
	for _, ban := range list {
		text, err := json.Marshal(ban)
		if left := ban.Until.Add(RememberBans).Sub(now); err == nil && left > 0 {
			out = append(out, counters.Note{Name: "ban " + ban.Client.String(), Rank: rank(ban), Left: left, Value: text})
		}
	}
	return out
}

// rank orders decisions about one client as [Bans.Merge] does: the later one holds, and of one moment that which ends it.
func rank(b Ban) int64 {
	n := 2 * b.Since.UnixMilli()
	if !b.Until.After(b.Since) {
		n++
	}
	return n
}
