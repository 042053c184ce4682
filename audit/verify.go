package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Verification says what a log is measured against: the public key of the log, which the auditor has from elsewhere,
// and what is remembered of its past.
type Verification struct {
	Key note.Verifier
	// Since is a checkpoint, signed by the key, that the auditor kept from an earlier time; nil: none.
	Since []byte
	// Witnesses are the keys of those of whom Quorum (0: all) must have cosigned.
	Witnesses []note.Verifier
	Quorum    int
	// Progress is called now and then.
	Progress func(done, all int64)
}

// A Report is what Verify found.
type Report struct {
	Origin   string    `json:"origin"`
	Size     int64     `json:"size"` // leaves under the checkpoint
	Root     tlog.Hash `json:"root"`
	Since    int64     `json:"since,omitempty"`    // size of the log that was remembered
	Cosigned int64     `json:"cosigned,omitempty"` // size of the log that enough witnesses have seen
	Pruned   int64     `json:"pruned,omitempty"`   // the log's key says that so many of the first leaves were deleted; their hashes are there, and belong to the tree
	Beyond   bool      `json:"beyond,omitempty"`   // there are leaves beyond the checkpoint: a commit is going on, or ended by a crash, or an older checkpoint was put back
	Findings []Finding `json:"findings"`
	More     int       `json:"more,omitempty"` // findings that are not listed
}

// Verify recomputes the tree of a log from its leaves and compares it with every tile, with the signed checkpoint and with
// what is remembered. It reads each file once, twice where something is wrong, and holds a few tiles at a time. The error
// is of what could not be judged: a disk that fails, ctx that ends. A log that is not what was signed has findings.
func Verify(ctx context.Context, fsys fs.FS, v Verification) (*Report, error) {
	r := &Report{Findings: []Finding{}}
	past, err := v.past(fsys, r) // before the checkpoint: it may grow meanwhile, never shrink
	if err != nil {
		return nil, err
	}
	c, _, err := Head(fsys, v.Key)
	if err != nil {
		if c, err = unsigned(r, past, err); err != nil || c.Origin == "" {
			return r, err
		}
	}
	r.Origin, r.Size, r.Root = c.Origin, c.Size, c.Root
	pruned, err := Pruned(fsys, v.Key)
	if unreadable(err) {
		return nil, err
	}
	if err != nil {
		r.add(Finding{Kind: Unsigned, File: prunedPath, Detail: err.Error()})
	}
	r.Pruned = min(pruned, c.Size)
	w := &walk{fsys: fsys, checkpoint: c, pruned: r.Pruned, report: r, leaves: &frontier{}, whole: true, suspect: -1, past: map[int64]tlog.Hash{}}
	for _, p := range past {
		w.past[p.Size] = tlog.Hash{}
	}
	if err := w.run(ctx, v.Progress); err != nil {
		return nil, err
	}
	return r, w.judge(ctx, past)
}

// unsigned tells that there is no checkpoint of the log's. What was remembered then stands for it.
func unsigned(r *Report, past []Checkpoint, err error) (Checkpoint, error) {
	f := Finding{Kind: Unsigned, File: checkpointPath, Detail: err.Error()}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Kind, f.Detail = Deleted, "there is no checkpoint"
	case unreadable(err):
		return Checkpoint{}, err
	}
	r.add(f)
	if len(past) == 0 {
		return Checkpoint{}, nil
	}
	return slices.MaxFunc(past, func(a, b Checkpoint) int { return int(min(max(a.Size-b.Size, -1), 1)) }), nil
}

// past is what is remembered: by the auditor and by witnesses.
func (v Verification) past(fsys fs.FS, r *Report) (list []Checkpoint, err error) {
	if v.Since != nil {
		c, _, err := OpenCheckpoint(v.Since, v.Key)
		if err != nil {
			return nil, fmt.Errorf("the checkpoint that was kept: %w", err)
		}
		list, r.Since = append(list, c), c.Size
	}
	if len(v.Witnesses) == 0 {
		return list, nil
	}
	quorum := v.Quorum
	if quorum <= 0 {
		quorum = len(v.Witnesses)
	}
	data, err := fs.ReadFile(fsys, cosignedPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	c, n, err := OpenCheckpoint(data, v.Key, v.Witnesses...)
	seen := 0
	for _, w := range v.Witnesses {
		if err == nil && signedBy(n, w) {
			seen++
		}
	}
	if seen < quorum {
		r.add(Finding{Kind: Unseen, File: cosignedPath, Detail: fmt.Sprintf("%d of %d witnesses have cosigned, and %d are asked for", seen, len(v.Witnesses), quorum)})
		return list, nil
	}
	r.Cosigned = c.Size
	return append(list, c), nil
}

// A walk is one pass over a log.
type walk struct {
	fsys       fs.FS
	checkpoint Checkpoint
	pruned     int64 // leaves before this index may be gone
	report     *Report
	leaves     *frontier           // of the leaves that are there
	whole      bool                // every bundle could be read
	suspect    int64               // the first bundle that is not what a tile says; -1: none
	past       map[int64]tlog.Hash // root of the leaves at each size that is remembered
	damaged    []Finding           // files of hashes that are not those of the leaves
}

func (w *walk) run(ctx context.Context, progress func(int64, int64)) error {
	size := w.checkpoint.Size
	w.mark()
	for n := int64(0); n*tileWidth < size; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.bundle(n); err != nil {
			return err
		}
		if progress != nil && n%256 == 0 {
			progress(n*tileWidth, size)
		}
	}
	for level, hashes := range w.leaves.levels {
		if w.whole && len(hashes) > 0 {
			w.tile(level, w.leaves.size>>(tileHeight*(level+1)), hashes)
		}
	}
	w.report.Beyond = beyond(w.fsys, size)
	return nil
}

// bundle reads one bundle of entries. Tiles are compared as they become whole.
func (w *walk) bundle(n int64) error {
	if !w.whole { // there is no tree of these any more
		return nil
	}
	hashes, _, err := w.kept(n)
	if unreadable(err) {
		return err
	}
	if err != nil {
		w.whole = false
		w.suspects(n)
		return nil
	}
	for _, h := range hashes {
		w.leaves.add(h, w.tile)
		w.mark()
	}
	return nil
}

// unreadable tells of a disk that fails, as opposed to a file that is missing or wrong.
func unreadable(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && !errors.Is(err, fs.ErrNotExist)
}

// mark remembers the root where somebody remembers one of this size.
func (w *walk) mark() {
	if _, asked := w.past[w.leaves.size]; asked {
		w.past[w.leaves.size] = w.leaves.root()
	}
}

func (w *walk) suspects(bundle int64) {
	if w.suspect < 0 || bundle < w.suspect {
		w.suspect = bundle
	}
}

// tile compares a tile of hashes with the file.
func (w *walk) tile(level int, n int64, hashes []tlog.Hash) {
	data, path, err := readTile(w.fsys, level, n, len(hashes))
	first := n * tileWidth << (tileHeight * level)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.damage(Finding{Kind: Deleted, Index: first, File: path, Detail: "the file of hashes is missing; the leaves are whole"})
	case err != nil:
		w.damage(Finding{Kind: Edited, Index: first, File: path, Detail: "the file of hashes cannot be read; the leaves are whole"})
	default:
		for i, h := range hashesOf(data) {
			if h != hashes[i] {
				at := first + int64(i)<<(tileHeight*level)
				w.suspects(at / tileWidth)
				w.damage(Finding{Kind: Edited, Index: at, File: path, Detail: fmt.Sprintf("hash %d of the file is wrong; the leaves are whole", i)})
				break
			}
		}
	}
}

func (w *walk) damage(f Finding) {
	if len(w.damaged) < maxFindings {
		w.damaged = append(w.damaged, f)
	}
}

// judge compares what was found with what was signed.
func (w *walk) judge(ctx context.Context, past []Checkpoint) error {
	c := w.checkpoint
	right := w.whole && w.leaves.root() == c.Root
	if right {
		for _, f := range w.damaged {
			w.report.add(f)
		}
	} else if err := w.locate(ctx, past); err != nil {
		return err
	}
	for _, p := range past {
		switch {
		case p.Size > c.Size:
			w.report.add(Finding{Kind: RolledBack, Index: c.Size, Count: p.Size - c.Size, Detail: fmt.Sprintf("%d leaves had been signed, and the log has %d", p.Size, c.Size)})
		case right && w.past[p.Size] != p.Root:
			w.report.add(Finding{Kind: Forked, Index: 0, Count: p.Size, File: checkpointPath, Detail: fmt.Sprintf("the log's key has signed its first %d leaves with other content before", p.Size)})
		}
	}
	return nil
}

// beyond tells whether there are leaves that the checkpoint does not cover.
func beyond(fsys fs.FS, size int64) bool {
	n := size / tileWidth
	if _, err := fs.Stat(fsys, bundlePath(n, tileWidth)); err == nil {
		return true
	}
	return int64(widest(fsys, n)) > size%tileWidth
}
