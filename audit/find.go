package audit

import (
	"context"
	"io/fs"
	"time"
)

// slack is how far apart two leaves may be that are appended at once by several goroutines, or by processes whose clock
// was set.
const slack = 2 * time.Second

// A Reading tells what Find needs to know of a leaf: when it was appended, and whether it is the one.
type Reading func(leaf []byte) (appended time.Time, wanted bool)

// Find returns the index of the leaf that is wanted, which was appended at the given time or later. Leaves stand in the
// order of their time, so it begins where that time is and looks on from there; only a leaf that a clock put elsewhere
// costs a look at the rest. What it returns is not proved: see [Leaf].
func Find(ctx context.Context, fsys fs.FS, c Checkpoint, since time.Time, read Reading) (int64, error) {
	bundles := (c.Size + tileWidth - 1) / tileWidth
	first := max(bundleSince(fsys, c, since, read)-1, 0)
	for n := first; n < bundles; n++ {
		if index, err := findIn(ctx, fsys, c, n, read); index >= 0 || err != nil {
			return index, err
		}
	}
	for n := first - 1; n >= 0; n-- {
		if index, err := findIn(ctx, fsys, c, n, read); index >= 0 || err != nil {
			return index, err
		}
	}
	return -1, ErrNotThere
}

func findIn(ctx context.Context, fsys fs.FS, c Checkpoint, n int64, read Reading) (int64, error) {
	entries, _, _ := readBundle(fsys, n, widthOf(0, n, c.Size)) // a damaged bundle is for Verify to tell
	for i, e := range entries {
		if _, wanted := read(e); wanted {
			return n*tileWidth + int64(i), nil
		}
	}
	return -1, ctx.Err()
}
