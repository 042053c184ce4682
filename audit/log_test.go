package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("AUDIT_TEST_WRITER"); dir != "" {
		writeUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

var errStop = errors.New("stopped here")

// A commit that ends at any of its steps leaves a log that opens again, that is whole, and that has every leaf of which
// somebody was told.
func TestCrashAtEachStep(t *testing.T) {
	k := newKey(t, "log.example/a")
	for _, at := range []step{written, signed, kept, published} {
		for _, keeps := range []bool{true, false} {
			t.Run(fmt.Sprint(at, keeps), func(t *testing.T) {
				dir, armed := t.TempDir(), false
				o := Options{Dir: dir, Key: k, Interval: time.Millisecond, step: func(s step) error {
					if armed && s == at {
						return errStop
					}
					return nil
				}}
				if keeps {
					o.Kept = filepath.Join(t.TempDir(), "last")
				}
				l := open(t, o)
				fill(t, l, 0, 300)
				armed = true
				p, err := l.Append(leaf(300))
				must(t, err)
				if _, err := p.Wait(context.Background()); !errors.Is(err, errStop) {
					t.Fatalf("the commit did not stop: %v", err)
				}
				l.Close() // which writes nothing more: the leaf was taken back, or the log is broken
				o.step = nil
				again := open(t, o)
				size := again.Stats().Size
				if in := at == published || at == kept && keeps; in != (size == 301) || size < 300 {
					t.Errorf("%d leaves after a crash at %s", size, at)
				}
				fill(t, again, int(size), 600)
				again.Close()
				if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 || r.Size != 600 || r.Beyond {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// What a checkpoint covers is never written again: to be killed in the middle of that would cut it off.
func TestFilesAreWrittenOnce(t *testing.T) {
	k, dir := newKey(t, "log.example/a"), t.TempDir()
	l := open(t, Options{Dir: dir, Key: k})
	fill(t, l, 0, 300)
	before := map[string]time.Time{}
	for range 2 {
		must(t, filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if at, old := before[path]; err == nil && old && info.ModTime() != at {
				t.Errorf("%s was written again", path)
			}
			if before[path] = time.Unix(0, 0); err == nil {
				err = os.Chtimes(path, before[path], before[path])
			}
			return err
		}))
		if len(before) == 5 { // two bundles, two tiles, one above
			fill(t, l, 300, 301)
		}
	}
}

// A real process is killed, again and again, while it writes: each leaf of which it had told is there.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	var told int64
	for range 5 {
		told = max(told, killed(t, dir))
	}
	k, _, err := OpenKey(filepath.Join(dir, "key"), "")
	must(t, err)
	l := open(t, Options{Dir: filepath.Join(dir, "log"), Key: k, Kept: filepath.Join(dir, "last")})
	if size := l.Stats().Size; size <= told || told == 0 {
		t.Errorf("leaf %d was told of, and the log has %d", told, size)
	}
	must(t, l.Close())
	if r := verify(t, filepath.Join(dir, "log"), Verification{Key: k.Verifier, Since: read(t, dir, "last")}); len(r.Findings) > 0 {
		t.Errorf("%v", r.Findings)
	}
}

// killed lets a process write to the log, kills it, and returns the last index that it was sure of.
func killed(t *testing.T, dir string) (told int64) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "AUDIT_TEST_WRITER="+dir)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	for range 20 {
		if _, err := fmt.Fscanln(out, &told); err != nil {
			t.Fatal(err)
		}
	}
	must(t, c.Process.Signal(syscall.SIGKILL))
	for { // what it had told before it died
		var n int64
		if _, err := fmt.Fscanln(out, &n); err != nil {
			break
		}
		told = n
	}
	_ = c.Wait() // killed
	return told
}

func writeUntilKilled(dir string) {
	k, _, err := OpenKey(filepath.Join(dir, "key"), "log.example/killed")
	if err == nil {
		var l *Log
		l, err = Open(Options{Dir: filepath.Join(dir, "log"), Key: k, Kept: filepath.Join(dir, "last"), Interval: time.Millisecond})
		for i := 0; err == nil; i++ {
			var p *Pending
			for range 100 {
				if p, err = l.Append(leaf(i)); err != nil {
					break
				}
			}
			if err == nil {
				var index int64
				index, err = p.Wait(context.Background())
				fmt.Println(index)
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Two logs of one folder, as two processes during an upgrade, write in turn.
func TestTwoWriters(t *testing.T) {
	k, dir, kept := newKey(t, "log.example/a"), t.TempDir(), filepath.Join(t.TempDir(), "last")
	var all sync.WaitGroup
	seen := sync.Map{}
	for w := range 2 {
		l := open(t, Options{Dir: dir, Key: k, Kept: kept})
		all.Go(func() {
			for i := range 50 {
				p, err := l.Append(fmt.Appendf(nil, "%d of %d", i, w))
				if err != nil {
					t.Error(err)
					return
				}
				index, err := p.Wait(context.Background())
				if err != nil {
					t.Error(err)
				}
				if _, twice := seen.LoadOrStore(index, w); twice {
					t.Errorf("two leaves at %d", index)
				}
			}
			l.Close()
		})
	}
	all.Wait()
	if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 || r.Size != 100 {
		t.Errorf("%+v", r)
	}
}

// What is not what was signed last is not gone on from.
func TestOpenRefuses(t *testing.T) {
	k := newKey(t, "log.example/a")
	for name, change := range map[string]func(t *testing.T, dir string, checkpoints [][]byte){
		"fewer leaves": func(t *testing.T, dir string, _ [][]byte) {
			x := take(t, dir, 300)
			x.leaves = x.leaves[:200]
			x.all(&k)
		},
		"other leaves": func(t *testing.T, dir string, _ [][]byte) { x := take(t, dir, 300); x.leaves[1] = nil; x.all(&k) },
		"other, more leaves": func(t *testing.T, dir string, _ [][]byte) {
			x := take(t, dir, 300)
			x.leaves[1] = nil
			x.leaves = append(x.leaves, nil)
			x.all(&k)
		},
		"an emptied folder":   func(t *testing.T, dir string, _ [][]byte) { must(t, os.RemoveAll(dir)) },
		"no tiles":            func(t *testing.T, dir string, _ [][]byte) { must(t, os.RemoveAll(filepath.Join(dir, "tile"))) },
		"an edited last leaf": func(t *testing.T, dir string, _ [][]byte) { x := take(t, dir, 300); x.leaves[299] = nil; x.entries() },
		"another key":         func(t *testing.T, dir string, _ [][]byte) { o := newKey(t, "log.example/a"); take(t, dir, 300).all(&o) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, checkpoints := build(t, k, 100, 300)
			kept := filepath.Join(t.TempDir(), "last")
			must(t, os.WriteFile(kept, checkpoints[1], 0o600))
			change(t, dir, checkpoints)
			if l, err := Open(Options{Dir: dir, Key: k, Kept: kept}); !errors.Is(err, ErrRolledBack) {
				t.Errorf("opened: %v", err)
				if l != nil {
					l.Close()
				}
			}
		})
	}
	t.Run("leaves without a checkpoint", func(t *testing.T) {
		dir, _ := build(t, k, 100)
		must(t, os.Remove(filepath.Join(dir, checkpointPath)))
		if _, err := Open(Options{Dir: dir, Key: k}); !errors.Is(err, ErrRolledBack) {
			t.Errorf("opened: %v", err)
		}
	})
}

// An old checkpoint that was put back over leaves that are still there is repaired from the kept one.
func TestOpenRepairs(t *testing.T) {
	k := newKey(t, "log.example/a")
	dir, checkpoints := build(t, k, 100, 300)
	kept := filepath.Join(t.TempDir(), "last")
	must(t, os.WriteFile(kept, checkpoints[1], 0o600))
	write(t, dir, checkpointPath, checkpoints[0])
	l := open(t, Options{Dir: dir, Key: k, Kept: kept})
	if !bytes.Equal(read(t, dir, checkpointPath), checkpoints[1]) || l.Stats().Size != 300 {
		t.Error("the kept checkpoint is not published")
	}
}

// A log that is changed under a running writer is not written on.
func TestTamperingWhileOpen(t *testing.T) {
	k, dir := newKey(t, "log.example/a"), t.TempDir()
	var told error
	l := open(t, Options{Dir: dir, Key: k, Trouble: func(err error) { told = err }})
	fill(t, l, 0, 300)
	x := take(t, dir, 300)
	x.leaves = x.leaves[:200]
	x.all(&k)
	p, err := l.Append(leaf(300))
	must(t, err)
	if _, err := p.Wait(context.Background()); !errors.Is(err, ErrRolledBack) {
		t.Errorf("waited: %v", err)
	}
	if _, err := l.Append(leaf(301)); !errors.Is(err, ErrRolledBack) {
		t.Errorf("appended: %v", err)
	}
	l.Close()
	if s := l.Stats(); !errors.Is(told, ErrRolledBack) || s.Dropped != 2 || s.Queued != 0 {
		t.Errorf("told %v, %+v", told, s)
	}
}

// A disk that takes nothing costs whoever waits the leaf, and others time: what is queued is tried again.
func TestFullDisk(t *testing.T) {
	k, dir := newKey(t, "log.example/a"), t.TempDir()
	var mu sync.Mutex
	full := false
	told := make(chan error, 10)
	l := open(t, Options{Dir: dir, Key: k, Leaves: 10, Trouble: func(err error) { told <- err }, step: func(s step) error {
		mu.Lock()
		defer mu.Unlock()
		if full && s == written {
			return syscall.ENOSPC
		}
		return nil
	}})
	set := func(on bool) { mu.Lock(); full = on; mu.Unlock() }
	set(true)
	queued, err := l.Append(leaf(0))
	must(t, err)
	waited, err := l.Append(leaf(1))
	must(t, err)
	if _, err := waited.Wait(context.Background()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("waited: %v", err)
	}
	if err := <-told; !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("told: %v", err)
	}
	for err = nil; err == nil; {
		_, err = l.Append(leaf(2))
	}
	if s := l.Stats(); !errors.Is(err, ErrFull) || s.Queued != 10 || s.Dropped != 1 {
		t.Errorf("%v, %+v", err, s)
	}
	set(false)
	if err := <-told; err != nil {
		t.Errorf("told: %v", err)
	}
	if index, err := queued.Wait(context.Background()); err != nil || index != 0 {
		t.Errorf("index %d: %v", index, err)
	}
	l.Close()
	if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 || r.Size != 10 {
		t.Errorf("%+v", r)
	}
}

// Whoever stops waiting takes the leaf back.
func TestWaitEnds(t *testing.T) {
	k, dir := newKey(t, "log.example/a"), t.TempDir()
	l := open(t, Options{Dir: dir, Key: k, Interval: time.Hour})
	fill(t, l, 0, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	back := 1
	for ; ; back++ { // a leaf may be in the log before anybody has waited for it
		p, err := l.Append(leaf(back))
		must(t, err)
		if _, err := p.Wait(ctx); errors.Is(err, context.Canceled) {
			break
		} else if err != nil || back == 1000 {
			t.Fatalf("waited: %v", err)
		}
	}
	fill(t, l, back, back+1)
	if s := l.Stats(); s.Size != int64(back)+1 || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := l.Append(make([]byte, MaxLeaf+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	l.Close()
	if _, err := l.Append(leaf(2)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Keys are made once, for their owner only.
func TestOpenKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "audit.key")
	first, made, err := OpenKey(path, "log.example/a")
	must(t, err)
	again, madeAgain, err := OpenKey(path, "another")
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if !made || madeAgain || first.Public != again.Public || info.Mode().Perm() != 0o600 {
		t.Errorf("made %v, then %v; %s, then %s; mode %v", made, madeAgain, first.Public, again.Public, info.Mode())
	}
	if _, err := ParseKey(first.Public); err == nil {
		t.Error("a public key signs")
	}
}

// 20,000 leaves in a second, of the size of a refusal's record, each under a durable checkpoint: leaves/s is what one
// second can take.
func BenchmarkAppend(b *testing.B) {
	l, err := Open(Options{Dir: b.TempDir(), Key: newKey(b, "log.example/a")})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	data := bytes.Repeat([]byte("x"), 1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var last *Pending
	for i := 0; b.Loop(); {
		p, err := l.Append(fmt.Appendf(nil, "%d %s", i, data))
		if errors.Is(err, ErrFull) {
			time.Sleep(time.Millisecond)
			continue
		}
		last, i = p, i+1
	}
	if _, err := last.Wait(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(l.Stats().Appended)/b.Elapsed().Seconds(), "leaves/s")
}
