package store

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Names seals what tells of persons in rows that are looked up by other means than a person's own key, such as whose an API
// key is. There is one key for all of them, in the store itself, wrapped by one that is not: whoever has only the database, or
// a copy of it, reads no name. It is safe for concurrent use.
type Names struct {
	key  []byte
	tags []byte
	aead tink.AEAD
}

// ErrLocked says that the store has sealed names, and this process not what opens them.
var ErrLocked = errors.New("the names in the store are sealed by keys that are not here" + lockedHint)

const lockedHint = "\n    hint: those are in store.keys, of PostgreSQL it is store.key or store.kms, which all its gateways share; docs/store.md says what to do where they are lost"

// namesKey is the setting that has the wrapped key, and what that is bound to.
const namesKey = "names.key"

// UnlockNames opens the key of names by whatever wrapped it. Where there is none yet, one is made if fresh says so; nil for
// root makes and opens none, and is an error only where there is one. It comes before any other use of the store.
func (s *Store) UnlockNames(ctx context.Context, root tink.AEAD, fresh bool) error {
	wrapped, err := s.wrappedNames(ctx)
	if err == nil && wrapped == nil && fresh && root != nil {
		wrapped, err = s.makeNames(ctx, root)
	}
	switch {
	case err != nil || wrapped == nil:
		return err
	case root == nil:
		return ErrLocked
	}
	key, err := root.Decrypt(wrapped, []byte(namesKey))
	if err != nil {
		return fmt.Errorf("couldn't open the key of the names in the store: %w%s", err, lockedHint)
	}
	s.names, err = newNames(key)
	return err
}

// RewrapNames has the key of names wrapped anew by root, whose first key may have changed.
func (s *Store) RewrapNames(ctx context.Context, root tink.AEAD) error {
	if s.names == nil {
		return nil
	}
	wrapped, err := root.Encrypt(s.names.key, []byte(namesKey))
	if err == nil {
		_, err = s.db.ExecContext(ctx, `UPDATE settings SET value = $1 WHERE key = $2`, base64.StdEncoding.EncodeToString(wrapped), namesKey)
	}
	if err != nil {
		return fmt.Errorf("couldn't wrap the key of the names in the store anew: %w", err)
	}
	return nil
}

// Names is what [Store.UnlockNames] opened; nil where names stand in clear, or are not to be read here.
func (s *Store) Names() *Names { return s.names }

// Sealing is [Store.Names] for who writes: it is [ErrLocked] where the store has sealed names and this process cannot seal.
func (s *Store) Sealing(ctx context.Context) (*Names, error) {
	if s.names != nil {
		return s.names, nil
	}
	sealed, err := s.HasNames(ctx)
	if err == nil && sealed {
		err = ErrLocked
	}
	return nil, err
}

// HasNames reports whether the store seals names.
func (s *Store) HasNames(ctx context.Context) (bool, error) {
	wrapped, err := s.wrappedNames(ctx)
	return wrapped != nil, err
}

func (s *Store) wrappedNames(ctx context.Context) ([]byte, error) {
	var text string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM settings WHERE key = $1`, namesKey).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	wrapped, decodeErr := base64.StdEncoding.DecodeString(text)
	if err := errors.Join(err, decodeErr); err != nil {
		return nil, fmt.Errorf("couldn't read the key of the names in the store: %w", err)
	}
	return wrapped, nil
}

// makeNames makes the key. Of two gateways that start together, one's is taken by both.
func (s *Store) makeNames(ctx context.Context, root tink.AEAD) ([]byte, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	wrapped, err := root.Encrypt(key, []byte(namesKey))
	if err == nil {
		_, err = s.db.ExecContext(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, namesKey, base64.StdEncoding.EncodeToString(wrapped))
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't keep a key of the names in the store: %w", err)
	}
	return s.wrappedNames(ctx)
}

func newNames(key []byte) (*Names, error) {
	sealing, err := hkdf.Expand(sha256.New, key, "sallyport names: seal", sha256.Size)
	if err != nil {
		return nil, err
	}
	n := &Names{key: key}
	if n.tags, err = hkdf.Expand(sha256.New, key, "sallyport names: tag", sha256.Size); err != nil {
		return nil, err
	}
	n.aead, err = subtle.NewAESGCM(sealing)
	return n, err
}

// Seal seals a name for its place, where alone it opens: the table, and what identifies the row. A key is good for 2^32
// names (NIST SP 800-38D).
func (n *Names) Seal(name []byte, place string) ([]byte, error) {
	sealed, err := n.aead.Encrypt(name, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("couldn't seal a name: %w", err)
	}
	return sealed, nil
}

// Open returns what was sealed for the place.
func (n *Names) Open(sealed []byte, place string) ([]byte, error) {
	name, err := n.aead.Decrypt(sealed, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("couldn't open a sealed name: %w", err)
	}
	return name, nil
}

// Tag stands for a name of some kind where rows are found by it: HMAC-SHA256, of which it has 128 bits. Without the key
// nobody can try whether it is somebody's.
func (n *Names) Tag(kind, name string) string {
	h := hmac.New(sha256.New, n.tags)
	h.Write([]byte(kind + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
