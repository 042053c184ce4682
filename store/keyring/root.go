package keyring

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// root wraps the drawer keys. file is set where the key is ours to change.
type root struct {
	tink.AEAD
	file string
}

// RootFile is the name of the file with the root key, where the ring keeps it itself: one key a line, in base64. There
// are two only while one takes the place of the other.
const RootFile = "root.key"

// keySize is the size of every key here.
const keySize = 32

// rootOf is the root key that the options name. fresh allows to make one.
func rootOf(dir string, o Options, fresh bool) (root, error) {
	switch {
	case o.KMS != nil:
		return root{AEAD: o.KMS}, nil
	case o.Keys != "":
		keys, err := parseKeys(o.Keys)
		if err != nil {
			return root{}, err
		}
		primitive, err := keysetOf(keys)
		return root{AEAD: primitive}, err
	}
	file := filepath.Join(dir, RootFile)
	keys, err := readKeys(file)
	if errors.Is(err, fs.ErrNotExist) && fresh {
		keys, err = makeKeys(file)
	}
	if err != nil {
		return root{}, err
	}
	primitive, err := keysetOf(keys)
	return root{primitive, file}, err
}

// Shared is the operator's root key by itself, which several gateways may have, each with a ring of its own; nil where the ring
// keeps its root key.
func Shared(o Options) (tink.AEAD, error) {
	if o.KMS == nil && o.Keys == "" {
		return nil, nil
	}
	r, err := rootOf("", o, false)
	return r.AEAD, err
}

func parseKeys(text string) ([][]byte, error) {
	var keys [][]byte
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		key, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(key) != keySize {
			return nil, errors.New("a root key is 32 bytes in base64, as openssl rand -base64 32 makes them")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no root key")
	}
	return keys, nil
}

// keysetOf is a keyset of Tink's: the first key wraps, each opens what it has wrapped.
func keysetOf(keys [][]byte) (tink.AEAD, error) {
	parameters, err := aesgcm.NewParameters(aesgcm.ParametersOpts{KeySizeInBytes: keySize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantTink})
	if err != nil {
		return nil, err
	}
	m := keyset.NewManager()
	for i, k := range keys {
		made, err := aesgcm.NewKey(secretdata.NewBytesFromData(k, insecuresecretdataaccess.Token{}), keyID(k), parameters)
		if err != nil {
			return nil, err
		}
		id, err := m.AddKey(made)
		if err != nil {
			return nil, fmt.Errorf("a root key stands there twice: %w", err)
		}
		if i == 0 {
			err = m.SetPrimary(id)
		}
		if err != nil {
			return nil, err
		}
	}
	handle, err := m.Handle()
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}

// keyID is the number by which Tink finds the key of a ciphertext, which begins with 1 and it.
func keyID(key []byte) uint32 {
	sum := sha256.Sum256(append([]byte("sallyport root key id\x00"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// wrappedBy is the number of the key that made a ciphertext of a keyset.
func wrappedBy(ciphertext []byte) uint32 {
	if len(ciphertext) < 5 {
		return 0
	}
	return binary.BigEndian.Uint32(ciphertext[1:])
}

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	return key
}

func readKeys(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := parseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// makeKeys makes the first root key. Of two processes that start together, one's is taken by both.
func makeKeys(file string) ([][]byte, error) {
	draft, err := drafted(file, [][]byte{newKey()})
	if err != nil {
		return nil, err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKeys(file)
}

// writeKeys replaces the file, for good.
func writeKeys(file string, keys [][]byte) error {
	draft, err := drafted(file, keys)
	if err != nil {
		return err
	}
	if err := os.Rename(draft, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// drafted writes keys to a file beside the one that they are meant for, for the owner alone.
func drafted(file string, keys [][]byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(file), RootFile+".*") // 0600
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, k := range keys {
		text.WriteString(base64.StdEncoding.EncodeToString(k) + "\n")
	}
	_, err = f.WriteString(text.String())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// inUse keeps the keys that wrapped something.
func inUse(keys [][]byte, used map[uint32]bool) [][]byte {
	return slices.DeleteFunc(slices.Clone(keys), func(k []byte) bool { return !used[keyID(k)] })
}
