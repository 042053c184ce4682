package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What a log keeps of old leaves is their hashes: bundles of entries are deleted, tiles are not. tlog-tiles ("Pruning") lets a log
// make bundles and tiles of a prefix unavailable, those that end at or before a minimum index, where there is a policy that says
// when: audit.retention. It recommends to refuse them rather than to delete them, which is for logs of what is public anyway; a
// retention that deletes nothing would be none. How clients learn the minimum index it leaves open: here it is signed. Since tiles
// stay, more holds than it asks for: every checkpoint, old or new, is as verifiable as before, a leaf that somebody kept is as
// provable, and whoever deletes more than the log's key has signed away is found.

// prunedPath is the signed word on how many leaves are gone: the minimum index of tlog-tiles.
const prunedPath = "pruned"

// prunedText is what is signed: the log, and the number of its first leaf that is still there.
func prunedText(origin string, first int64) string {
	return fmt.Sprintf("%s/pruned\n%d\n", origin, first)
}

// Pruned reads how many leaves of the log in a folder were deleted by intent: all before the returned index. Without the
// signature of the log's key it is an error.
func Pruned(fsys fs.FS, key note.Verifier) (int64, error) {
	data, err := fs.ReadFile(fsys, prunedPath)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if len(data) > maxNote {
		return 0, errors.New("the word on what was pruned is too large")
	}
	n, err := note.Open(data, note.VerifierList(key))
	if err != nil {
		return 0, fmt.Errorf("the word on what was pruned is not signed by the log's key: %w", err)
	}
	number, ok := strings.CutPrefix(n.Text, key.Name()+"/pruned\n")
	first, err := strconv.ParseInt(strings.TrimSuffix(number, "\n"), 10, 64)
	if !ok || err != nil || n.Text != prunedText(key.Name(), first) || first < 0 || first%tileWidth != 0 {
		return 0, errors.New("malformed word on what was pruned")
	}
	return first, nil
}

// Old tells how many of the first leaves, in whole bundles, were appended before a time and are not pruned yet, as the index
// of the leaf after them; 0: none.
func (l *Log) Old(at time.Time, read Reading) (int64, error) {
	c, _, err := Head(l.fsys, l.o.Key.Verifier)
	if err != nil {
		return 0, err
	}
	was, err := Pruned(l.fsys, l.o.Key.Verifier)
	if err != nil {
		return 0, err
	}
	if before := since(l.fsys, c, at, read); before > was {
		return before, nil
	}
	return 0, nil
}

// since is the index of a leaf before which every leaf was appended before a time: the first of a bundle.
func since(fsys fs.FS, c Checkpoint, at time.Time, read Reading) int64 {
	return max(bundleSince(fsys, c, at, read)-1, 0) * tileWidth
}

// bundleSince is the first bundle that begins later than that. Leaves stand in the order of their time; what cannot be
// read is old.
func bundleSince(fsys fs.FS, c Checkpoint, at time.Time, read Reading) int64 {
	bundles := (c.Size + tileWidth - 1) / tileWidth
	return int64(sort.Search(int(bundles), func(n int) bool {
		entries, _, err := readBundle(fsys, int64(n), 1)
		if err != nil || len(entries) == 0 {
			return false
		}
		appended, _ := read(entries[0])
		return appended.After(at.Add(-slack))
	}))
}

// Prune deletes the leaves before an index, which is rounded down to whole bundles, and signs that it did, first. Hashes
// stay. It returns how many leaves are gone in all. After a crash the rest is deleted the next time.
func (l *Log) Prune(before int64) (first int64, err error) {
	err = l.locked(func() error {
		c, _, err := Head(l.fsys, l.o.Key.Verifier)
		if err != nil {
			return err
		}
		was, err := Pruned(l.fsys, l.o.Key.Verifier)
		if err != nil {
			return err
		}
		first = max(min(before, c.Size)/tileWidth*tileWidth, was)
		if first > was {
			signed, err := note.Sign(&note.Note{Text: prunedText(l.o.Key.Signer.Name(), first)}, l.o.Key.Signer)
			if err != nil {
				return err
			}
			if err := replace(filepath.Join(l.o.Dir, prunedPath), signed); err != nil {
				return err
			}
		}
		return l.deleteBundles(first / tileWidth)
	})
	if err != nil {
		return first, fmt.Errorf("couldn't prune the audit log: %w", err)
	}
	return first, nil
}

// deleteBundles deletes those before the end, from there back to the first that is gone with its neighbour.
func (l *Log) deleteBundles(end int64) error {
	missing := 0
	for n := end - 1; n >= 0 && missing < 2; n-- {
		path := filepath.Join(l.o.Dir, filepath.FromSlash(bundlePath(n, tileWidth)))
		err := os.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing++
		} else if err != nil {
			return err
		}
		if err := os.RemoveAll(path + ".p"); err != nil {
			return err
		}
	}
	return nil
}

// kept are the hashes of a bundle's leaves: of its entries, or, where these were pruned, what the tile says.
func (w *walk) kept(n int64) ([]tlog.Hash, string, error) {
	width := widthOf(0, n, w.checkpoint.Size)
	entries, path, err := readBundle(w.fsys, n, width)
	if errors.Is(err, fs.ErrNotExist) && n*tileWidth < w.pruned {
		data, path, err := readTile(w.fsys, 0, n, width)
		return hashesOf(data), path, err
	}
	list := make([]tlog.Hash, len(entries))
	for i, e := range entries {
		list[i] = tlog.RecordHash(e)
	}
	return list, path, err
}
