package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Proof shows that a leaf is in the log whose checkpoint it carries. It needs nothing else but the log's public key.
type Proof struct {
	Index      int64
	Path       tlog.RecordProof // from the leaf's sibling up
	Checkpoint []byte           // signed
}

// ErrNotThere is an index beyond the log's end.
var ErrNotThere = errors.New("the log has no such leaf")

// Head reads the published checkpoint of the log in a folder.
func Head(fsys fs.FS, key note.Verifier) (Checkpoint, []byte, error) {
	data, err := fs.ReadFile(fsys, checkpointPath)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("couldn't read the checkpoint: %w", err)
	}
	c, _, err := OpenCheckpoint(data, key)
	return c, data, err
}

// Prove makes the proof of a leaf, under the newest checkpoint that witnesses have cosigned if it covers the leaf, else
// under the newest one. Each hash that is read is proved against the checkpoint first.
func Prove(fsys fs.FS, key note.Verifier, index int64) (*Proof, error) {
	c, signed, err := Head(fsys, key)
	if err != nil {
		return nil, err
	}
	if data, err := fs.ReadFile(fsys, cosignedPath); err == nil {
		if cosigned, _, err := OpenCheckpoint(data, key); err == nil && cosigned.Size > index {
			c, signed = cosigned, data
		}
	}
	if index < 0 || index >= c.Size {
		return nil, fmt.Errorf("%w: %d of %d", ErrNotThere, index, c.Size)
	}
	path, err := tlog.ProveRecord(c.Size, index, hashReader(fsys, c))
	if err != nil {
		return nil, fmt.Errorf("couldn't prove leaf %d: %w", index, err)
	}
	return &Proof{index, path, signed}, nil
}

// Leaf reads a leaf of the log, and proves it against the checkpoint.
func Leaf(fsys fs.FS, c Checkpoint, index int64) ([]byte, error) {
	if index < 0 || index >= c.Size {
		return nil, fmt.Errorf("%w: %d of %d", ErrNotThere, index, c.Size)
	}
	entries, _, err := readBundle(fsys, index/tileWidth, widthOf(0, index/tileWidth, c.Size))
	if err != nil {
		return nil, fmt.Errorf("couldn't read leaf %d: %w", index, err)
	}
	leaf := entries[index%tileWidth]
	want, err := hashReader(fsys, c).ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err == nil && want[0] != tlog.RecordHash(leaf) {
		err = fmt.Errorf("leaf %d is not the one that was signed", index)
	}
	return leaf, err
}

// Verify demands that the leaf is where the proof says, in a log of the key. It returns the checkpoint that says so.
func (p *Proof) Verify(leaf []byte, key note.Verifier) (Checkpoint, error) {
	c, _, err := OpenCheckpoint(p.Checkpoint, key)
	if err != nil {
		return c, err
	}
	if p.Index < 0 || p.Index >= c.Size {
		return c, fmt.Errorf("%w: %d of %d", ErrNotThere, p.Index, c.Size)
	}
	if err := tlog.CheckRecord(p.Path, c.Size, c.Root, p.Index, tlog.RecordHash(leaf)); err != nil {
		return c, errors.New("the proof is not one of this leaf")
	}
	return c, nil
}

const proofHeader = "c2sp.org/tlog-proof@v1\n"

// MarshalText writes the proof as C2SP tlog-proof.
func (p *Proof) MarshalText() ([]byte, error) {
	b := fmt.Appendf(nil, "%sindex %d\n", proofHeader, p.Index)
	b = appendHashes(b, p.Path)
	return append(append(b, '\n'), p.Checkpoint...), nil
}

func appendHashes(b []byte, hashes []tlog.Hash) []byte {
	for i := range hashes {
		b = append(base64.StdEncoding.AppendEncode(b, hashes[i][:]), '\n')
	}
	return b
}

// UnmarshalText reads a C2SP tlog-proof. Extra data, which nothing vouches for, is passed over.
func (p *Proof) UnmarshalText(text []byte) error {
	rest, ok := bytes.CutPrefix(text, []byte(proofHeader))
	if !ok || len(text) > 2*maxNote {
		return errors.New("this is not a tlog-proof")
	}
	head, checkpoint, ok := bytes.Cut(rest, []byte("\n\n"))
	if !ok {
		return errors.New("malformed proof: it has no checkpoint")
	}
	lines := bytes.Split(head, []byte("\n"))
	if bytes.HasPrefix(lines[0], []byte("extra ")) {
		lines = lines[1:]
	}
	if len(lines) == 0 || len(lines) > 64 {
		return errors.New("malformed proof: a path has up to 63 hashes")
	}
	number, ok := bytes.CutPrefix(lines[0], []byte("index "))
	index, err := strconv.ParseInt(string(number), 10, 64)
	if !ok || err != nil || index < 0 || strconv.FormatInt(index, 10) != string(number) {
		return errors.New("malformed proof: it has no index")
	}
	var path tlog.RecordProof
	for _, line := range lines[1:] {
		h, err := parseHash(string(line))
		if err != nil {
			return fmt.Errorf("malformed proof: %w", err)
		}
		path = append(path, h)
	}
	*p = Proof{index, path, checkpoint}
	return nil
}

// ProveConsistency proves that the newer checkpoint's tree begins with the older one's (RFC 6962, section 2.1.2).
func ProveConsistency(fsys fs.FS, newer, older Checkpoint) (tlog.TreeProof, error) {
	if older.Size == 0 || older.Size == newer.Size {
		return nil, nil
	}
	return tlog.ProveTree(newer.Size, older.Size, hashReader(fsys, newer))
}

// extends demands that the log in the folder, of which newer is a checkpoint, has older in its past.
func extends(fsys fs.FS, newer, older Checkpoint) error {
	switch {
	case older.Size > newer.Size:
		return fmt.Errorf("it had %d leaves, and has %d", older.Size, newer.Size)
	case older.Size == 0:
		return nil
	case older.Size == newer.Size:
		if older.Root != newer.Root {
			return fmt.Errorf("its %d leaves are not those that were signed", older.Size)
		}
		return nil
	}
	proof, err := ProveConsistency(fsys, newer, older)
	if err != nil {
		return err
	}
	if tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root) != nil {
		return fmt.Errorf("its first %d leaves are not those that were signed", older.Size)
	}
	return nil
}
