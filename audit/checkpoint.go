package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint is the head of a log's tree at one time: what its key signs (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// ErrUnsigned is a checkpoint that the given key has not signed.
var ErrUnsigned = errors.New("the checkpoint is not signed by the log's key")

// text is the signed text.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

func (c Checkpoint) sign(key note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, key)
}

// maxNote bounds a signed note that is read: sixteen signatures and more fit.
const maxNote = 64 << 10

// OpenCheckpoint parses a checkpoint and demands the signature of the log's key, whose name is the origin. Signatures of
// others, such as witnesses, are verified and returned in the note; those of unknown keys are ignored.
func OpenCheckpoint(signed []byte, key note.Verifier, others ...note.Verifier) (Checkpoint, *note.Note, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, nil, errors.New("the checkpoint is too large")
	}
	n, err := note.Open(signed, note.VerifierList(append([]note.Verifier{key}, others...)...))
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	if !signedBy(n, key) {
		return Checkpoint{}, nil, ErrUnsigned
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != key.Name() {
		err = fmt.Errorf("the checkpoint is of the log %q, the key of %q", c.Origin, key.Name())
	}
	return c, n, err
}

func signedBy(n *note.Note, key note.Verifier) bool {
	for _, s := range n.Sigs {
		if s.Name == key.Name() && s.Hash == key.KeyHash() {
			return true
		}
	}
	return false
}

// parseCheckpoint reads the text of a note. Lines after the third are extensions, which mean nothing here.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, errors.New("malformed checkpoint: it has fewer than three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("malformed checkpoint: %q is not a size", lines[1])
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("malformed checkpoint: %w", err)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(lines[3], "\n"), "\n") {
		if line == "" && lines[3] != "" {
			return Checkpoint{}, errors.New("malformed checkpoint: an extension line is empty")
		}
	}
	return Checkpoint{lines[0], size, root}, nil
}

func parseHash(line string) (h tlog.Hash, err error) {
	data, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(data) != len(h) {
		return h, fmt.Errorf("%q is not a hash", line)
	}
	return tlog.Hash(data), nil
}
