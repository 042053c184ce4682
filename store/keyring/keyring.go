// Package keyring keeps a data key for each person, so that what was sealed for somebody, wherever it went, can be made
// unreadable at once by destroying one key.
//
// Three layers, all AES-256-GCM by Tink: a root key wraps 256 drawer keys, a drawer key wraps the data keys of the
// subjects that fall into it, and a data key seals. Sealed bytes name their data key by a random number, never the
// subject; the ring finds a subject's key by an HMAC of the name, so that it names nobody either.
//
// To erase a subject is to delete its data key, to wrap the rest of its drawer under a new drawer key and all drawers
// under a new root key, and to destroy the old one. An older copy of the ring is worthless then: what would open it is
// gone. (Where the root key is the operator's, in a file, the environment or a [Transit], that holds once it was changed
// there, too: [Ring.Foreign].) The folder belongs in no backup of the data: whoever restores an old ring with its root key has undone
// every erasure since, until somebody who remembers them calls [Ring.EraseAgain]; and whoever has both has everything.
//
// Several processes may have one ring open. What one erases, another stops using within [Lag].
package keyring

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
	_ "modernc.org/sqlite" // the driver, pure Go
)

// ErrErased says that the key of sealed bytes is not in the ring: it was destroyed, and they are unreadable for ever.
var ErrErased = errors.New("the key of this data was destroyed")

// ErrUnknown says that a subject has no key: nothing was sealed for it.
var ErrUnknown = errors.New("nothing is kept under this subject's name")

// Lag is how long another process may go on with a key that was erased.
const Lag = time.Second

// DefaultLimit is how many subjects have a key of their own; a ring of so many takes about 300 MB.
const DefaultLimit = 2_000_000

// Options say where the root key is. The zero Options keep it in the folder, in a file for the owner alone.
type Options struct {
	Keys  string    // root keys of the operator: 32 bytes each in base64, separated by spaces or commas; the first wraps, all of them open
	KMS   tink.AEAD // in place of Keys, a key that never leaves a key management service: a [Transit]
	Limit int       // subjects with a key of their own, 0 is [DefaultLimit]; who comes later shares one with a few others, and is erased with them
}

// File is the name of the ring in its folder.
const File = "ring.db"

// A Ring is an open key ring. It is safe for concurrent use.
type Ring struct {
	db     *sql.DB
	root   root
	pepper []byte
	limit  int

	lookup  sync.Mutex // one lookup in the database at a time
	drawers map[byte]drawer
	count   int

	keys    cache
	checked atomic.Int64 // when the epoch was read, Unix nanoseconds
	epoch   atomic.Int64 // grows with every erasure, of whatever process
}

// Open opens the ring in dir, creating both where they are not there. It fails where the ring exists and its root key
// does not: nothing could be read, and a new key would hide that.
func Open(dir string, o Options) (*Ring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't create the folder of keys: %w", err)
	}
	r := &Ring{limit: o.Limit, drawers: map[byte]drawer{}}
	if r.limit <= 0 {
		r.limit = DefaultLimit
	}
	var err error
	if r.db, err = open(filepath.Join(dir, File)); err != nil {
		return nil, fmt.Errorf("couldn't open the ring of keys: %w", err)
	}
	if err := r.unlock(context.Background(), dir, o); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't open the ring of keys in %s: %w", dir, err), r.db.Close())
	}
	return r, nil
}

// Ready opens every drawer, and makes those that are not there, so that a key management service is asked for them now and
// not when traffic needs them.
func (r *Ring) Ready(ctx context.Context) error {
	r.lookup.Lock()
	defer r.lookup.Unlock()
	err := r.change(ctx, func(tx *sql.Tx) error {
		for n := range 256 {
			if _, err := r.drawer(ctx, tx, byte(n), true); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't open the ring of keys: %w", err)
	}
	return nil
}

// Close forgets the keys.
func (r *Ring) Close() error {
	r.keys.purge()
	return r.db.Close()
}

// Sealed bytes are a version, the number of the data key, and what Tink's AES-GCM makes of the plain ones: a random
// nonce, the ciphertext, the tag. The first two are authenticated with it.
const (
	version = 1
	header  = 1 + 8
)

// Seal seals plain for the subject, whose key is made on first use. A key is good for 2^32 messages (NIST SP 800-38D).
func (r *Ring) Seal(subject string, plain []byte) ([]byte, error) {
	k, err := r.key(subject)
	if err != nil {
		return nil, err
	}
	head := make([]byte, header, header+12+len(plain)+16)
	head[0] = version
	binary.BigEndian.PutUint64(head[1:], uint64(k.id))
	sealed, err := k.aead.Encrypt(plain, head)
	if err != nil {
		return nil, fmt.Errorf("couldn't seal: %w", err)
	}
	return append(head, sealed...), nil
}

// Open returns what was sealed, or [ErrErased]. Any other error is of bytes that were changed, that this ring did not
// seal, or of a ring that cannot be read.
func (r *Ring) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < header || sealed[0] != version {
		return nil, errors.New("couldn't open: these are not sealed bytes")
	}
	k, err := r.byID(int64(binary.BigEndian.Uint64(sealed[1:])))
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Decrypt(sealed[header:], sealed[:header])
	if err != nil {
		return nil, fmt.Errorf("couldn't open: %w", err)
	}
	return plain, nil
}

// ID is the number of the subject's key, which is made on first use. It says nothing of the subject to whoever has not
// the ring, and nothing to anybody once the subject is erased: rows that are searched by it are searched by this.
func (r *Ring) ID(subject string) (int64, error) {
	k, err := r.key(subject)
	if err != nil {
		return 0, err
	}
	return k.id, nil
}

// IDs are the numbers under which a subject's data may stand, none where it has no key. It makes none.
func (r *Ring) IDs(ctx context.Context, subject string) ([]int64, error) {
	return r.find(ctx, r.db, subject)
}

// Foreign reports whether the root key is the operator's to change: until then, a copy of the ring from before an erasure
// can be opened.
func (r *Ring) Foreign() bool { return r.root.file == "" }

// Wrapper wraps keys that are of no person and outlive every erasure and every root key, such as that of the names in the
// store. They are lost with the ring.
func (r *Ring) Wrapper() (tink.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, r.pepper, "sallyport keyring: wrapper", keySize)
	if err != nil {
		return nil, err
	}
	return subtle.NewAESGCM(key)
}

// Prepare makes the keys of many subjects in one write, ahead of [Ring.Seal].
func (r *Ring) Prepare(subjects []string) error {
	if err := r.refresh(); err != nil {
		return err
	}
	var missing []string
	for _, s := range subjects {
		if _, ok := r.keys.bySubject(s); !ok {
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return r.ensure(missing)
}

func (r *Ring) key(subject string) (key, error) {
	if err := r.refresh(); err != nil {
		return key{}, err
	}
	for range 3 { // what was made may be forgotten before it is found, because another change of the ring was noticed in this moment
		if k, ok := r.keys.bySubject(subject); ok {
			return k, nil
		}
		if err := r.ensure([]string{subject}); err != nil {
			return key{}, err
		}
	}
	if k, ok := r.keys.bySubject(subject); ok {
		return k, nil
	}
	return key{}, errors.New("couldn't keep the subject's key: the ring is being changed again and again")
}

// refresh forgets the cached keys once some process has erased one.
func (r *Ring) refresh() error {
	last, now := r.checked.Load(), time.Now().UnixNano()
	if now-last < int64(Lag) || !r.checked.CompareAndSwap(last, now) {
		return nil
	}
	var epoch int64
	if err := r.db.QueryRow(`SELECT value FROM facts WHERE name = 'epoch'`).Scan(&epoch); err != nil {
		r.checked.Store(last)
		return fmt.Errorf("couldn't read the ring of keys: %w", err)
	}
	if r.epoch.Swap(epoch) != epoch {
		r.keys.purge()
	}
	return nil
}
