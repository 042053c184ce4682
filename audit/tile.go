package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiles have eight levels of the tree in them, and so 256 hashes at the bottom; bundles have as many entries.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// MaxLeaf bounds a leaf: its length is written in sixteen bits.
const MaxLeaf = 1<<16 - 1

// checkpointPath is the published checkpoint's.
const checkpointPath = "checkpoint"

// tilePath is where a tile of hashes stands in the folder. One of the full width has no width in its name.
func tilePath(level int, n int64, width int) string {
	return fmt.Sprintf("tile/%d/%s", level, numbered(n, width))
}

// bundlePath is where a bundle of entries stands.
func bundlePath(n int64, width int) string { return "tile/entries/" + numbered(n, width) }

// numbered writes n in groups of three digits, all but the last marked by x, so that a name is never both a file's and
// a folder's.
func numbered(n int64, width int) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if width < tileWidth {
		name = fmt.Sprintf("%s.p/%d", name, width)
	}
	return name
}

// widthOf is how much of tile n of a level a tree of the size has; 0: nothing.
func widthOf(level int, n, size int64) int {
	return int(min(max(size>>(tileHeight*level)-n*tileWidth, 0), tileWidth))
}

// readTile reads what a tree of the size has of a tile. Where a partial tile is gone, the whole one has taken its place.
func readTile(fsys fs.FS, level int, n int64, width int) ([]byte, string, error) {
	data, path, err := readPartial(fsys, width, func(w int) string { return tilePath(level, n, w) })
	if err == nil && len(data) < width*tlog.HashSize {
		return data, path, fmt.Errorf("%s is cut off", path)
	}
	return data[:min(len(data), width*tlog.HashSize)], path, err
}

func readPartial(fsys fs.FS, width int, name func(width int) string) ([]byte, string, error) {
	path := name(width)
	data, err := fs.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) && width < tileWidth {
		if whole, err := fs.ReadFile(fsys, name(tileWidth)); err == nil {
			return whole, name(tileWidth), nil
		}
	}
	return data, path, err
}

func hashesOf(data []byte) []tlog.Hash {
	list := make([]tlog.Hash, len(data)/tlog.HashSize)
	for i := range list {
		list[i] = tlog.Hash(data[i*tlog.HashSize:])
	}
	return list
}

func tileBytes(hashes []tlog.Hash) []byte {
	data := make([]byte, 0, len(hashes)*tlog.HashSize)
	for i := range hashes {
		data = append(data, hashes[i][:]...)
	}
	return data
}

// appendEntry appends a leaf to a bundle.
func appendEntry(bundle, leaf []byte) []byte {
	return append(binary.BigEndian.AppendUint16(bundle, uint16(len(leaf))), leaf...)
}

// readBundle reads the first width entries of bundle n. What is there is returned beside an error, too, if need be from
// the widest partial bundle that is left.
func readBundle(fsys fs.FS, n int64, width int) (entries [][]byte, path string, err error) {
	data, path, err := readPartial(fsys, width, func(w int) string { return bundlePath(n, w) })
	if errors.Is(err, fs.ErrNotExist) {
		left := widest(fsys, n)
		if left == 0 {
			return nil, path, err
		}
		path = bundlePath(n, left)
		data, err = fs.ReadFile(fsys, path)
	}
	if err != nil {
		return nil, path, err
	}
	for len(entries) < width && len(data) > 0 {
		if len(data) < 2 {
			return entries, path, fmt.Errorf("%s is cut off", path)
		}
		size := int(binary.BigEndian.Uint16(data))
		if len(data)-2 < size {
			return entries, path, fmt.Errorf("%s is cut off", path)
		}
		entries, data = append(entries, data[2:2+size:2+size]), data[2+size:]
	}
	if len(entries) < width {
		return entries, path, fmt.Errorf("%s has %d entries, not %d", path, len(entries), width)
	}
	return entries, path, nil
}

// widest is the width of the widest partial bundle n that is there; 0: none.
func widest(fsys fs.FS, n int64) (most int) {
	list, _ := fs.ReadDir(fsys, bundlePath(n, tileWidth)+".p")
	for _, e := range list {
		if width, err := strconv.Atoi(e.Name()); err == nil && width < tileWidth {
			most = max(most, width)
		}
	}
	return most
}

// tiles lets package tlog read the tiles of a folder; it proves each against the root of the tree before use.
type tiles struct{ fsys fs.FS }

func (t tiles) Height() int                     { return tileHeight }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, want := range list {
		data, path, err := readTile(t.fsys, want.L, want.N, want.W)
		if err != nil {
			return nil, fmt.Errorf("couldn't read %s: %w", path, err)
		}
		out[i] = data
	}
	return out, nil
}

// hashReader reads hashes of a checkpoint's tree that are proved against its root.
func hashReader(fsys fs.FS, c Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tiles{fsys})
}

// readFrontier reads the right edge of a checkpoint's tree, which is right if and only if it gives the root.
func readFrontier(fsys fs.FS, c Checkpoint) (*frontier, error) {
	f := &frontier{size: c.Size}
	for level := 0; c.Size>>(tileHeight*level) > 0; level++ {
		hashes := make([]tlog.Hash, 0, tileWidth)
		n := c.Size >> (tileHeight * (level + 1))
		if width := widthOf(level, n, c.Size); width > 0 {
			data, path, err := readTile(fsys, level, n, width)
			if err != nil {
				return nil, fmt.Errorf("couldn't read %s: %w", path, err)
			}
			hashes = append(hashes, hashesOf(data)...)
		}
		f.levels = append(f.levels, hashes)
	}
	if f.root() != c.Root {
		return nil, errors.New("the tiles of hashes do not belong to the checkpoint")
	}
	return f, nil
}
