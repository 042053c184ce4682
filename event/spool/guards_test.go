package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/event/encode"
)

// What guards hold against disks that lie: each test fails when its guard is taken out (.ci/mutations has them).

// framed is a frame with the right checksum, whatever is in it.
func framed(body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	return append(binary.BigEndian.AppendUint32(b, crc32.Checksum(body, castagnoli)), body...)
}

// numbered is a whole entry with a number.
func numbered(t *testing.T, seq uint64) []byte {
	t.Helper()
	f, err := sealItem(encode.Item{Record: record(int(seq))}, &xor{})
	if err != nil {
		t.Fatal(err)
	}
	return f.append(nil, seq)
}

// A checksum that is right makes nothing true.
func TestFramesThatLie(t *testing.T) {
	sealedBeyond := make([]byte, entryHead+4)
	binary.BigEndian.PutUint32(sealedBeyond[9:], 5)
	for what, b := range map[string][]byte{
		"shorter than its own head": framed(make([]byte, entryHead-1)),
		"larger than any":           framed(make([]byte, maxFrame+1)),
		"sealed beyond its end":     framed(sealedBeyond),
		"a head that is cut off":    framed(nil)[:3],
		"cut off":                   numbered(t, 1)[:40],
	} {
		if f, err := parseFrame(b); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %+v %v", what, f, err)
		}
	}
	if err := read([]byte{1<<1 | 1, 100, 'x'}, func(f *form) { s := ""; text(f, 1, &s) }); err == nil {
		t.Error("a text that is longer than its form was read")
	}
}

// An entry that no frame holds is lost, counted and told, and holds nothing up.
func TestTooLarge(t *testing.T) {
	f := &fake{}
	s, heard := opened(t, t.TempDir(), 0, f.output("f", Everything))
	large := record(1)
	large.Path = strings.Repeat("x", maxFrame)
	s.Record(large)
	s.Record(record(2))
	await(t, "the one that fits", func() bool { return f.count() == 1 })
	await(t, "the loss to be told", func() bool { return len(heard.kinds("event.dropped")) == 1 })
	if e := heard.kinds("event.dropped")[0]; e.Data["why"] != oversized || e.Data["count"] != "1" || s.Totals().Lost != 1 {
		t.Errorf("%+v %+v", e, s.Totals())
	}
}

// journalOf is a journal in a new folder.
func journalOf(t *testing.T, dir string, segment int64) *journal {
	t.Helper()
	j, err := openJournal(dir, segment, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	return j
}

// all reads a journal from its first entry.
func all(t *testing.T, j *journal) (seqs []uint64, next uint64) {
	t.Helper()
	r := reader{journal: j}
	defer r.close()
	next, err := r.read(1, func(f frame) bool { seqs = append(seqs, f.seq); return true })
	if err != nil {
		t.Error(err)
	}
	return seqs, next
}

// What has another number is no entry of this place, neither when the journal is opened nor when it is read; a torn end is cut off.
func TestAlienEntries(t *testing.T) {
	dir := t.TempDir()
	j := journalOf(t, dir, maxSegment)
	if err := j.append(slices.Concat(numbered(t, 1), numbered(t, 7), numbered(t, 3)), 3); err != nil {
		t.Fatal(err)
	}
	if seqs, next := all(t, j); !slices.Equal(seqs, []uint64{1}) || next != 4 {
		t.Errorf("%v were read, up to %d", seqs, next)
	}
	again := journalOf(t, dir, maxSegment)
	info, err := os.Stat(again.path(1))
	if err != nil || again.next != 2 || !again.torn || info.Size() != int64(len(numbered(t, 1))) || again.bytes() != info.Size() {
		t.Errorf("next is %d of %v bytes, %d are known: %v", again.next, info.Size(), again.bytes(), err)
	}
}

// A witness notes what is asked of a file, in a list that several of them share.
type witness struct {
	file
	log  *notes
	name string
	torn int // of the next write so many bytes are written, and then it fails
}

type notes struct {
	mu   sync.Mutex
	list []string
}

func (r *notes) add(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, what)
}

func (r *notes) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

func (w *witness) Write(b []byte) (int, error) {
	w.log.add(w.name + "write")
	if w.torn > 0 {
		n, _ := w.file.Write(b[:w.torn])
		w.torn = 0
		return n, io.ErrShortWrite
	}
	return w.file.Write(b)
}

func (w *witness) Sync() error  { w.log.add(w.name + "sync"); return w.file.Sync() }
func (w *witness) Close() error { w.log.add(w.name + "close"); return w.file.Close() }

// Of a write that failed nothing remains, and the next one begins where it began.
func TestTornWrite(t *testing.T) {
	j := journalOf(t, t.TempDir(), maxSegment)
	if err := j.append(numbered(t, 1), 1); err != nil {
		t.Fatal(err)
	}
	j.file = &witness{file: j.file, log: &notes{}, torn: 30}
	if err := j.append(numbered(t, 2), 1); err == nil {
		t.Fatal("a torn write is no error")
	}
	if info, err := os.Stat(j.path(1)); err != nil || info.Size() != int64(len(numbered(t, 1))) {
		t.Errorf("%d bytes remain: %v", info.Size(), err)
	}
	if err := j.append(numbered(t, 2), 1); err != nil {
		t.Fatal(err)
	}
	if seqs, _ := all(t, j); !slices.Equal(seqs, []uint64{1, 2}) {
		t.Errorf("%v were read", seqs)
	}
}

// A segment that is full is on the disk before it is closed, and the one after it is synced, too.
func TestSegmentsAreSynced(t *testing.T) {
	j, log := journalOf(t, t.TempDir(), 1), &notes{}
	j.file = &witness{file: j.file, log: log, name: "first "}
	for seq := range uint64(2) {
		if err := j.append(numbered(t, seq+1), 1); err != nil {
			t.Fatal(err)
		}
	}
	j.file = &witness{file: j.file, log: log, name: "second "}
	if err := j.sync(); err != nil {
		t.Fatal(err)
	}
	if got := log.all(); !slices.Equal(got, []string{"first write", "first sync", "first close", "second sync"}) {
		t.Errorf("%v", got)
	}
}

// Within a second what was written is on the disk, and only then the cursors that point into it.
func TestSyncsBeforeCursors(t *testing.T) {
	f := &fake{}
	s, _ := opened(t, t.TempDir(), 0, f.output("f", Everything))
	log, flush := &notes{}, s.own.board.flush
	s.own.mu.Lock()
	s.own.file = &witness{file: s.own.file, log: log}
	s.own.mu.Unlock()
	s.own.board.flush = func() error { log.add("cursors"); return flush() }
	s.Record(record(1))
	await(t, "the sync", func() bool { return len(log.all()) >= 3 })
	if got := log.all()[:3]; !slices.Equal(got, []string{"write", "sync", "cursors"}) {
		t.Errorf("%v", got)
	}
}

// After a loss of power the journal may be older than its cursors, and the other way round: neither is believed beyond the other.
func TestPowerLoss(t *testing.T) {
	dir, f := t.TempDir(), &fake{}
	s, _ := opened(t, dir, 0, f.output("f", Everything))
	for n := range 50 {
		s.Record(record(n))
	}
	await(t, "all to arrive and be counted", func() bool { return statsOf(t, s, "f").Delivered == 50 })
	path := s.own.path(1)
	shut(s)
	if err := os.Truncate(path, int64(25*len(numbered(t, 1)))); err != nil {
		t.Fatal(err)
	}
	again := &fake{}
	s, heard := opened(t, dir, 0, again.output("f", Everything))
	s.Record(record(99))
	await(t, "what came after", func() bool { return again.count() == 1 })
	await(t, "the loss to be told", func() bool { return len(heard.kinds("event.dropped")) > 0 })
	shut(s)

	b, err := openBoard(filepath.Join(dir, "0"))
	if err != nil {
		t.Fatal(err)
	}
	b.accepted.Store(10)
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	s, _ = opened(t, dir, 0, (&fake{}).output("f", Everything))
	if all := s.Totals(); all.Accepted < s.own.end()-1 {
		t.Errorf("%d were accepted, and %d are in the journal", all.Accepted, s.own.end()-1)
	}
}

// What the bound has dropped while it was sent counts once, and no cursor goes back.
func TestSettleAfterTheBound(t *testing.T) {
	f := &fake{}
	s, _ := opened(t, t.TempDir(), 0, f.output("f", Everything))
	slot := s.own.claim("x")
	moved := counts{start: 1, cursor: 10, dropped: 9}
	slot.store(moved)
	(&runner{output: s.outputs[0], lane: s.own, slot: slot}).settle(&parcel{from: 1, next: 5, skipped: 2, unreadable: 1}, 1)
	if c := slot.load(); c != moved {
		t.Errorf("%+v became %+v", moved, c)
	}
}

// What is in memory is bounded, for sinks that are slow and do not fail.
func TestTailIsBounded(t *testing.T) {
	var all tail
	items := make([]encode.Item, groupSize)
	for n := range items {
		items[n].Record = record(n)
	}
	for n := range uint64(2 * maxTail / groupSize) {
		all.add(written(1+n*groupSize, items))
	}
	if n := all.size(); n > maxTail || n < maxTail-groupSize || all.holding(1) != nil || all.holding(2*maxTail) == nil {
		t.Errorf("%d entries in memory", n)
	}
}

// What is read at once is bounded in bytes.
func TestBlocksAreBounded(t *testing.T) {
	j := journalOf(t, t.TempDir(), maxSegment)
	for seq := range uint64(8) {
		r := record(1)
		r.Path = strings.Repeat("x", maxFrame/2)
		f, err := sealItem(encode.Item{Record: r}, &xor{})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.append(f.append(nil, seq+1), 1); err != nil {
			t.Fatal(err)
		}
	}
	r := &reader{journal: j}
	defer r.close()
	b, _, err := (&shelf{}).take(1, r)
	if err != nil || b == nil || len(b.frames) > 2*window/(maxFrame/2) || len(b.frames) == 8 {
		t.Errorf("%d entries of half a megabyte at once: %v", len(b.frames), err)
	}
}

// A spool of another version is skipped, since nobody knows what of it the sinks have got: counted, and told.
func TestSpoolOfAnotherVersion(t *testing.T) {
	for what, change := range map[string]func(board string) error{
		"another magic": func(board string) error {
			f, err := os.OpenFile(board, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{1}, 7)
				err = errors.Join(err, f.Close())
			}
			return err
		},
		"another size": func(board string) error { return os.Truncate(board, 100) },
		"none":         os.Remove,
	} {
		dir, lame := t.TempDir(), &fake{err: down}
		s, _ := opened(t, dir, 0, lame.output("f", Everything))
		for n := range 100 {
			s.Record(record(n))
		}
		await(t, "all to be written", func() bool { return s.own.end() == 101 })
		shut(s)
		if err := change(filepath.Join(dir, "0", "board")); err != nil {
			t.Fatal(err)
		}
		f := &fake{}
		s, heard := opened(t, dir, 0, f.output("f", Everything))
		s.Record(record(100))
		await(t, "what came after", func() bool { return f.count() == 1 })
		balanced(t, s, "f")
		await(t, "it to be told", func() bool { return len(heard.kinds("event.dropped")) == 1 })
		if e := heard.kinds("event.dropped")[0]; e.Data["count"] != "100" || e.Data["why"] != foreign || e.Data["at_most"] != "true" {
			t.Errorf("%s: %+v", what, e)
		}
		if all := fmt.Sprintf("%+v", s.Totals()); s.Totals().Accepted != 101 || s.Totals().Lost != 100 {
			t.Errorf("%s: %s", what, all)
		}
		shut(s)
		s, _ = opened(t, dir, 0, f.output("f", Everything))
		if found := s.own.found; found[loss{why: foreign}]+found[loss{why: killed}] > 0 {
			t.Errorf("%s: once more: %+v", what, found)
		}
	}
}
