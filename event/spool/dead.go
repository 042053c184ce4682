package spool

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
)

// deadLetters are the entries that a sink refused for good, in a file of frames like those of the journal: what is
// personal in them is sealed. The file is bounded: when it is full, it becomes the old one, and the one before it is gone.
type deadLetters struct {
	path string
	file *os.File
	size int64
}

// maxDead bounds each of the two files of a sink.
const maxDead = 8 << 20

func newDeadLetters(dir, sink string) *deadLetters {
	return &deadLetters{path: filepath.Join(dir, "dead", sink)}
}

// keep appends a letter. Where it cannot, the letter is gone; it was counted and told all the same.
func (d *deadLetters) keep(l letter, s *Spool) {
	if err := d.append(s.seal(l.item).append(nil, 0)); err != nil {
		slog.Error("couldn't keep a dead letter", "file", d.path, "id", l.message.ID, "error", err)
	}
}

func (d *deadLetters) append(b []byte) error {
	if err := d.open(); err != nil {
		return err
	}
	n, err := d.file.Write(b)
	if err != nil {
		return errors.Join(err, d.file.Truncate(d.size))
	}
	if d.size += int64(n); d.size < maxDead {
		return nil
	}
	return errors.Join(d.close(), os.Rename(d.path, d.path+".old"))
}

func (d *deadLetters) open() error {
	if d.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(d.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	d.file, d.size = f, info.Size()
	return nil
}

func (d *deadLetters) close() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}
