package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"
)

// MaxSinks is how many sinks a spool has cursors for.
const MaxSinks = 32

// maxName bounds the name of a sink in bytes.
const maxName = 64

// A board holds what must survive the death of the process, whenever it comes: how many entries were accepted, and how far
// each sink has come. It is a mapped file: a count is a store to memory, and what is stored outlives the process without
// a system call. After a loss of power it may be up to a second old, like the journal beside it. Where there is no mmap,
// the file is written when the journal is synced.
//
// The board belongs to the process that holds the lock of its folder; its layout is that of the machine.
type board struct {
	magic    [8]byte
	accepted atomic.Uint64 // entries that were handed to the spool
	lost     atomic.Uint64 // of them, those that never came into the journal
	told     atomic.Uint64 // of those, for which the journal has an event that says so
	serving  atomic.Int64  // exchanges being served, which have no entry yet
	unsaid   atomic.Uint64 // exchanges that were being served when a process ended, for which the journal has no event that says so
	slots    [MaxSinks]slot
}

// boardMagic changes with the layout.
var boardMagic = [8]byte{'s', 'p', 'o', 'o', 'l', 0, 0, 2}

const boardSize = int(unsafe.Sizeof(board{}))

// A slot is the cursor of one sink. Its counts change together or not at all: the next ones are written beside those in
// force, and one store makes them valid.
type slot struct {
	name   [maxName]byte // zeros: the slot is free
	turn   atomic.Uint64
	counts [2]counts
}

// counts tell what became of the entries that a sink was to get: those from start to before cursor are settled.
type counts struct {
	start, cursor          uint64 // sequence numbers
	skipped, dropped, dead uint64 // of the settled ones; the rest was delivered
	told                   uint64 // of those dropped and dead, for which the journal has an event that says so
}

func (c counts) delivered() uint64 { return c.cursor - c.start - c.skipped - c.dropped - c.dead }

func (s *slot) load() counts { return s.counts[s.turn.Load()%2] }

func (s *slot) store(c counts) {
	next := s.turn.Load() + 1
	s.counts[next%2] = c
	s.turn.Store(next)
}

func (s *slot) called() string { return string(bytes.TrimRight(s.name[:], "\x00")) }

// A board's slots are claimed, found and forgotten under the lock of its lane.

// claim returns the slot of a sink; a new one begins at start. There is room for all sinks of a list, once those of others are forgotten.
func (b *board) claim(name string, start uint64) *slot {
	var free *slot
	for i := range b.slots {
		s := &b.slots[i]
		if s.called() == name {
			return s
		}
		if free == nil && s.name == [maxName]byte{} {
			free = s
		}
	}
	free.store(counts{start: start, cursor: start})
	copy(free.name[:], name)
	return free
}

// find returns the slot of a sink, or nil.
func (b *board) find(name string) *slot {
	for i := range b.slots {
		if b.slots[i].called() == name {
			return &b.slots[i]
		}
	}
	return nil
}

// forget frees the slots of sinks that are not kept.
func (b *board) forget(kept func(name string) bool) {
	for i := range b.slots {
		if name := b.slots[i].called(); name != "" && !kept(name) {
			b.slots[i].name = [maxName]byte{}
		}
	}
}

// A boardFile is a board and where it lies.
type boardFile struct {
	*board
	memory []byte
	file   *os.File
	fresh  bool // it was made just now, or is of another version
	flush  func() error
}

func openBoard(dir string) (*boardFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, "board"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := fillUp(f); err != nil {
		f.Close()
		return nil, err
	}
	memory, err := mapFile(f, boardSize)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("couldn't map %s: %w", f.Name(), err)
	}
	b := &boardFile{board: (*board)(unsafe.Pointer(&memory[0])), memory: memory, file: f, flush: func() error { return syncFile(f, memory) }}
	if b.magic != boardMagic { // new, or of another version: nothing of it is believed
		clear(memory)
		b.magic, b.fresh = boardMagic, true
	}
	return b, nil
}

// fillUp gives a file its size with room on the disk: to store into a page for which there is none ends the process. What is of another
// size is of another version, and nothing of it stays.
func fillUp(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == int64(boardSize) {
		return err
	}
	_, err = f.WriteAt(make([]byte, boardSize), 0)
	return errors.Join(err, f.Truncate(int64(boardSize)))
}

func (b *boardFile) sync() error { return b.flush() }

// close leaves the memory mapped: who comes late must be able to count.
func (b *boardFile) close() error { return errors.Join(b.sync(), b.file.Close()) }
