package identity

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/sallyport/sallyport/store"
)

// Whose a stored key is stands in its row twice, sealed: under the key of names of the store, for whoever lists and rotates,
// and under one that is derived from the API key, for the gateway to which it is presented. So keys work on where
// the store's are lost, and nobody reads whose they are in a copy of the database.

// sealedMark begins the identity of sealed rows. A gateway of a version that seals nothing finds no subject there: it is to
// refuse the key, as one of another identity.
const sealedMark = "sealed:"

// whose is what is sealed of a row.
type whose struct {
	Subject string `json:"subject"`
	Tenant  string `json:"tenant,omitempty"`
}

func rowOf(id string) string { return "api_keys " + id }

// seal seals whose k is, for both; key is "" where nobody has it at hand.
func seal(names *store.Names, k StoredKey, key string) (forStore, byKey []byte, err error) {
	text, err := json.Marshal(whose{k.Subject, k.Tenant})
	if err != nil {
		return nil, nil, err
	}
	if forStore, err = names.Seal(text, rowOf(k.ID)); err != nil || key == "" {
		return forStore, nil, err
	}
	a, err := keyed(key)
	if err != nil {
		return nil, nil, err
	}
	byKey, err = a.Encrypt(text, []byte(rowOf(k.ID)))
	return forStore, byKey, err
}

// keyed is what an API key seals by. It has 256 random bits, so that nothing need make it slow.
func keyed(key string) (tink.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "sallyport api key: whose", sha256.Size)
	if err != nil {
		return nil, err
	}
	return subtle.NewAESGCM(derived)
}

// unseal fills in whose k is, as far as the store's key of names tells.
func (k *StoredKey) unseal(names *store.Names, sealed []byte) {
	k.Identity = strings.TrimPrefix(k.Identity, sealedMark)
	k.sealed = true
	if names == nil {
		return
	}
	if text, err := names.Open(sealed, rowOf(k.ID)); err == nil {
		k.sealed = k.read(text) != nil
	}
}

// unsealBy does so by the API key itself.
func (k *StoredKey) unsealBy(key string) error {
	if k.byKey == nil {
		return errors.New("it was made before keys told by themselves whose they are")
	}
	a, err := keyed(key)
	if err != nil {
		return err
	}
	text, err := a.Decrypt(k.byKey, []byte(rowOf(k.ID)))
	if err != nil {
		return err
	}
	return k.read(text)
}

func (k *StoredKey) read(text []byte) error {
	var w whose
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	if err := checkHolder(w.Subject, w.Tenant, nil, nil); err != nil {
		return err
	}
	k.Subject, k.Tenant = w.Subject, w.Tenant
	return nil
}

// SealKeys seals whose keys are that stand in clear, and returns how many. It does nothing where the store seals no names. Gateways
// of versions before this refuse what is sealed.
func SealKeys(ctx context.Context, s *store.Store) (n int, err error) {
	if s.Names() == nil {
		return 0, nil
	}
	list, _, err := selectKeys(ctx, s.DB(), s.Names(), "WHERE sealed IS NULL")
	if err != nil {
		return 0, fmt.Errorf("couldn't seal the API keys: %w", err)
	}
	for _, k := range list {
		sealed, _, err := seal(s.Names(), k, "")
		if err == nil {
			_, err = s.DB().ExecContext(ctx, `UPDATE api_keys SET sealed = $1, identity = $2, subject = '', tenant = '' WHERE id = $3 AND sealed IS NULL`,
				sealed, sealedMark+k.Identity, k.ID)
		}
		if err != nil {
			return n, fmt.Errorf("couldn't seal the API key %s: %w", quote(k.ID), err)
		}
		n++
	}
	return n, nil
}
