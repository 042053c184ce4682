package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A Key signs the checkpoints of one log; its name is the log's origin.
type Key struct {
	Signer   note.Signer
	Verifier note.Verifier
	Public   string // the verifier key, for auditors: "name+hash+base64"
}

// NewKey makes the secret text of a key. A name has neither spaces nor plus signs, and is no other log's.
func NewKey(name string) (string, error) {
	secret, _, err := note.GenerateKey(rand.Reader, name)
	return secret, err
}

// ParseKey reads the secret text of a key ("PRIVATE+KEY+name+hash+base64").
func ParseKey(secret string) (k Key, err error) {
	secret = strings.TrimSpace(secret)
	if k.Signer, err = note.NewSigner(secret); err != nil {
		return k, errors.New("this is not the signing key of an audit log: PRIVATE+KEY+name+hash+base64") // the library's error has nothing to add, and the text is secret
	}
	parts := strings.SplitN(secret, "+", 5) // base64 may have a plus, too
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return k, errors.New("the signing key of the audit log is damaged")
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if k.Public, err = note.NewEd25519VerifierKey(k.Signer.Name(), public); err != nil {
		return k, err
	}
	k.Verifier, err = note.NewVerifier(k.Public)
	return k, err
}

// OpenKey reads the key in a file that only its owner may read, or makes it there, with that name. Two processes that make
// it at once get the same.
func OpenKey(path, name string) (k Key, made bool, err error) {
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path, name); err != nil {
			return k, false, fmt.Errorf("couldn't make the audit log's key: %w", err)
		}
		made = true
		secret, err = os.ReadFile(path)
	}
	if err != nil {
		return k, false, fmt.Errorf("couldn't read the audit log's key: %w", err)
	}
	k, err = ParseKey(string(secret))
	return k, made, err
}

func makeKey(path, name string) error {
	secret, err := NewKey(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(secret + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// keyID is the hash in the name of a key (C2SP signed-note): typed is the signature type and the public key.
func keyID(name string, typed []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
	return binary.BigEndian.Uint32(sum[:])
}
