//go:build linux

package spool

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A disk that is full costs entries, which are counted and told once there is room, and no process its life.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk cannot be mounted, which takes root: %v", err)
	}
	f := &fake{}
	s, heard := opened(t, dir, 0, f.output("f", Everything))
	t.Cleanup(func() { // after the spool was closed, whose cleanup is older
		shut(s)
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
	})
	tell := func(n int) (told int) {
		for range n {
			s.Record(record(told))
			told++
		}
		return told
	}
	told := tell(100)
	await(t, "the first", func() bool { return f.count() == 100 })
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	told += tell(20_000)
	await(t, "losses", func() bool { return s.Totals().Lost > 0 })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, "the loss to be told", func() bool { return len(heard.kinds("event.dropped")) > 0 })
	told += tell(100)
	await(t, "the last", func() bool { return uint64(f.count()) == uint64(told)-s.Totals().Lost })
	balanced(t, s, "f")
	if all := s.Totals(); all.Accepted != uint64(told) {
		t.Errorf("%+v of %d", all, told)
	}
}

// fill takes all the room that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
