package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"
)

// locate finds where the leaves differ from what was signed. What can be known depends on which tiles of hashes still
// belong to the signed checkpoint: those name each leaf; where only tiles further up do, they name a range; and where all
// were written anew, there are only the checkpoints that somebody kept.
func (w *walk) locate(ctx context.Context, past []Checkpoint) error {
	size := w.checkpoint.Size
	signed := hashReader(w.fsys, w.checkpoint)
	a := newAligner(0, size, w.report)
	unknown := false
	start := max(w.suspect, 0)
	a.at = start * tileWidth
	for n := start; n*tileWidth < size; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, path, err := w.kept(n)
		if unreadable(err) {
			return err
		}
		want, known := signedHashes(signed, n, widthOf(0, n, size))
		if !known {
			a.end()
			unknown = !w.above(signed, n, got) || unknown
			a.at = min((n+1)*tileWidth, size)
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			n = w.missing(a, n, path)
			continue
		}
		a.feed(got, want)
	}
	a.end()
	if unknown {
		w.rewritten(past)
	}
	return nil
}

// signedHashes are those of the leaves of a bundle, where the tiles still prove them.
func signedHashes(signed tlog.HashReader, n int64, width int) ([]tlog.Hash, bool) {
	indexes := make([]int64, width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, n*tileWidth+int64(i))
	}
	hashes, err := signed.ReadHashes(indexes)
	return hashes, err == nil
}

// missing tells of bundles that are not there from n on, and returns the last of them.
func (w *walk) missing(a *aligner, n int64, path string) (last int64) {
	a.end()
	size := w.checkpoint.Size
	for last = n; (last+1)*tileWidth < size; last++ {
		if _, _, err := w.kept(last + 1); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	end := min((last+1)*tileWidth, size)
	f := Finding{Kind: Deleted, Index: n * tileWidth, Count: end - n*tileWidth, File: path, Detail: "the file of these leaves is missing"}
	if end == size {
		f.Kind, f.Detail = Truncated, "the files of these leaves, up to the end, are missing"
		if before := w.report.last(); before.Kind == Deleted && before.Index+before.Count == f.Index {
			before.Kind, before.Count, before.File, before.Detail = f.Kind, before.Count+f.Count, f.File, f.Detail
			a.at = end
			return last
		}
	}
	w.report.add(f)
	a.at = end
	return last
}

// above judges a bundle whose tile of hashes is not the signed one, by the tiles above it. It is false where these are
// not the signed ones either.
func (w *walk) above(signed tlog.HashReader, n int64, got []tlog.Hash) bool {
	width := widthOf(0, n, w.checkpoint.Size)
	f := Finding{Index: n * tileWidth, Count: int64(width), File: bundlePath(n, width)}
	if len(got) < width {
		f.Kind, f.Detail = Deleted, fmt.Sprintf("%d of these leaves are missing, or as many before them, and the hashes were changed, too", width-len(got))
		w.report.add(f)
	}
	want, err := signed.ReadHashes([]int64{tlog.StoredHashIndex(tileHeight, n)})
	if err != nil || width < tileWidth {
		return false
	}
	if len(got) == width && perfect(got) != want[0] {
		f.Kind, f.Detail = Edited, "some of these leaves, and their hashes, are not those that were signed"
		w.report.add(f)
	}
	return true
}

// rewritten tells of leaves that were changed together with every tile above them: only the checkpoint still tells. What
// was kept of the past narrows the place.
func (w *walk) rewritten(past []Checkpoint) {
	from, to := int64(0), w.checkpoint.Size
	for _, p := range past {
		if p.Size > w.leaves.size || p.Size > to {
			continue
		}
		if w.past[p.Size] == p.Root {
			from = max(from, p.Size)
		} else {
			to = min(to, p.Size)
		}
	}
	w.report.add(Finding{Kind: Rewritten, Index: from, Count: to - from, Detail: "somebody changed leaves and every hash above them, and could not sign: the checkpoint disagrees, and which of these leaves it are is not known"})
}
