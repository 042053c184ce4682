package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A journal is a folder of segments, each named by the sequence number of its first entry. It is written by one goroutine
// and read by many, who see whole entries only.
type journal struct {
	dir     string
	segment int64 // bytes at which a new segment is begun

	mu       sync.Mutex
	segments []segment // oldest first, never empty: the last one is written to
	next     uint64    // sequence number of the next entry
	total    int64     // bytes

	file file   // of the last segment
	full []file // of segments before it, not yet synced
	torn bool   // when it was opened, its end could not be read and was cut off
}

// A file is what is asked of a segment by whoever writes it.
type file interface {
	io.WriteSeeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

type segment struct {
	first uint64
	size  int64
}

const suffix = ".seg"

func (j *journal) path(first uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%020d%s", first, suffix))
}

// openJournal opens the segments in dir, and cuts off what a process that died left half written. Where there are none,
// the first entry gets the number first.
func openJournal(dir string, size int64, first uint64) (*journal, error) {
	j := &journal{dir: dir, segment: size, next: first}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		n, err := strconv.ParseUint(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		j.segments = append(j.segments, segment{n, info.Size()})
		j.total += info.Size()
	}
	if len(j.segments) == 0 {
		return j, j.begin()
	}
	return j, j.recover() // names are of one length, and ReadDir sorts them
}

// recover finds the end of the last segment.
func (j *journal) recover() error {
	last := &j.segments[len(j.segments)-1]
	f, err := os.OpenFile(j.path(last.first), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return err
	}
	end := 0
	for j.next = last.first; ; j.next++ {
		got, err := parseFrame(data[end:])
		if err != nil || got.seq != j.next {
			break
		}
		end += got.size
	}
	j.torn = int64(end) < last.size
	j.total += int64(end) - last.size
	last.size, j.file = int64(end), f
	if err := f.Truncate(int64(end)); err != nil {
		f.Close()
		return err
	}
	_, err = f.Seek(int64(end), io.SeekStart)
	return err
}

// begin begins a new segment.
func (j *journal) begin() error {
	f, err := os.OpenFile(j.path(j.next), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.full = append(j.full, j.file)
	}
	j.file = f
	j.segments = append(j.segments, segment{first: j.next})
	return nil
}

// append writes n whole entries. On error nothing of them remains.
func (j *journal) append(frames []byte, n int) error {
	last := &j.segments[len(j.segments)-1]
	if last.size > 0 && last.size+int64(len(frames)) > j.segment {
		if err := j.begin(); err != nil {
			return err
		}
		last = &j.segments[len(j.segments)-1]
	}
	if _, err := j.file.Write(frames); err != nil {
		_, seek := j.file.Seek(last.size, io.SeekStart)
		return errors.Join(err, j.file.Truncate(last.size), seek)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	last.size += int64(len(frames))
	j.total += int64(len(frames))
	j.next += uint64(n)
	return nil
}

// probe reports whether the disk takes anything.
func (j *journal) probe() error {
	last := j.segments[len(j.segments)-1]
	_, err := j.file.Write(make([]byte, 4<<10))
	_, seek := j.file.Seek(last.size, io.SeekStart)
	return errors.Join(err, j.file.Truncate(last.size), seek)
}

// end is the number of the next entry: all before it can be read.
func (j *journal) end() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

// holding returns the segment that holds entry seq, or the oldest one where seq is older; and the first number that is not in it.
func (j *journal) holding(seq uint64) (s segment, end uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := len(j.segments) - 1
	for i > 0 && j.segments[i].first > seq {
		i--
	}
	if end = j.next; i+1 < len(j.segments) {
		end = j.segments[i+1].first
	}
	return j.segments[i], end
}

// oldest returns the oldest segment with the first number after it; ok is false where it is the one that is written to.
func (j *journal) oldest() (s segment, end uint64, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) < 2 {
		return s, j.next, false
	}
	return j.segments[0], j.segments[1].first, true
}

// drop removes the oldest segment. Who reads it just now can read on.
func (j *journal) drop() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.segments[0]
	if err := os.Remove(j.path(s.first)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	j.segments, j.total = slices.Clone(j.segments[1:]), j.total-s.size
	return nil
}

func (j *journal) bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.total
}

// sync returns when all that was written before is on the disk. It is for one goroutine, which need not be the writer's: a
// disk is slow.
func (j *journal) sync() error {
	j.mu.Lock()
	full, file := j.full, j.file
	j.full = nil
	j.mu.Unlock()
	var errs []error
	for _, f := range full {
		errs = append(errs, f.Sync(), f.Close())
	}
	return errors.Join(append(errs, file.Sync())...)
}

func (j *journal) close() error { return errors.Join(j.sync(), j.file.Close()) }

// A reader reads a journal from an entry on. It belongs to one goroutine.
type reader struct {
	journal *journal
	first   uint64 // of the segment that is open
	file    *os.File
	next    uint64 // number of the frame at offset
	offset  int64
	buffer  []byte
}

// window is how much is read at once; it holds any frame.
const window = maxFrame + frameHead

// read calls take with the frames from seq on, until it returns false or the journal ends. It returns the number to go on
// from, which is beyond the frames that were taken where something between is damaged or not there any more.
func (r *reader) read(seq uint64, take func(frame) bool) (next uint64, err error) {
	s, end := r.journal.holding(seq)
	if seq < s.first {
		return s.first, nil
	}
	if err := r.seek(s, seq); err != nil {
		return seq, err
	}
	if r.buffer == nil {
		r.buffer = make([]byte, window)
	}
	for r.next < end {
		n, err := r.file.ReadAt(r.buffer, r.offset)
		if err != nil && err != io.EOF {
			return r.next, err
		}
		used, more := r.frames(r.buffer[:n], seq, end, take)
		if r.offset += int64(used); !more {
			return r.next, nil
		}
		if used == 0 && r.next < end { // damaged: nobody knows where the next entry begins, but the next segment
			return end, nil
		}
	}
	return r.next, nil
}

// frames hands on what b begins with.
func (r *reader) frames(b []byte, from, end uint64, take func(frame) bool) (used int, more bool) {
	for r.next < end {
		f, err := parseFrame(b[used:])
		if err != nil || f.seq != r.next {
			return used, true
		}
		if f.seq >= from && !take(f) {
			return used, false
		}
		used += f.size
		r.next++
	}
	return used, true
}

// seek opens the segment, unless it is open and seq lies ahead.
func (r *reader) seek(s segment, seq uint64) error {
	if r.file != nil && r.first == s.first && r.next <= seq {
		return nil
	}
	f, err := os.Open(r.journal.path(s.first))
	if err != nil {
		return err
	}
	r.close()
	r.file, r.first, r.next, r.offset = f, s.first, s.first, 0
	return nil
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}
