package audit

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// A frontier is what of a growing tree is needed to go on: the hashes of the rightmost tile of each level, less than one
// tile's each. The tree of a million leaves has three levels.
type frontier struct {
	size   int64
	levels [][]tlog.Hash
}

// add appends the hash of a leaf. full is told of each tile that becomes whole, lower levels first; the hashes are valid
// during the call.
func (f *frontier) add(h tlog.Hash, full func(level int, n int64, hashes []tlog.Hash)) {
	f.size++
	f.push(0, h, full)
}

func (f *frontier) push(level int, h tlog.Hash, full func(int, int64, []tlog.Hash)) {
	if level == len(f.levels) {
		f.levels = append(f.levels, make([]tlog.Hash, 0, tileWidth))
	}
	f.levels[level] = append(f.levels[level], h)
	if len(f.levels[level]) < tileWidth {
		return
	}
	hashes := f.levels[level]
	if full != nil {
		full(level, f.size>>(tileHeight*(level+1))-1, hashes)
	}
	above := perfect(hashes)
	f.levels[level] = hashes[:0]
	f.push(level+1, above, full)
}

// root is the Merkle tree hash (RFC 6962, section 2.1). The tree is folded from the right: the perfect subtrees that
// make it up are smaller the further right they stand.
func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	var root *tlog.Hash
	for _, hashes := range f.levels {
		for w := len(hashes); w > 0; {
			part := w & -w
			h := perfect(hashes[w-part : w])
			if root != nil {
				h = tlog.NodeHash(h, *root)
			}
			root, w = &h, w-part
		}
	}
	return *root
}

// clone is a copy that may grow by itself.
func (f *frontier) clone() *frontier {
	c := &frontier{size: f.size}
	for _, hashes := range f.levels {
		c.levels = append(c.levels, append(make([]tlog.Hash, 0, tileWidth), hashes...))
	}
	return c
}

// perfect is the root over a power of two of hashes, which it leaves alone.
func perfect(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	row := slices.Clone(hashes)
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}
