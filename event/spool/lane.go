package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// A lane is a journal with its board: what one process writes. Nearly always there is one. While a gateway is replaced without
// dropping a request, its successor writes a lane of its own, and takes over what the predecessor left once that is gone.
type lane struct {
	*journal
	board   *boardFile
	lock    *os.File
	number  int
	found   map[loss]uint64 // when it was opened: what the last process has lost, or not told
	cursors sync.Mutex      // whoever moves one
	shelf   shelf
	readers sync.WaitGroup // runners
}

// maxLanes bounds how many processes may write at a time, which is two, and what they leave.
const maxLanes = 16

// openLane opens the lane n, or returns nil where another process has it.
func openLane(dir string, n int, segment int64) (*lane, error) {
	dir = filepath.Join(dir, strconv.Itoa(n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if held == nil {
		return nil, err
	}
	l := &lane{lock: held, number: n}
	if l.board, err = openBoard(dir); err != nil {
		held.Close()
		return nil, err
	}
	skipped := uint64(0)
	if l.board.fresh {
		skipped, err = abandon(dir)
		l.board.accepted.Store(skipped)
		l.board.lost.Store(skipped)
	}
	if err == nil {
		l.journal, err = openJournal(dir, segment, l.board.accepted.Load()-l.board.lost.Load()+1)
	}
	if err != nil {
		_ = l.board.close()
		held.Close()
		return nil, fmt.Errorf("couldn't open the journal: %w", err)
	}
	l.reckon(skipped)
	return l, nil
}

// abandon removes a journal whose board is gone or of another version: without cursors, nobody knows what of it the sinks have got. It
// returns how many entries that were.
func abandon(dir string) (entries uint64, err error) {
	old, err := openJournal(dir, maxSegment, 1)
	if err != nil {
		return 0, err
	}
	entries = old.next - old.segments[0].first
	if old.torn {
		entries++ // at least: what this version cannot read
	}
	err = old.close()
	for _, s := range old.segments {
		err = errors.Join(err, os.Remove(old.path(s.first)))
	}
	return entries, err
}

// reckon finds what the last process accepted and did not write: its queue died with it; and what this one has skipped.
func (l *lane) reckon(skipped uint64) {
	b, known := l.board, l.next-1+l.board.lost.Load()
	b.unsaid.Add(uint64(max(b.serving.Swap(0), 0)))
	l.found = map[loss]uint64{
		{why: foreign}: skipped,
		{why: untold}:  surplus(b.lost.Load()-skipped, b.told.Load()),
		{why: unended}: b.unsaid.Load(),
		{why: killed}:  surplus(b.accepted.Load(), known),
	}
	b.lost.Add(l.found[loss{why: killed}])
	if b.accepted.Load() < known { // after a loss of power the board may be older than the journal
		b.accepted.Store(known)
	}
	for i := range b.slots {
		s := &b.slots[i]
		c := s.load()
		if c.cursor > l.next { // and a cursor newer than what it points into
			c = counts{start: l.next, cursor: l.next}
			s.store(c)
		}
		if name := s.called(); name != "" {
			l.found[loss{sink: name, why: untold}] = surplus(c.dropped+c.dead, c.told)
		}
	}
}

// surplus is how much a is more than b.
func surplus(a, b uint64) uint64 { return max(a, b) - b }

func (l *lane) claim(name string) *slot {
	l.cursors.Lock()
	defer l.cursors.Unlock()
	return l.board.claim(name, l.end())
}

func (l *lane) find(name string) *slot {
	l.cursors.Lock()
	defer l.cursors.Unlock()
	return l.board.find(name)
}

func (l *lane) forget(kept func(name string) bool) {
	l.cursors.Lock()
	defer l.cursors.Unlock()
	l.board.forget(kept)
}

func (l *lane) close() {
	_ = l.journal.close() // what was written is with the kernel
	_ = l.board.close()
	l.lock.Close()
}

// remove removes a lane that is empty and ours.
func (l *lane) remove() {
	l.close()
	_ = os.RemoveAll(l.dir) // else it is found empty again
}

// ownLane opens the first lane that nobody has.
func ownLane(dir string, segment int64) (*lane, error) {
	for n := range maxLanes {
		if l, err := openLane(dir, n, segment); l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("%d processes write to %s", maxLanes, dir)
}

// leftLane opens a lane that is not taken, which a process that is gone has left; nil where there is none.
func leftLane(dir string, taken func(n int) bool, segment int64) (*lane, error) {
	for n := range maxLanes {
		if _, err := os.Stat(filepath.Join(dir, strconv.Itoa(n))); err != nil || taken(n) {
			continue
		}
		if l, err := openLane(dir, n, segment); l != nil || err != nil {
			return l, err
		}
	}
	return nil, nil
}
