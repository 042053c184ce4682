package audit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	f_log "github.com/transparency-dev/formats/log"
	f_proof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"

	"github.com/sallyport/sallyport/audit"
)

// What follows shares no code with the log but the signature's: the tree, the proofs and the formats of checkpoint and
// proof are those of transparency-dev, and files are found by the paths of the specification.

func newLog(t *testing.T, leaves [][]byte) (dir string, k audit.Key, checkpoints [][]byte) {
	t.Helper()
	secret, err := audit.NewKey("log.example/independent")
	if err != nil {
		t.Fatal(err)
	}
	if k, err = audit.ParseKey(secret); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	l, err := audit.Open(audit.Options{Dir: dir, Key: k, Interval: time.Hour, Leaves: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i, leaf := range leaves {
		p, err := l.Append(leaf)
		if err != nil {
			t.Fatal(err)
		}
		if (i%100 != 7 || len(leaves) > 5000) && i < len(leaves)-1 { // commits of odd sizes
			continue
		}
		if index, err := p.Wait(context.Background()); err != nil || index != int64(i) {
			t.Fatalf("leaf %d is at %d: %v", i, index, err)
		}
		c, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		checkpoints = append(checkpoints, c)
	}
	return dir, k, checkpoints
}

func leaves(n int) (list [][]byte) {
	for i := range n {
		list = append(list, fmt.Appendf(nil, "leaf %d", i))
	}
	return list
}

// The vectors of certificate transparency's reference implementation (RFC 6962, section 2.1.3 has the tree).
func TestVectors(t *testing.T) {
	for n := 1; n <= len(testonly.LeafInputs()); n++ {
		_, k, checkpoints := newLog(t, testonly.LeafInputs()[:n])
		c, _, _, err := f_log.ParseCheckpoint(checkpoints[len(checkpoints)-1], k.Verifier.Name(), k.Verifier)
		if err != nil || c.Size != uint64(n) || !bytes.Equal(c.Hash, testonly.RootHashes()[n]) {
			t.Errorf("%d leaves: %+v, %v", n, c, err)
		}
	}
}

// Every tile is what the specification says of it, and every bundle holds the entries.
func TestTiles(t *testing.T) {
	const size = 70_000 // of the specification's example: 273 full tiles and one of 112, a full one above and one of 17, and one of 1
	all := leaves(size)
	dir, _, _ := newLog(t, all)
	files := map[string]int{}
	err := filepath.Walk(filepath.Join(dir, "tile"), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			name, _ := filepath.Rel(dir, path)
			files[filepath.ToSlash(name)] = int(info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, bytes := range map[string]int{"tile/0/272": 8192, "tile/0/273.p/112": 112 * 32, "tile/1/000": 8192, "tile/1/001.p/17": 17 * 32, "tile/2/000.p/1": 32} {
		if files[path] != bytes {
			t.Errorf("%s has %d bytes, want %d", path, files[path], bytes)
		}
	}
	hasher := rfc6962.DefaultHasher
	for _, n := range []int{0, 1, 100, 272} {
		tile, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("tile/0/%03d", n)))
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("tile/entries/%03d", n)))
		if err != nil {
			t.Fatal(err)
		}
		r := (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(0)
		for i := range 256 {
			size := binary.BigEndian.Uint16(bundle)
			leaf := bundle[2 : 2+size]
			bundle = bundle[2+size:]
			if !bytes.Equal(leaf, all[256*n+i]) || !bytes.Equal(tile[32*i:32*i+32], hasher.HashLeaf(leaf)) {
				t.Fatalf("leaf %d of tile %d", i, n)
			}
			if err := r.Append(hasher.HashLeaf(leaf), nil); err != nil {
				t.Fatal(err)
			}
		}
		root, err := r.GetRootHash(nil)
		if err != nil {
			t.Fatal(err)
		}
		above, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("tile/1/%03d%s", n/256, map[int]string{0: "", 1: ".p/17"}[n/256])))
		if err != nil || !bytes.Equal(above[n%256*32:n%256*32+32], root) {
			t.Errorf("the tile above %d: %v", n, err)
		}
	}
}

// Proofs of inclusion are accepted, for their leaf only.
func TestInclusion(t *testing.T) {
	const size = 1308
	all := leaves(size)
	dir, k, _ := newLog(t, all)
	for _, index := range []int64{0, 1, 255, 256, 700, 1279, 1280, size - 1} {
		p, err := audit.Prove(os.DirFS(dir), k.Verifier, index)
		if err != nil {
			t.Fatal(err)
		}
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var theirs f_proof.TLogProof
		if err := theirs.Unmarshal(text); err != nil || !bytes.Equal(theirs.Marshal(), text) {
			t.Fatalf("%v: %s", err, text)
		}
		c, _, _, err := f_log.ParseCheckpoint(theirs.Checkpoint, k.Verifier.Name(), k.Verifier)
		if err != nil {
			t.Fatal(err)
		}
		var path [][]byte
		for _, h := range theirs.Hashes {
			path = append(path, h[:])
		}
		check := func(leaf []byte) error {
			return proof.VerifyInclusion(rfc6962.DefaultHasher, theirs.Index, c.Size, rfc6962.DefaultHasher.HashLeaf(leaf), path, c.Hash)
		}
		if err := check(all[index]); err != nil {
			t.Errorf("leaf %d: %v", index, err)
		}
		if check(all[(index+1)%size]) == nil {
			t.Errorf("leaf %d: another leaf is accepted", index)
		}
		var ours audit.Proof
		if err := ours.UnmarshalText(text); err != nil {
			t.Fatal(err)
		}
		if _, err := ours.Verify(all[index], k.Verifier); err != nil {
			t.Errorf("leaf %d: %v", index, err)
		}
		if _, err := ours.Verify(all[(index+1)%size], k.Verifier); err == nil {
			t.Errorf("leaf %d: another leaf is accepted by us", index)
		}
	}
}

// Each checkpoint is proved to extend each one before.
func TestConsistency(t *testing.T) {
	dir, k, checkpoints := newLog(t, leaves(1308))
	var list []audit.Checkpoint
	for _, c := range checkpoints {
		parsed, _, err := audit.OpenCheckpoint(c, k.Verifier)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, parsed)
	}
	for i, older := range list {
		for _, newer := range list[i:] {
			p, err := audit.ProveConsistency(os.DirFS(dir), newer, older)
			if err != nil {
				t.Fatal(err)
			}
			var path [][]byte
			for _, h := range p {
				path = append(path, h[:])
			}
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(older.Size), uint64(newer.Size), path, older.Root[:], newer.Root[:]); err != nil {
				t.Errorf("%d to %d: %v", older.Size, newer.Size, err)
			}
		}
	}
}

// A leaf is found by its time, in a few reads, wherever a clock has put it.
func TestFind(t *testing.T) {
	start := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	var all [][]byte
	for i := range 5000 {
		all = append(all, fmt.Appendf(nil, "%s %d", start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i))
	}
	all[4321] = fmt.Appendf(nil, "%s late", start.Add(4321*time.Second).Format(time.RFC3339)) // a stream that began early
	dir, k, _ := newLog(t, all)
	c, _, err := audit.Head(os.DirFS(dir), k.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]struct {
		since time.Time
		what  string
		want  int64
	}{
		"at its time": {start.Add(3000 * time.Second), "3000", 3000}, "the first": {start, "0", 0}, "the last": {start.Add(4999 * time.Second), "4999", 4999},
		"long after": {start.Add(10 * time.Second), "late", 4321}, "before": {start.Add(4900 * time.Second), "77", 77}, "never": {start, "none", -1},
	} {
		read := 0
		got, err := audit.Find(context.Background(), os.DirFS(dir), c, q.since, func(leaf []byte) (time.Time, bool) {
			read++
			at, rest, _ := bytes.Cut(leaf, []byte(" "))
			stamp, _ := time.Parse(time.RFC3339, string(at))
			return stamp, string(rest) == q.what
		})
		if got != q.want || (err != nil) != (q.want < 0) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
		if name == "at its time" && read > 600 {
			t.Errorf("%s: %d leaves were read", name, read)
		}
	}
}

func FuzzProof(f *testing.F) {
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\nx\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— x AAAA\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nx\n"))
	secret, _ := audit.NewKey("x")
	k, _ := audit.ParseKey(secret)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p audit.Proof
		if p.UnmarshalText(data) != nil {
			return
		}
		if _, err := p.Verify(nil, k.Verifier); err == nil {
			t.Fatal("a proof that nobody signed")
		}
		text, _ := p.MarshalText()
		var again audit.Proof
		if err := again.UnmarshalText(text); err != nil || again.Index != p.Index || len(again.Path) != len(p.Path) {
			t.Fatalf("%q is read as %q: %v", data, text, err)
		}
	})
}
