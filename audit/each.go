package audit

import (
	"context"
	"io/fs"
)

// Each hands on the leaves from an index on, in their order, until do returns an error. Leaves that were pruned or cannot be read are
// passed over: that they are missing is for [Verify] to tell. What it hands on is not proved: see [Leaf].
func Each(ctx context.Context, fsys fs.FS, c Checkpoint, from int64, do func(index int64, leaf []byte) error) error {
	for n := from / tileWidth; n*tileWidth < c.Size; n++ {
		entries, _, _ := readBundle(fsys, n, widthOf(0, n, c.Size))
		for i, leaf := range entries {
			index := n*tileWidth + int64(i)
			if index < from {
				continue
			}
			if err := do(index, leaf); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
