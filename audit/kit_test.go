package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newKey makes a key for a test.
func newKey(t testing.TB, name string) Key {
	t.Helper()
	secret, err := NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// leaf is the i-th leaf of every test: no two are alike, and lengths vary.
func leaf(i int) []byte { return fmt.Appendf(nil, `{"id":%d,"pad":"%0*d"}`, i, i%40, 0) }

// fill appends leaves from..to and waits for the last of them.
func fill(t testing.TB, l *Log, from, to int) {
	t.Helper()
	var last *Pending
	for i := from; i < to; i++ {
		var err error
		if last, err = l.Append(leaf(i)); err != nil {
			t.Fatal(err)
		}
	}
	index, err := last.Wait(context.Background())
	if err != nil || index != int64(to-1) {
		t.Fatalf("leaf %d got index %d: %v", to-1, index, err)
	}
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	if o.Interval == 0 {
		o.Interval = time.Millisecond
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// build makes a log of the sizes, one commit each, and returns its folder and the checkpoint after each commit.
func build(t testing.TB, k Key, sizes ...int) (dir string, checkpoints [][]byte) {
	t.Helper()
	dir = t.TempDir()
	l := open(t, Options{Dir: dir, Key: k})
	from := 0
	for _, size := range sizes {
		fill(t, l, from, size)
		from = size
		checkpoints = append(checkpoints, read(t, dir, checkpointPath))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, checkpoints
}

func read(t testing.TB, dir, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, dir, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, path), data, 0o640); err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, dir string, v Verification) *Report {
	t.Helper()
	r, err := Verify(context.Background(), os.DirFS(dir), v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
