package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// pruned builds a log of which the leaves before an index are gone.
func pruned(t *testing.T, k Key, before int64) (dir string, checkpoints [][]byte) {
	t.Helper()
	dir, checkpoints = build(t, k, 300, tamperedSize)
	l := open(t, Options{Dir: dir, Key: k})
	if first, err := l.Prune(before); err != nil || first != before/tileWidth*tileWidth {
		t.Fatal(first, err)
	}
	must(t, l.Close())
	return dir, checkpoints
}

// What is pruned is gone, and the rest proves as before: the tree, a checkpoint from before, a leaf that somebody kept. The
// log goes on.
func TestPrune(t *testing.T) {
	k := newKey(t, "log.example/a")
	dir, checkpoints := pruned(t, k, 600)
	for _, n := range []int64{0, 1} {
		if _, err := os.Stat(filepath.Join(dir, bundlePath(n, tileWidth))); err == nil {
			t.Errorf("bundle %d is there", n)
		}
	}
	r := verify(t, dir, Verification{Key: k.Verifier, Since: checkpoints[0]})
	if len(r.Findings) > 0 || r.Pruned != 512 || r.Size != tamperedSize {
		t.Errorf("%+v", r)
	}
	var told bytes.Buffer
	r.Write(&told)
	if !bytes.Contains(told.Bytes(), []byte("the first 512 leaves")) || !bytes.Contains(told.Bytes(), []byte("every leaf that is kept")) {
		t.Errorf("%s", told.Bytes())
	}
	for index, there := range map[int64]bool{0: false, 511: false, 512: true, tamperedSize - 1: true} {
		p, err := Prove(os.DirFS(dir), k.Verifier, index)
		must(t, err)
		c, err := p.Verify(leaf(int(index)), k.Verifier)
		if err != nil {
			t.Errorf("a kept copy of leaf %d is not proved: %v", index, err)
		}
		if _, err := Leaf(os.DirFS(dir), c, index); (err == nil) != there {
			t.Errorf("leaf %d: %v", index, err)
		}
	}
	l := open(t, Options{Dir: dir, Key: k})
	fill(t, l, tamperedSize, 1500)
	if first, err := l.Prune(100); err != nil || first != 512 {
		t.Errorf("what is gone does not come back: %d %v", first, err)
	}
	if first, err := l.Prune(1 << 40); err != nil || first != 1280 {
		t.Errorf("the end, which is not whole, stays: %d %v", first, err)
	}
	fill(t, l, 1500, 1501)
	must(t, l.Close())
	if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 || r.Pruned != 1280 || r.Size != 1501 {
		t.Errorf("%+v", r)
	}
}

// A crash between the word and the deed leaves bundles, which the next one deletes.
func TestPruneAfterACrash(t *testing.T) {
	k := newKey(t, "log.example/a")
	dir, _ := build(t, k, tamperedSize)
	first := read(t, dir, bundlePath(0, tileWidth))
	l := open(t, Options{Dir: dir, Key: k})
	_, err := l.Prune(512)
	must(t, err)
	write(t, dir, bundlePath(0, tileWidth), first)
	if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 {
		t.Errorf("%v", r.Findings)
	}
	_, err = l.Prune(512)
	must(t, err)
	if _, err := os.Stat(filepath.Join(dir, bundlePath(0, tileWidth))); err == nil {
		t.Error("the bundle is still there")
	}
}

// Whoever deletes more than was signed away, or other things, is found; so is an old leaf that was changed before it went.
func TestTamperingWithPruned(t *testing.T) {
	k, other := newKey(t, "log.example/a"), newKey(t, "log.example/a")
	forged := func(t *testing.T, dir string, key Key, text string) {
		n, err := note.Sign(&note.Note{Text: text}, key.Signer)
		must(t, err)
		write(t, dir, prunedPath, n)
	}
	gone := func(t *testing.T, dir, path string) { must(t, os.Remove(filepath.Join(dir, path))) }
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		kind   Kind
		index  int64
	}{
		"one more bundle":        {func(t *testing.T, dir string) { gone(t, dir, "tile/entries/002") }, Deleted, 512},
		"the word":               {func(t *testing.T, dir string) { gone(t, dir, prunedPath) }, Deleted, 0},
		"the word of another":    {func(t *testing.T, dir string) { forged(t, dir, other, prunedText("log.example/a", 512)) }, Unsigned, 0},
		"a checkpoint as word":   {func(t *testing.T, dir string) { write(t, dir, prunedPath, read(t, dir, checkpointPath)) }, Unsigned, 0},
		"half a bundle":          {func(t *testing.T, dir string) { forged(t, dir, k, prunedText("log.example/a", 300)) }, Unsigned, 0},
		"hashes of what is gone": {func(t *testing.T, dir string) { gone(t, dir, "tile/0/001") }, Deleted, 256},
		"a wrong hash of it": {func(t *testing.T, dir string) {
			data := read(t, dir, "tile/0/001")
			data[40] ^= 1
			write(t, dir, "tile/0/001", data)
		}, Edited, 256},
		"another leaf in its place": {func(t *testing.T, dir string) {
			var b []byte
			for i := range tileWidth {
				b = appendEntry(b, leaf(i+1))
			}
			write(t, dir, bundlePath(0, tileWidth), b)
		}, Deleted, 0},
		"a leaf that is kept": {func(t *testing.T, dir string) {
			data := read(t, dir, "tile/entries/002")
			data[10] ^= 1
			write(t, dir, "tile/entries/002", data)
		}, Edited, 512},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := pruned(t, k, 512)
			c.change(t, dir)
			if r := verify(t, dir, Verification{Key: k.Verifier}); !has(r, c.kind, c.index) {
				t.Errorf("got %v, want %s at %d", r.Findings, c.kind, c.index)
			}
		})
	}
}

// What is old errs on the side of what is kept: every leaf before it is older.
func TestSince(t *testing.T) {
	k := newKey(t, "log.example/a")
	dir, _ := pruned(t, k, 256)
	began := time.Unix(1_800_000_000, 0)
	at := map[string]time.Time{}
	for i := range tamperedSize {
		at[string(leaf(i))] = began.Add(time.Duration(i) * time.Minute)
	}
	read := func(leaf []byte) (time.Time, bool) { return at[string(leaf)], false }
	c, _, err := Head(os.DirFS(dir), k.Verifier)
	must(t, err)
	for i, want := range map[int]int64{0: 0, 100: 0, 600: 512, 800: 768, 5000: 768} {
		if got := since(os.DirFS(dir), c, began.Add(time.Duration(i)*time.Minute), read); got != want {
			t.Errorf("%d: %d, want %d", i, got, want)
		}
	}
}
