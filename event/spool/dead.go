package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/exchange"
)

// deadLetters are the entries that a sink refused for good, in a file of frames like those of the journal: what is
// personal in them is sealed, and the last field says why they were refused. The file is bounded: when it is full, it becomes the
// old one, and the one before it is gone. Commands read and change it beside the gateway, under a lock.
type deadLetters struct {
	dir, path string
}

// maxDead bounds each of the two files of a sink.
const maxDead = 8 << 20

// whyField follows those of records and events, whose readers pass over it.
const whyField = 100

func newDeadLetters(dir, sink string) *deadLetters {
	dir = filepath.Join(dir, "dead")
	return &deadLetters{dir, filepath.Join(dir, sink)}
}

// keep appends a letter. Where it cannot, the letter is gone; it was counted and told all the same.
func (d *deadLetters) keep(l letter, why string, s *Spool) {
	f := s.seal(l.item)
	with := form{b: f.public}
	text(&with, whyField, &why)
	f.size += len(with.b) - len(f.public)
	f.public = with.b
	if err := d.append(f.append(nil, 0)); err != nil {
		slog.Error("couldn't keep a dead letter", "file", d.path, "id", l.message.ID, "error", err)
	}
}

func (d *deadLetters) append(b []byte) error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	unlock, err := waitForLock(d.dir)
	if err != nil {
		return err
	}
	defer unlock()
	f, err := os.OpenFile(d.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Truncate(before.Size()))
	}
	if before.Size()+int64(len(b)) < maxDead {
		return nil
	}
	return os.Rename(d.path, d.path+old)
}

const old = ".old"

// A DeadLetter is an entry that a sink refused for good.
type DeadLetter struct {
	Sink string
	Why  string // in the words of the sink
	encode.Item
}

// DeadLetters are those in a spool, by sink, oldest first. What was erased stays away. Nobody is needed beside it.
func DeadLetters(dir string, seal event.Sealer) (list []DeadLetter, err error) {
	dir = filepath.Join(dir, "dead")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	unlock, err := waitForLock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, e := range entries { // in the order of names; the old file belongs before the other
		if sink := e.Name(); sink != lockName && !strings.HasSuffix(sink, old) {
			for _, name := range []string{sink + old, sink} {
				if err := eachLetter(filepath.Join(dir, name), func(f frame) error {
					l, err := f.letter(sink, seal)
					list = append(list, l)
					return err
				}); err != nil {
					return nil, err
				}
			}
		}
	}
	return list, nil
}

func (f frame) letter(sink string, seal event.Sealer) (l DeadLetter, err error) {
	l.Sink = sink
	if l.Item, err = f.item(seal); err != nil {
		return l, fmt.Errorf("couldn't read a dead letter of sink %s: %w", sink, err)
	}
	err = read(f.public, func(f *form) { text(f, whyField, &l.Why) })
	return l, err
}

// eachLetter hands on what a file has; a file that is not there has nothing, and what is damaged ends it.
func eachLetter(path string, take func(frame) error) error {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for len(data) > 0 {
		f, err := parseFrame(data)
		if err != nil {
			slog.Error("dead letters are damaged", "file", path, "bytes", len(data))
			return nil
		}
		if err := take(f); err != nil {
			return err
		}
		data = data[f.size:]
	}
	return nil
}

// RemoveDead removes the letters of a sink whose ids are listed.
func RemoveDead(dir, sink string, ids map[string]bool) error {
	d := newDeadLetters(dir, sink)
	unlock, err := waitForLock(d.dir)
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(without(d.path+old, ids), without(d.path, ids))
}

// without writes a file again without some letters.
func without(path string, ids map[string]bool) error {
	var left []byte
	gone := 0
	err := eachLetter(path, func(f frame) error {
		var id exchange.Event // records have theirs at the same place
		if err := read(f.public, func(f *form) { text(f, 1, &id.ID) }); err != nil {
			return err
		}
		if ids[id.ID] {
			gone++
		} else {
			left = f.append(left, 0)
		}
		return nil
	})
	switch {
	case err != nil || gone == 0:
		return err
	case len(left) == 0:
		return os.Remove(path)
	}
	next := path + ".next" + old // not taken for a sink
	if err := os.WriteFile(next, left, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
