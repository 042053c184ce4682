package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// What stops a log from being written, for good or until somebody looks.
var (
	// ErrBroken is a log whose last checkpoint may or may not be durable: the disk failed when it was replaced. What this
	// process queues afterwards is refused; another start reads what is there.
	ErrBroken = errors.New("the audit log failed in the middle of a commit")
	// ErrRolledBack is a log that is not, or not all of, what was signed before: its files were put back or replaced.
	ErrRolledBack = errors.New("the audit log is not the one that was signed last")
)

// A step of a commit, in order.
type step string

const (
	written   step = "written"
	signed    step = "signed"
	kept      step = "kept"
	published step = "published"
)

// run is the writer: it gathers what is appended and commits it.
func (l *Log) run() {
	defer close(l.done)
	var last time.Time
	for open := true; open; {
		select {
		case <-l.wake:
		case <-l.quit:
			open = false
		}
		if open {
			select {
			case <-time.After(time.Until(last.Add(l.o.Interval))):
			case <-l.hurry:
			case <-l.quit:
				open = false
			}
		}
		last = time.Now()
		l.attempt()
	}
}

// attempt commits what is queued. After a failure it is queued again, before what has come meanwhile.
func (l *Log) attempt() {
	l.mu.Lock()
	batch := slices.DeleteFunc(l.queue, func(p *Pending) bool { return p.state == settled })
	l.queue = nil
	for _, p := range batch {
		p.state = taken
	}
	broken := l.broken
	l.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	from, err := int64(0), broken
	if err == nil {
		err = l.locked(func() error {
			if err := l.catchUp(); err != nil {
				return err
			}
			from = l.tree.size
			return l.commit(batch)
		})
	}
	l.settle(batch, from, err)
}

// settle tells how a commit ended.
func (l *Log) settle(batch []*Pending, from int64, err error) {
	l.mu.Lock()
	for i, p := range batch {
		if p.err = err; err != nil {
			p.state = queued
			continue
		}
		p.state, p.index = settled, from+int64(i)
		l.size -= len(p.leaf)
		p.leaf = nil
	}
	switch {
	case err == nil:
		l.stats.Queued -= len(batch)
		l.stats.Appended += int64(len(batch))
		l.stats.Checkpoint = time.Now()
	case errors.Is(err, ErrBroken) || errors.Is(err, ErrRolledBack):
		l.broken = err
		for _, p := range batch {
			_ = l.drop(err)
			p.withdraw(err)
		}
	default:
		l.queue = append(batch, l.queue...)
		time.AfterFunc(l.o.Interval, func() { nudge(l.wake) })
	}
	if err != nil {
		l.stats.Failures++
	}
	changed := l.failing != (err != nil)
	l.failing = err != nil
	close(l.turn)
	l.turn = make(chan struct{})
	l.mu.Unlock()
	if changed && l.o.Trouble != nil {
		l.o.Trouble(err)
	}
}

// locked calls f while no other process writes.
func (l *Log) locked(f func() error) error {
	if err := lock(l.lock); err != nil {
		return fmt.Errorf("couldn't lock: %w", err)
	}
	err := f()
	return errors.Join(err, unlock(l.lock))
}

// commit appends the batch and makes it durable. What a crash means is said at each step; an error before the third one
// has changed nothing that counts, and the commit may be tried again.
func (l *Log) commit(batch []*Pending) error {
	tree, bundle := l.write(batch)
	if err := l.files.sync(); err != nil {
		return fmt.Errorf("couldn't write: %w", err)
	}
	// 1. Bundles and tiles are durable, beyond what any checkpoint covers. After a crash, here or before, whole or torn,
	// nobody reads them, and the next commit writes over them.
	if err := l.reached(written); err != nil {
		return err
	}
	c := Checkpoint{l.o.Key.Signer.Name(), tree.size, tree.root()}
	note, err := c.sign(l.o.Key.Signer)
	if err != nil {
		return fmt.Errorf("couldn't sign: %w", err)
	}
	// 2. Nothing that is signed has left the process. A crash here is one before the commit.
	if err := l.reached(signed); err != nil {
		return err
	}
	if err := l.keep(note); err != nil {
		return err
	}
	// 3. The checkpoint is kept, beside the key. This is the commit: no other tree of this size can be signed any more.
	// After a crash the kept checkpoint is ahead of the published one, and whoever opens the log publishes it.
	if err := l.reached(kept); err != nil {
		return broken(err)
	}
	if err := replace(filepath.Join(l.o.Dir, checkpointPath), note); err != nil {
		return broken(err)
	}
	// 4. The checkpoint is published. After a crash the leaves are in the log though nobody was told; who wants to be sure
	// appends them again.
	if err := l.reached(published); err != nil {
		return broken(err)
	}
	l.adopt(tree, bundle, note)
	l.ask.offer(c, note)
	// 5. Partial tiles are removed where whole ones have taken their place. After a crash some are left over; nobody needs
	// them.
	return nil
}

func (l *Log) reached(s step) error {
	if l.o.step == nil {
		return nil
	}
	return l.o.step(s)
}

// broken marks an error after which only the disk knows whether the checkpoint stands.
func broken(err error) error { return fmt.Errorf("%w: %w", ErrBroken, err) }

// keep keeps the signed checkpoint outside of the log's folder.
func (l *Log) keep(note []byte) error {
	if l.o.Kept == "" {
		return nil
	}
	return replace(l.o.Kept, note)
}

// replace replaces a file by another, whole or not at all. An error that wraps ErrBroken means that nobody knows which.
func replace(path string, data []byte) error {
	temporary := path + ".tmp"
	if err := writeSynced(temporary, data); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return broken(err)
	}
	return nil
}

// write writes the entries of the batch, and every tile that they complete or begin. It returns what the tree and its
// rightmost bundle are then. No file that a checkpoint covers is touched: one that is written when the process dies is cut off.
func (l *Log) write(batch []*Pending) (*frontier, []byte) {
	tree, bundle := l.tree.clone(), bytes.Clone(l.bundle)
	for _, p := range batch {
		bundle = appendEntry(bundle, p.leaf)
		tree.add(tlog.RecordHash(p.leaf), func(level int, n int64, hashes []tlog.Hash) {
			l.files.put(tilePath(level, n, tileWidth), tileBytes(hashes))
		})
		if tree.size%tileWidth == 0 {
			l.files.put(bundlePath(tree.size/tileWidth-1, tileWidth), bundle)
			bundle = nil
		}
	}
	for level, hashes := range tree.levels {
		if from := l.tree.size >> (tileHeight * level); len(hashes) > 0 && tree.size>>(tileHeight*level) > from {
			l.files.put(tilePath(level, tree.size>>(tileHeight*(level+1)), len(hashes)), tileBytes(hashes))
		}
	}
	if width := int(tree.size % tileWidth); width > 0 && len(batch) > 0 {
		l.files.put(bundlePath(tree.size/tileWidth, width), bundle)
	}
	return tree, bundle
}

// adopt makes what was committed the log's state, and removes partial tiles that are whole now.
func (l *Log) adopt(tree *frontier, bundle, note []byte) {
	before := l.tree
	l.tree, l.bundle, l.signed = tree, bundle, note
	for level := range before.levels {
		if n := before.size >> (tileHeight * (level + 1)); len(before.levels[level]) > 0 && tree.size>>(tileHeight*(level+1)) > n {
			l.discard(tilePath(level, n, tileWidth))
			if level == 0 {
				l.discard(bundlePath(n, tileWidth))
			}
		}
	}
	l.mu.Lock()
	l.stats.Size = tree.size
	l.mu.Unlock()
}

func (l *Log) discard(whole string) {
	_ = os.RemoveAll(filepath.Join(l.o.Dir, filepath.FromSlash(whole)+".p")) // it takes a little space, no more
}

// catchUp reads what the log is now: another process may have written since, this one may have died in a commit, and
// somebody may have put back what was. It leaves everything as it is when nothing has happened.
func (l *Log) catchUp() error {
	note, err := readNote(filepath.Join(l.o.Dir, checkpointPath))
	if err != nil {
		return err
	}
	kept, err := readNote(l.o.Kept)
	if err != nil {
		return err
	}
	if l.signed != nil && bytes.Equal(note, l.signed) && (kept == nil || bytes.Equal(kept, note)) {
		return nil
	}
	c, err := l.newest(&note, kept)
	if err != nil || note == nil {
		return err
	}
	tree, err := readFrontier(l.fsys, c)
	if err != nil {
		return rolledBack(err)
	}
	bundle, err := readEdge(l.fsys, c, tree)
	if err != nil {
		return rolledBack(err)
	}
	l.adopt(tree, bundle, note)
	return nil
}

// readEdge reads the rightmost bundle where it is partial, as bytes.
func readEdge(fsys fs.FS, c Checkpoint, tree *frontier) (bundle []byte, err error) {
	width := int(c.Size % tileWidth)
	if width == 0 {
		return nil, nil
	}
	entries, _, err := readBundle(fsys, c.Size/tileWidth, width)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if tlog.RecordHash(e) != tree.levels[0][i] {
			return nil, fmt.Errorf("leaf %d is not the one that was signed", c.Size-int64(width)+int64(i))
		}
		bundle = appendEntry(bundle, e)
	}
	return bundle, nil
}

// rolledBack says so of what is missing or wrong, not of what could only not be read now.
func rolledBack(err error) error {
	if unreadable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrRolledBack, err)
}

// newest is the checkpoint to go on from: the published one, or the kept one where a crash came between the two, which
// is published then. Each that we know of must be in its past.
func (l *Log) newest(note *[]byte, kept []byte) (c Checkpoint, err error) {
	notes := [][]byte{l.signed, *note, kept}
	var list []Checkpoint
	for _, n := range notes {
		if n == nil {
			continue
		}
		c, _, err := OpenCheckpoint(n, l.o.Key.Verifier)
		if err != nil {
			return c, fmt.Errorf("%w: %w", ErrRolledBack, err)
		}
		if list = append(list, c); c.Size >= list[0].Size {
			list[0], list[len(list)-1] = list[len(list)-1], list[0]
			*note = n
		}
	}
	if len(list) == 0 { // a new log, if there is nothing but the lock
		if _, err := fs.Stat(l.fsys, "tile"); err == nil {
			return c, fmt.Errorf("%w: there are leaves, but no checkpoint", ErrRolledBack)
		}
		return c, nil
	}
	for _, before := range list[1:] {
		if err := extends(l.fsys, list[0], before); err != nil {
			return c, rolledBack(err)
		}
	}
	if err := replace(filepath.Join(l.o.Dir, checkpointPath), *note); err != nil {
		return c, err
	}
	return list[0], nil
}

func readNote(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
