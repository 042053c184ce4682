package identity

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/trust"
)

// Times and bounds of fetching. A request waits at most [longestWait], for a fetch of at most [fetchTimeout].
const (
	fetchTimeout = trust.FetchTimeout
	longestWait  = 3 * time.Second
	mostWaiting  = 256              // requests that wait for one key set; the others are refused at once
	fetchPause   = 10 * time.Second // between fetches that requests cause; doubled by each failure up to maxPause
	maxPause     = 5 * time.Minute
	retryFirst   = time.Second // after a failed background fetch; doubled up to the refresh interval
	unknownFor   = 30 * time.Second
	mostUnknown  = 1024 // kids that are remembered as unknown
)

// A keySet is the running key set of an issuer. Keys that were once fetched keep working when the issuer cannot be
// reached: an outage of the issuer is not one of the API.
//
// Fetches happen in the background every refresh interval, and when a token names a kid that is not known. Tokens
// are strangers' input, so the latter are bounded: one at a time, not sooner than fetchPause after the last one, and
// not at all for a kid that was looked for lately. Background fetches do not count, so that the first token after a
// rotation is not refused because the set happened to be refreshed just before it.
type keySet struct {
	name    string // digest of the settings: equal settings are one set
	source  string // URL or file, for details and logs
	allowed []algorithm
	fetch   func(context.Context) ([]byte, error) // nil for a file, which is read when the config is
	every   time.Duration
	log     *slog.Logger

	current atomic.Pointer[keyRing] // nil until it was loaded once
	waiting atomic.Int32
	stats   keySetStats

	mu       sync.Mutex
	flight   chan struct{} // closed when the fetch under way ends; nil when there is none
	next     time.Time     // no request causes a fetch before
	failures int           // in a row
	unknown  map[string]time.Time
}

type keySetStats struct {
	fetches, failures, changes, unknown, refused atomic.Uint64
	loaded                                       atomic.Int64 // Unix seconds of the last success
}

// ring is the set in force, nil when there is none yet.
func (s *keySet) ring() *keyRing { return s.current.Load() }

// find returns the key that a header names, and the ring that holds it.
func (s *keySet) find(ctx context.Context, h *header) (*key, *keyRing, *failure) {
	// Twice: a fetch that was under way when the request came may have begun before the rotation.
	for range 2 {
		ring := s.ring()
		if ring != nil {
			if k, f := ring.find(h); k != nil || f != nil {
				return k, ring, f
			}
		}
		if !s.refetch(ctx, h.kid) {
			break
		}
	}
	ring := s.ring()
	if ring == nil {
		return nil, nil, &failure{reason: exchange.KeysUnavailable, detail: "the key set " + s.source + " was not loaded yet",
			setting: "jwks", retry: fetchPause}
	}
	k, f := ring.find(h)
	if k == nil && f == nil {
		s.stats.unknown.Add(1)
		f = fail(exchange.TokenKey, "no key with kid %s", quote(h.kid)).by("jwks")
	}
	return k, ring, f
}

// find looks a key up. Neither a key nor a failure means that the kid is unknown.
func (r *keyRing) find(h *header) (*key, *failure) {
	if !h.hasKid {
		if k := r.only[h.alg]; k != nil {
			return k, nil
		}
		return nil, fail(exchange.TokenKey, "the token names no kid, and the set has not exactly one key for %s", h.alg).by("jwks")
	}
	if k := r.named[keyName{h.kid, h.alg}]; k != nil {
		return k, nil
	}
	if alg, known := r.kids[h.kid]; known {
		return nil, fail(exchange.TokenAlgorithm, "key %s is for %s, the token says %s", quote(h.kid), alg, h.alg).by("jwks")
	}
	if len(h.kid) > maxKid {
		return nil, fail(exchange.TokenKey, "kid is longer than %d bytes", maxKid)
	}
	return nil, nil
}

// refetch waits for a fetch of the set on behalf of a token, and reports whether there was one.
func (s *keySet) refetch(ctx context.Context, kid string) bool {
	flight, own := s.board(kid)
	if flight == nil {
		return false
	}
	if s.waiting.Add(1) > mostWaiting {
		s.waiting.Add(-1)
		s.stats.refused.Add(1)
		return false
	}
	defer s.waiting.Add(-1)
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case <-flight:
		if own { // one that was under way may have read the set before the kid was in it
			s.remember(kid)
		}
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// board returns the fetch that is under way, or begins one of its own, or returns nil where that is not allowed now.
func (s *keySet) board(kid string) (flight chan struct{}, own bool) {
	if s.fetch == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if until, looked := s.unknown[kid]; looked && now.Before(until) && s.ring() != nil {
		return nil, false
	}
	if s.flight != nil {
		return s.flight, false
	}
	if now.Before(s.next) {
		return nil, false
	}
	if s.ring() != nil { // the first load is not yet a look for an unknown kid
		s.next = now.Add(fetchPause)
	}
	// Not the request's context: when its client goes away, the others still want the keys.
	s.take(context.Background())
	return s.flight, true
}

// take begins a fetch. The caller holds mu and has checked that none is under way.
func (s *keySet) take(ctx context.Context) {
	done := make(chan struct{})
	s.flight = done
	go func() {
		err := s.load(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.flight = nil
		defer close(done)
		if err != nil {
			s.failures++
			s.next = time.Now().Add(doubled(fetchPause, s.failures, maxPause))
			return
		}
		if soon := time.Now().Add(fetchPause); s.failures > 0 && s.next.After(soon) {
			s.next = soon // what failures had added
		}
		s.failures = 0
	}()
}

// remember notes a kid that a fresh set does not have, so that it causes no further fetch for a while. The list is
// bounded; when it is full, something is forgotten, which costs at most one fetch per pause.
func (s *keySet) remember(kid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.ring(); r == nil || s.failures > 0 {
		return
	} else if _, known := r.kids[kid]; known {
		return
	}
	now := time.Now()
	if len(s.unknown) >= mostUnknown {
		for k, until := range s.unknown {
			delete(s.unknown, k)
			if len(s.unknown) < mostUnknown/2 && now.Before(until) {
				break
			}
		}
	}
	if s.unknown == nil {
		s.unknown = map[string]time.Time{}
	}
	s.unknown[kid] = now.Add(unknownFor)
}

// load fetches and installs the set. A set that did not change keeps its ring, and with it what the cache knows.
func (s *keySet) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	s.stats.fetches.Add(1)
	data, err := s.fetch(ctx)
	if err == nil {
		err = s.install(data)
	}
	if err != nil {
		s.stats.failures.Add(1)
		s.log.Warn("the key set cannot be fetched; known keys keep working", "jwks", s.source, "error", err)
	}
	return err
}

func (s *keySet) install(data []byte) error {
	ring, err := parseKeySet(data, s.allowed)
	if err != nil {
		return err
	}
	s.stats.loaded.Store(time.Now().Unix())
	if old := s.ring(); old != nil && old.sum == ring.sum {
		return nil
	}
	s.current.Store(ring)
	s.stats.changes.Add(1)
	for _, why := range ring.unusable {
		s.log.Warn("a key of the key set is not used", "jwks", s.source, "reason", why)
	}
	s.log.Info("key set loaded", "jwks", s.source, "keys", len(ring.named))
	return nil
}

// follow keeps the set fresh until ctx ends.
func (s *keySet) follow(ctx context.Context) {
	failures := 0
	for {
		if s.refresh(ctx) {
			failures = 0
		} else {
			failures++
		}
		pause := s.every
		if failures > 0 {
			pause = doubled(retryFirst, failures-1, s.every)
		}
		// Jitter of a tenth, so that a fleet that started together does not ask together.
		pause += time.Duration((rand.Float64() - 0.5) * 0.2 * float64(pause))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// refresh makes or joins one fetch and reports whether it succeeded.
func (s *keySet) refresh(ctx context.Context) bool {
	s.mu.Lock()
	if s.flight == nil {
		s.take(ctx)
	}
	flight := s.flight
	s.mu.Unlock()
	<-flight
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures == 0
}

// doubled is first, doubled n times, at most most.
func doubled(first time.Duration, n int, most time.Duration) time.Duration {
	if n > 30 {
		return most
	}
	return min(first<<n, most)
}
