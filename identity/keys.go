package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
)

const (
	// pollEvery is how often the store is asked for changes: a revoked key stops working within twice of it.
	pollEvery = 400 * time.Millisecond
	// longestBlind is how long stored keys are accepted while the store cannot be read: revocation must not end with
	// a broken disk, nor all traffic with a busy one.
	longestBlind = time.Minute
)

// keyEntry is one API key in memory.
type keyEntry struct {
	sum      [sha256.Size]byte
	id       string
	identity string // confines stored keys; "" for every identity
	expires  time.Time
	revoked  bool
	known    facts
	opened   atomic.Pointer[facts] // of a key that told by itself whose it is
	stored   *StoredKey            // of one that is to; nil for others
}

// keyTable finds keys by a piece of their hash. The piece may leak through timing without harm: who knows all of the
// hash still lacks the key. The whole hash is compared in constant time all the same.
type keyTable map[uint64][]*keyEntry

func (t keyTable) add(e *keyEntry) {
	n := binary.LittleEndian.Uint64(e.sum[:8])
	t[n] = append(t[n], e)
}

func (t keyTable) find(sum *[sha256.Size]byte) *keyEntry {
	for _, e := range t[binary.LittleEndian.Uint64(sum[:8])] {
		if subtle.ConstantTimeCompare(e.sum[:], sum[:]) == 1 {
			return e
		}
	}
	return nil
}

// storedKeys is the copy of the store's keys that requests look into. It is safe for concurrent use.
type storedKeys struct {
	store *store.Store // nil: there are none
	log   *slog.Logger
	table atomic.Pointer[keyTable]
	// seen is when the store was last read with success: by the monotonic clock, which nobody sets.
	seen     atomic.Pointer[time.Time]
	version  string // of what table holds; used by load only, which is called by one goroutine at a time
	failures atomic.Uint64
}

// load reads the keys if they changed.
func (s *storedKeys) load(ctx context.Context) error {
	version, err := keysVersion(ctx, s.store.DB())
	if err != nil {
		return err
	}
	if version != s.version {
		// Read after the version: a change in between is read now and, harmlessly, again next time.
		list, sums, err := selectKeys(ctx, s.store.DB(), s.store.Names(), "")
		if err != nil {
			return err
		}
		table := make(keyTable, len(list))
		for i, k := range list {
			e := &keyEntry{sum: sums[i], id: k.ID, identity: k.Identity, expires: k.Expires, revoked: !k.Revoked.IsZero(), known: holder(k)}
			if k.sealed {
				e.stored = &k
			}
			table.add(e)
		}
		s.table.Store(&table)
		s.version = version
	}
	now := time.Now()
	s.seen.Store(&now)
	return nil
}

// follow loads changes until ctx ends.
func (s *storedKeys) follow(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.load(ctx); err != nil && ctx.Err() == nil {
			s.failures.Add(1)
			s.log.Warn("the store's API keys cannot be read", "error", err)
		}
	}
}

func holder(k StoredKey) facts {
	return facts{expires: k.Expires, principal: exchange.Principal{
		Subject: k.Subject, Kind: "api_key", ClientID: k.ID, Tenant: k.Tenant, Plan: k.Plan, Roles: k.Roles, Scopes: k.Scopes, Expires: k.Expires,
	}}
}

// apiKeys verifies the API keys of one identity: those of the config, then those of the store.
type apiKeys struct {
	name, at string
	header   string // canonical, as the config names it; "" where it does not
	fixed    keyTable
	stored   *storedKeys
}

// verify turns a key into facts about its holder.
func (a *apiKeys) verify(_ context.Context, key string) (*facts, *failure) {
	if !wellFormed(key) {
		return nil, a.refuse("it does not have the form sp_<id>_<secret> with a right checksum")
	}
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(key), len(key))) // the bytes are only read
	e := a.fixed.find(&sum)
	if e == nil {
		var f *failure
		if e, f = a.find(&sum); f != nil {
			return nil, f
		}
	}
	switch {
	case e == nil:
		return nil, a.refuse("key %s is unknown", key[len(keyPrefix):len(keyPrefix)+keyIDSize])
	case e.revoked:
		return nil, a.refuse("key %s was revoked", e.id)
	case !e.expires.IsZero() && !time.Now().Before(e.expires):
		return nil, a.refuse("key %s expired at %s", e.id, e.expires.Format(time.RFC3339))
	case e.identity != "" && e.identity != a.name:
		return nil, a.refuse("key %s is for identity %s", e.id, quote(e.identity))
	}
	if e.stored != nil {
		return a.open(e, key)
	}
	return &e.known, nil
}

// open asks the key itself whose it is, once: the store's key of names does not tell.
func (a *apiKeys) open(e *keyEntry, key string) (*facts, *failure) {
	if known := e.opened.Load(); known != nil {
		return known, nil
	}
	k := *e.stored
	if err := k.unsealBy(key); err != nil {
		return nil, fail(exchange.KeysUnavailable, "identity %s: whose key %s is cannot be read: %v", a.name, e.id, err).by("store.key")
	}
	known := holder(k)
	e.opened.Store(&known)
	return &known, nil
}

// find looks into the copy of the store, unless it is too old to be believed.
func (a *apiKeys) find(sum *[sha256.Size]byte) (*keyEntry, *failure) {
	table := a.stored.table.Load()
	if table == nil {
		return nil, nil
	}
	e := (*table).find(sum)
	if e == nil {
		return nil, nil
	}
	if blind := time.Since(*a.stored.seen.Load()); blind > longestBlind {
		f := fail(exchange.KeysUnavailable, "identity %s: the store was not read for %s", a.name, blind.Round(time.Second))
		f.retry = time.Second
		return nil, f.by("store.path")
	}
	return e, nil
}

func (a *apiKeys) refuse(format string, args ...any) *failure {
	f := fail(exchange.KeyInvalid, format, args...)
	f.detail = "identity " + a.name + ": " + f.detail
	return f.by(a.at + ".api_key.keys")
}

// newAPIKeys compiles the settings, gathering every mistake.
func newAPIKeys(name, at string, c *config.APIKey, stored *storedKeys, m *mistakes) *apiKeys {
	a := &apiKeys{name: name, at: at, header: http.CanonicalHeaderKey(c.Header), fixed: keyTable{}, stored: stored}
	ids := map[string]bool{}
	for i, k := range c.Keys {
		path := fmt.Sprintf("%s.api_key.keys[%d]", at, i)
		if !printable(k.ID) || ids[k.ID] {
			m.add(path+".id", "is missing, unprintable or used twice")
		}
		ids[k.ID] = true
		sum, err := parseHash(k.Hash)
		if err != nil {
			m.add(path+".hash", "%w", err)
			continue
		}
		if a.fixed.find(&sum) != nil {
			m.add(path+".hash", "is listed twice")
		}
		expires, err := parseExpiry(k.Expires)
		if err != nil {
			m.add(path+".expires", "%w", err)
		}
		subject := k.Subject
		if subject == "" {
			subject = k.ID
		}
		if err := checkHolder(subject, k.Tenant, k.Roles, k.Scopes); err != nil {
			m.add(path, "%w", err)
		}
		a.fixed.add(&keyEntry{sum: sum, id: k.ID, expires: expires, known: holder(StoredKey{
			ID: k.ID, Subject: subject, Tenant: k.Tenant, Plan: k.Plan, Roles: k.Roles, Scopes: k.Scopes, Expires: expires})})
	}
	return a
}

// parseExpiry reads a time of RFC 3339, or a day, which begins at midnight UTC.
func parseExpiry(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("is neither a day like 2030-12-31 nor a time of RFC 3339")
	}
	return t, nil
}
