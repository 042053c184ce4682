package sink

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// FileOptions are those of a file that is rotated.
type FileOptions struct {
	Path string
	Size int64 // bytes at which a new file is begun
	Keep int   // old files; older ones are removed
	Gzip bool  // old files are compressed
}

// file appends lines to a file. What a batch was acknowledged for is with the kernel, not yet on the disk.
type file struct {
	FileOptions
	file *os.File
	size int64
	text []byte
}

// NewFile opens the file, and appends to what is there.
func NewFile(o FileOptions) (Sink, error) {
	f := &file{FileOptions: o}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *file) open() error {
	opened, err := os.OpenFile(f.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		opened.Close()
		return err
	}
	f.file, f.size = opened, info.Size()
	return nil
}

func (f *file) Batch() Batch {
	return Batch{Messages: 4096, Bytes: 4 << 20, Wait: 100 * time.Millisecond}
}

// Send appends the batch as whole lines, or nothing of it.
func (f *file) Send(_ context.Context, batch []Message) error {
	if err := f.follow(); err != nil {
		return err
	}
	f.text = lines(f.text[:0], batch)
	if f.size > 0 && f.size+int64(len(f.text)) > f.Size {
		if err := f.rotate(); err != nil {
			return fmt.Errorf("couldn't rotate: %w", err)
		}
	}
	n, err := f.file.Write(f.text)
	if err != nil {
		return errors.Join(err, f.file.Truncate(f.size))
	}
	f.size += int64(n)
	return nil
}

func lines(b []byte, batch []Message) []byte {
	for i := range batch {
		b = append(append(b, batch[i].Body...), '\n')
	}
	return b
}

// follow opens the path anew where somebody renamed or removed the file.
func (f *file) follow() error {
	if f.file == nil {
		return f.open()
	}
	ours, err := f.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(f.Path); err == nil && os.SameFile(ours, there) {
		return nil
	}
	f.file.Close()
	f.file = nil
	return f.open()
}

// rotate gives the file a name with the time, begins a new one, and removes the oldest.
func (f *file) rotate() error {
	f.file.Close()
	f.file = nil
	old := f.Path + "." + time.Now().UTC().Format("20060102T150405.000000000")
	if err := os.Rename(f.Path, old); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	if f.Gzip {
		if err := compress(old); err != nil {
			return err
		}
	}
	return f.prune()
}

// compress replaces a file by a compressed one.
func compress(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path+".gz.part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, in)
	if err := errors.Join(err, z.Close(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	if err := os.Rename(out.Name(), path+".gz"); err != nil {
		return err
	}
	return os.Remove(path)
}

// prune removes all old files but the newest. Their names sort by time.
func (f *file) prune() error {
	entries, err := os.ReadDir(filepath.Dir(f.Path))
	if err != nil {
		return err
	}
	var old []string
	for _, e := range entries {
		if stamp, ok := stampOf(e.Name(), filepath.Base(f.Path)); ok {
			old = append(old, stamp)
		}
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Compare(b, a) })
	var errs []error
	for _, stamp := range old[min(f.Keep, len(old)):] {
		errs = append(errs, os.Remove(f.Path+"."+stamp))
	}
	return errors.Join(errs...)
}

// stampOf is what rotate has put behind the name of the file.
func stampOf(name, base string) (string, bool) {
	const layout = "20060102T150405.000000000"
	if len(name) <= len(base) || name[:len(base)+1] != base+"." {
		return "", false
	}
	stamp := name[len(base)+1:]
	if len(stamp) < len(layout) {
		return "", false
	}
	_, err := time.Parse(layout, stamp[:len(layout)])
	return stamp, err == nil && (len(stamp) == len(layout) || stamp[len(layout):] == ".gz")
}

func (f *file) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// stdout writes lines to the standard output.
type stdout struct {
	out  io.Writer
	text []byte
}

// NewStdout writes to out, which is not closed.
func NewStdout(out io.Writer) Sink { return &stdout{out: out} }

func (s *stdout) Batch() Batch { return Batch{Messages: 1024, Bytes: 1 << 20} }

// Send writes the batch. A reader that stops in the middle of one gets it again.
func (s *stdout) Send(_ context.Context, batch []Message) error {
	s.text = lines(s.text[:0], batch)
	_, err := s.out.Write(s.text)
	return err
}

func (s *stdout) Close() error { return nil }
