package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// tampered is a log in a folder, read as a list of leaves to be changed and written back.
type tampered struct {
	t      *testing.T
	dir    string
	leaves [][]byte
}

func take(t *testing.T, dir string, size int64) *tampered {
	t.Helper()
	x := &tampered{t: t, dir: dir}
	for n := int64(0); n*tileWidth < size; n++ {
		entries, _, err := readBundle(os.DirFS(dir), n, widthOf(0, n, size))
		if err != nil {
			t.Fatal(err)
		}
		x.leaves = append(x.leaves, entries...)
	}
	return x
}

// entries writes the bundles anew and leaves hashes and checkpoint alone: somebody with an editor.
func (x *tampered) entries() {
	must(x.t, os.RemoveAll(filepath.Join(x.dir, "tile/entries")))
	must(x.t, os.MkdirAll(filepath.Join(x.dir, "tile/entries"), 0o750))
	for n := 0; n*tileWidth < len(x.leaves); n++ {
		part := x.leaves[n*tileWidth : min((n+1)*tileWidth, len(x.leaves))]
		var b []byte
		for _, l := range part {
			b = appendEntry(b, l)
		}
		path := bundlePath(int64(n), len(part))
		must(x.t, os.MkdirAll(filepath.Dir(filepath.Join(x.dir, path)), 0o750))
		write(x.t, x.dir, path, b)
	}
}

// all writes bundles and every tile of hashes anew: somebody who owns the disk and knows the format. Without a key the
// checkpoint stays; with one it is signed again.
func (x *tampered) all(key *Key) {
	must(x.t, os.RemoveAll(filepath.Join(x.dir, "tile")))
	f, w := &frontier{}, newFiles(x.dir)
	for _, l := range x.leaves {
		f.add(tlog.RecordHash(l), func(level int, n int64, hashes []tlog.Hash) {
			w.put(tilePath(level, n, tileWidth), tileBytes(hashes))
		})
	}
	for level, hashes := range f.levels {
		if len(hashes) > 0 {
			w.put(tilePath(level, f.size>>(tileHeight*(level+1)), len(hashes)), tileBytes(hashes))
		}
	}
	must(x.t, w.sync())
	x.entries()
	if key != nil {
		note, err := Checkpoint{key.Signer.Name(), f.size, f.root()}.sign(key.Signer)
		must(x.t, err)
		write(x.t, x.dir, checkpointPath, note)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const tamperedSize = 3*tileWidth + 100

// Six kinds of tampering, by somebody who changes leaves alone: each is named with its place.
func TestTamperingWithLeaves(t *testing.T) {
	k := newKey(t, "log.example/a")
	for name, c := range map[string]struct {
		change func(*tampered)
		want   Finding
	}{
		"edit":                    {func(x *tampered) { x.leaves[300] = []byte("another") }, Finding{Kind: Edited, Index: 300, Count: 1}},
		"edit of the last":        {func(x *tampered) { x.leaves[tamperedSize-1] = []byte("another") }, Finding{Kind: Edited, Index: tamperedSize - 1, Count: 1}},
		"deletion":                {func(x *tampered) { x.leaves = slices.Delete(x.leaves, 300, 302) }, Finding{Kind: Deleted, Index: 300, Count: 2}},
		"deletion of the first":   {func(x *tampered) { x.leaves = x.leaves[1:] }, Finding{Kind: Deleted, Index: 0, Count: 1}},
		"insertion":               {func(x *tampered) { x.leaves = slices.Insert(x.leaves, 300, []byte("new")) }, Finding{Kind: Inserted, Index: 300, Count: 1}},
		"exchange of neighbours":  {func(x *tampered) { x.leaves[300], x.leaves[301] = x.leaves[301], x.leaves[300] }, Finding{Kind: Reordered, Index: 300, Count: 2}},
		"exchange across bundles": {func(x *tampered) { x.leaves[10], x.leaves[800] = x.leaves[800], x.leaves[10] }, Finding{Kind: Reordered, Index: 10, Count: 1}},
		"a leaf moved far": {func(x *tampered) {
			moved := x.leaves[10]
			x.leaves = slices.Insert(slices.Delete(x.leaves, 10, 11), 800, moved)
		}, Finding{Kind: Reordered, Index: 10, Count: 1}},
		"truncation":          {func(x *tampered) { x.leaves = x.leaves[:400] }, Finding{Kind: Truncated, Index: 400, Count: tamperedSize - 400}},
		"truncation of a few": {func(x *tampered) { x.leaves = x.leaves[:tamperedSize-5] }, Finding{Kind: Truncated, Index: tamperedSize - 5, Count: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := build(t, k, tamperedSize)
			x := take(t, dir, tamperedSize)
			c.change(x)
			x.entries()
			r := verify(t, dir, Verification{Key: k.Verifier})
			if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
				return f.Kind == c.want.Kind && f.Index == c.want.Index && f.Count == c.want.Count
			}) {
				t.Errorf("got %v, want %v", r.Findings, c.want)
			}
			if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind != c.want.Kind && f.Kind != Truncated }) {
				t.Errorf("other kinds, too: %v", r.Findings)
			}
		})
	}
}

// Files that are missing or damaged are told by name.
func TestTamperingWithFiles(t *testing.T) {
	k := newKey(t, "log.example/a")
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   Finding
	}{
		"a bundle is gone": {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "tile/entries/001"))) }, Finding{Kind: Deleted, Index: 256, Count: 256, File: "tile/entries/001"}},
		"the last bundles are gone": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "tile/entries/002")))
			must(t, os.RemoveAll(filepath.Join(dir, "tile/entries/003.p")))
		}, Finding{Kind: Truncated, Index: 512, Count: tamperedSize - 512, File: "tile/entries/002"}},
		"a tile is gone": {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "tile/0/001"))) }, Finding{Kind: Deleted, Index: 256, File: "tile/0/001"}},
		"a tile is damaged": {func(t *testing.T, dir string) {
			data := read(t, dir, "tile/0/001")
			data[40] ^= 1
			write(t, dir, "tile/0/001", data)
		}, Finding{Kind: Edited, Index: 257, File: "tile/0/001"}},
		"a tile further up is damaged": {func(t *testing.T, dir string) {
			data := read(t, dir, "tile/1/000.p/3")
			data[70] ^= 1
			write(t, dir, "tile/1/000.p/3", data)
		}, Finding{Kind: Edited, Index: 512, File: "tile/1/000.p/3"}},
		"a bundle is cut off": {func(t *testing.T, dir string) {
			data := read(t, dir, "tile/entries/001")
			write(t, dir, "tile/entries/001", data[:len(data)-3])
		}, Finding{Kind: Deleted, Index: 511, Count: 1}},
		"no checkpoint": {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, checkpointPath))) }, Finding{Kind: Deleted, File: checkpointPath}},
		"a checkpoint of another key": {func(t *testing.T, dir string) {
			other := newKey(t, "log.example/a")
			take(t, dir, tamperedSize).all(&other)
		}, Finding{Kind: Unsigned, File: checkpointPath}},
		"a checkpoint that was changed": {func(t *testing.T, dir string) {
			write(t, dir, checkpointPath, bytes.Replace(read(t, dir, checkpointPath), []byte("\n868\n"), []byte("\n867\n"), 1))
		}, Finding{Kind: Unsigned, File: checkpointPath}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := build(t, k, tamperedSize)
			c.change(t, dir)
			r := verify(t, dir, Verification{Key: k.Verifier})
			if len(r.Findings) != 1 {
				t.Fatalf("got %v, want one", r.Findings)
			}
			r.Findings[0].Detail = ""
			if r.Findings[0].Count != 1 && r.Findings[0] != c.want || r.Findings[0].Kind != c.want.Kind || r.Findings[0].Index != c.want.Index {
				t.Errorf("got %+v, want %+v", r.Findings[0], c.want)
			}
		})
	}
}

// Somebody who owns the disk writes every hash anew, but cannot sign: the checkpoint tells, and one that was kept narrows
// the place.
func TestTamperingWithoutTheKey(t *testing.T) {
	k := newKey(t, "log.example/a")
	for name, change := range map[string]func(*tampered){
		"edit":       func(x *tampered) { x.leaves[600] = []byte("another") },
		"deletion":   func(x *tampered) { x.leaves = slices.Delete(x.leaves, 600, 601) },
		"reorder":    func(x *tampered) { x.leaves[600], x.leaves[700] = x.leaves[700], x.leaves[600] },
		"truncation": func(x *tampered) { x.leaves = x.leaves[:700] },
		"insertion":  func(x *tampered) { x.leaves = slices.Insert(x.leaves, 600, []byte("new")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, checkpoints := build(t, k, 500, 650, tamperedSize)
			x := take(t, dir, tamperedSize)
			change(x)
			x.all(nil)
			if r := verify(t, dir, Verification{Key: k.Verifier}); !has(r, Rewritten, 0) && !has(r, Truncated, 700) && !has(r, Truncated, 768) {
				t.Errorf("without a memory: %v", r.Findings)
			}
			if r := verify(t, dir, Verification{Key: k.Verifier, Since: checkpoints[0]}); !has(r, Rewritten, 500) && !has(r, Truncated, 700) && !has(r, Truncated, 768) {
				t.Errorf("with a checkpoint from before: %v", r.Findings)
			}
		})
	}
}

// Somebody with the key signs another history. Whoever kept a checkpoint finds it; nobody else can.
func TestTamperingWithTheKey(t *testing.T) {
	k := newKey(t, "log.example/a")
	for name, c := range map[string]struct {
		change func(*tampered)
		kind   Kind
		index  int64
	}{
		"fork":              {func(x *tampered) { x.leaves[600] = []byte("another") }, Forked, 0},
		"fork, and longer":  {func(x *tampered) { x.leaves = append(slices.Delete(x.leaves, 600, 601), leaf(1), leaf(2)) }, Forked, 0},
		"rollback":          {func(x *tampered) { x.leaves = x.leaves[:500] }, RolledBack, 500},
		"rollback to empty": {func(x *tampered) { x.leaves = nil }, RolledBack, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, checkpoints := build(t, k, 500, tamperedSize)
			x := take(t, dir, tamperedSize)
			c.change(x)
			x.all(&k)
			if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 {
				t.Errorf("found without a memory, which cannot be: %v", r.Findings)
			}
			if r := verify(t, dir, Verification{Key: k.Verifier, Since: checkpoints[1]}); !has(r, c.kind, c.index) {
				t.Errorf("got %v, want %s", r.Findings, c.kind)
			}
		})
	}
}

// An old checkpoint is put back by somebody without the key: leaves beyond it remain, and what was kept tells the rest.
func TestOldCheckpointPutBack(t *testing.T) {
	k := newKey(t, "log.example/a")
	dir, checkpoints := build(t, k, 500, tamperedSize)
	write(t, dir, checkpointPath, checkpoints[0])
	if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) > 0 || !r.Beyond {
		t.Errorf("got %v, beyond %v", r.Findings, r.Beyond)
	}
	if r := verify(t, dir, Verification{Key: k.Verifier, Since: checkpoints[1]}); !has(r, RolledBack, 500) {
		t.Errorf("got %v", r.Findings)
	}
}

// Only some hashes were written anew: those further up still tell which leaves it are.
func TestTamperingHalfWay(t *testing.T) {
	k := newKey(t, "log.example/a")
	dir, _ := build(t, k, tamperedSize)
	upper := read(t, dir, "tile/1/000.p/3")
	x := take(t, dir, tamperedSize)
	x.leaves[300] = []byte("another")
	x.all(nil)
	write(t, dir, "tile/1/000.p/3", upper)
	if r := verify(t, dir, Verification{Key: k.Verifier}); len(r.Findings) != 1 || r.Findings[0].Kind != Edited || r.Findings[0].Index != 256 || r.Findings[0].Count != 256 {
		t.Errorf("got %v", r.Findings)
	}
}

func has(r *Report, kind Kind, index int64) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == kind && f.Index == index })
}

// A whole log has nothing to be found, at every size around the borders of tiles.
func TestWholeLogs(t *testing.T) {
	k := newKey(t, "log.example/a")
	for _, size := range []int{2, 255, 256, 257, 511, 512, 513, 1000} {
		dir, checkpoints := build(t, k, (size+1)/2, size)
		r := verify(t, dir, Verification{Key: k.Verifier, Since: checkpoints[0]})
		if len(r.Findings) > 0 || r.Size != int64(size) || r.Beyond {
			t.Errorf("size %d: %+v", size, r)
		}
	}
}
