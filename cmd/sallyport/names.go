package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// nameRoot wraps the key of names: what all who use the store have in common. Of SQLite that is the ring; of PostgreSQL,
// whose gateways have a ring each, only a root key of the operator's, or nil.
func nameRoot(ring *keyring.Ring, c config.Store) (tink.AEAD, error) {
	if c.URL == "" {
		return ring.Wrapper()
	}
	o, err := rootOf(c)
	if err != nil {
		return nil, err
	}
	return keyring.Shared(o)
}

// unlockNames opens the key of names, which only a gateway makes: a command may have been told of the store alone, and not
// of where the gateway has its keys.
func unlockNames(ctx context.Context, s *store.Store, ring *keyring.Ring, c config.Store, gateway bool) error {
	root, err := nameRoot(ring, c)
	if err != nil {
		return err
	}
	return s.UnlockNames(ctx, root, gateway)
}

// unlockKept is unlockNames for a command that needs the ring for nothing else, and makes none.
func unlockKept(ctx context.Context, s *store.Store, c config.Store) error {
	sealed, err := s.HasNames(ctx)
	if err != nil || !sealed {
		return err
	}
	if c.URL != "" {
		return unlockNames(ctx, s, nil, c, false)
	}
	if _, err := os.Stat(filepath.Join(c.KeyFolder(), keyring.File)); errors.Is(err, os.ErrNotExist) {
		return store.ErrLocked
	}
	ring, err := openRing(c)
	if err != nil {
		return err
	}
	defer ring.Close()
	return unlockNames(ctx, s, ring, c, false)
}

func rewrapNames(ctx context.Context, s *store.Store, ring *keyring.Ring, c config.Store) error {
	root, err := nameRoot(ring, c)
	if err != nil || root == nil {
		return err
	}
	return s.RewrapNames(ctx, root)
}

// sealEvery is how often a gateway looks for names in clear: gateways of older versions may go on beside it.
const sealEvery = time.Hour

// keepSealing begins at once where nobody else serves from the store. Elsewhere gateways of an older version, which refuse API keys that
// are sealed, have so long to be upgraded or to leave.
func (v *service) keepSealing(ctx context.Context) {
	wait := sealEvery
	if v.config.Store.URL == "" && v.inherited.From() == 0 {
		wait = 0
	}
	for ; ; wait = sealEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := v.sealNames(ctx); err != nil && ctx.Err() == nil {
			slog.Error("names in the store stay in clear; it is tried again", "error", err)
		}
	}
}

// sealNames seals what older versions have written in clear.
func (v *service) sealNames(ctx context.Context) error {
	keys, err := identity.SealKeys(ctx, v.store)
	if err != nil {
		return err
	}
	accounts, err := quota.Seal(ctx, v.store, time.Time{})
	if err != nil || keys+accounts == 0 {
		return err
	}
	slog.Info("names in the store are sealed that stood in clear", "api_keys", keys, "quotas", accounts)
	return v.store.Settle(ctx)
}
