package telemetry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// eventually polls until ok, for a generous while.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// ids reads the log file and returns the ids of its lines; each line must be an object.
func ids(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var list []string
	for s := bufio.NewScanner(f); s.Scan(); {
		var line struct{ ID string }
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("%v in %q", err, s.Text())
		}
		list = append(list, line.ID)
	}
	return list
}

func TestAccessLogWritesEveryExchangeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	l, err := OpenAccessLog(path)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 200
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				r := filled("a\nb\xff")
				r.ID = fmt.Sprintf("%d-%d", w, i)
				l.Record(r)
			}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	seen, last := map[string]bool{}, make([]int, writers)
	for _, id := range ids(t, path) {
		var w, i int
		if _, err := fmt.Sscanf(id, "%d-%d", &w, &i); err != nil || seen[id] || i != last[w] {
			t.Fatalf("id %q: %v, seen %v, expected number %d", id, err, seen[id], last[w])
		}
		seen[id] = true
		last[w]++
	}
	if len(seen) != writers*each || l.Dropped() != 0 {
		t.Errorf("%d lines, %d dropped", len(seen), l.Dropped())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

func TestAccessLogAppendsAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	for _, id := range []string{"1", "2"} {
		l, err := OpenAccessLog(path)
		if err != nil {
			t.Fatal(err)
		}
		l.Record(&exchange.Record{ID: id})
		if err := errors.Join(l.Close(), l.Close()); err != nil { // twice does nothing
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(ids(t, path)); got != "[1 2]" {
		t.Error(got)
	}
}

func TestAccessLogOff(t *testing.T) {
	l, err := OpenAccessLog("off")
	if err != nil {
		t.Fatal(err)
	}
	l.Record(usual())
	if err := l.Close(); err != nil || l.Dropped() != 0 {
		t.Errorf("%v, %d dropped: nothing is lost where nothing is wanted", err, l.Dropped())
	}
}

func TestAccessLogRefusesAFolder(t *testing.T) {
	if l, err := OpenAccessLog(t.TempDir()); err == nil {
		_ = l.Close()
		t.Error("a folder was opened as a log")
	}
}

// Rotation renames the file, or removes it; lines go on into a new one, and none is lost.
func TestAccessLogFollowsRotation(t *testing.T) {
	for name, rotate := range map[string]func(path string) error{
		"renamed":  func(p string) error { return os.Rename(p, p+".1") },
		"removed":  os.Remove,
		"replaced": func(p string) error { return errors.Join(os.Rename(p, p+".1"), os.WriteFile(p, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			l, err := OpenAccessLog(path)
			if err != nil {
				t.Fatal(err)
			}
			l.Record(&exchange.Record{ID: "before"})
			eventually(t, "the first line", func() bool { return len(ids(t, path)) == 1 })
			if err := rotate(path); err != nil {
				t.Fatal(err)
			}
			l.Record(&exchange.Record{ID: "after"})
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(ids(t, path)); got != "[after]" {
				t.Errorf("the new file has %s", got)
			}
			if kept := ids(t, path+".1"); name != "removed" && fmt.Sprint(kept) != "[before]" {
				t.Errorf("the rotated file has %s", kept)
			}
		})
	}
}

// Where the new file cannot be made, lines go on into the old one.
func TestAccessLogKeepsTheOldFileInNeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := openLogFile(filepath.Join(dir, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("{\"id\":\"1\"}\n")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(ids(t, filepath.Join(dir+".away", "access.log"))); got != "[1]" {
		t.Error(got)
	}
}

// A write that broke off within a line must not spoil the line after it.
func TestAccessLogBeginsALineAfterATornOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	f, err := openLogFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, part := range []string{"{\"id\":\"1\"}\n{\"id\":", "{\"id\":\"3\"}\n", "{\"id\":\"4\"}\n"} {
		if _, err := f.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if want := "{\"id\":\"1\"}\n{\"id\":\n{\"id\":\"3\"}\n{\"id\":\"4\"}\n"; err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
}

// gated is a pipe that nobody reads until it is opened.
type gated struct {
	open chan struct{}
	mu   sync.Mutex
	got  bytes.Buffer
}

func (g *gated) Write(b []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.got.Write(b)
}

func (g *gated) Close() error { return nil }

// A reader that hangs delays nobody and costs bounded memory; what is lost is counted.
func TestAccessLogNeverHoldsARequest(t *testing.T) {
	out := &gated{open: make(chan struct{})}
	l := startAccessLog(out)
	r := usual()
	size := len(AppendLine(nil, r))
	total := 3*MaxPending/size + 1
	for range total {
		l.Record(r) // must return though nothing is ever written
	}
	l.mu.Lock()
	waiting := len(l.pending)
	l.mu.Unlock()
	if waiting > MaxPending || l.Dropped() == 0 {
		t.Fatalf("%d bytes wait, %d lines dropped", waiting, l.Dropped())
	}
	close(out.open)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := int64(lines(out.got.Bytes())) + l.Dropped(); got != int64(total) {
		t.Errorf("%d lines written and dropped, want %d", got, total)
	}
}

func TestAccessLogCloseDoesNotWaitForEver(t *testing.T) {
	out := &gated{open: make(chan struct{})}
	l := startAccessLog(out)
	l.Record(usual())
	eventually(t, "the writer", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.pending) == 0 })
	if err := l.Close(); err == nil {
		t.Error("a log that nobody takes was closed without an error")
	}
	close(out.open)
	<-l.done
}

type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	n := min(f.room, len(b))
	f.room -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func (*full) Close() error { return nil }

func TestAccessLogCountsWhatCannotBeWritten(t *testing.T) {
	size := len(AppendLine(nil, &exchange.Record{}))
	l := startAccessLog(&full{room: 10*size + size/2})
	for range 15 {
		l.Record(&exchange.Record{})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l.Dropped() != 5 {
		t.Errorf("%d lines dropped, want 5: ten fit, one was torn", l.Dropped())
	}
	l.Record(&exchange.Record{})
	if l.Dropped() != 6 {
		t.Errorf("%d dropped: a line after Close is lost too", l.Dropped())
	}
}

func BenchmarkAccessLog(b *testing.B) {
	l, err := OpenAccessLog(os.DevNull)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	r := usual()
	b.ReportAllocs()
	for b.Loop() {
		l.Record(r)
	}
}
