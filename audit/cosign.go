package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// algorithm of a timestamped Ed25519 cosignature, among the signature types of C2SP signed-note.
const algCosignature = 4

// cosigner verifies cosignatures of one witness (C2SP tlog-cosignature, Ed25519).
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// NewCosigner reads the verifier key of a witness, "name+hash+base64" with signature type 4.
func NewCosigner(vkey string) (note.Verifier, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, encoded, ok := strings.Cut(rest, "+")
	id, err := strconv.ParseUint(hash, 16, 32)
	data, decodeErr := base64.StdEncoding.DecodeString(encoded)
	if !ok || name == "" || err != nil || decodeErr != nil || len(hash) != 8 || len(data) != 1+ed25519.PublicKeySize || data[0] != algCosignature {
		return nil, errors.New("this is not the verifier key of a witness: name+hash+base64, with signature type 4")
	}
	if keyID(name, data) != uint32(id) {
		return nil, errors.New("the verifier key of the witness is damaged: its hash is not that of its name and key")
	}
	return &cosigner{name, uint32(id), data[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

// Verify checks a cosignature over the text of a checkpoint: eight octets of time, then the signature.
func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	message := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text)
	return at <= 1<<63-1 && ed25519.Verify(c.key, message, signature[8:])
}
