// Package once remembers what is good only once, for a while and within bounds: signatures of requests, solved challenges.
package once

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

// What is said of something that cannot be used (again).
var (
	ErrUsed = errors.New("it was used before")
	ErrFull = errors.New("more was used lately than can be remembered")
)

// Common is where processes tell each other what was used, as digests: limit.Cluster.
type Common interface {
	// First reports whether nobody has used it before within the time for which it is kept. The error is that nobody knows.
	First(ctx context.Context, id [16]byte, keep time.Duration) (bool, error)
}

// Seen is what was used lately. It is safe for concurrent use.
type Seen struct {
	window time.Duration
	most   int
	common Common

	mu         sync.Mutex
	began      time.Time // of the younger generation
	young, old map[digest]struct{}
}

type digest [16]byte

// New remembers what is used for at least window and at most twice as long. Of more than most in one window nothing is good
// any more until the next: what could not be remembered could be used again. A common that is not nil is asked too: what was used at
// one process is good at no other.
func New(window time.Duration, most int, common Common) *Seen {
	return &Seen{window: window, most: most, common: common, young: map[digest]struct{}{}}
}

// Use is nil where the parts, together, were not used before. They are kept as a digest of 16 bytes. It waits for what is common; while
// that does not answer, each process remembers for itself, and so it may be good once at each.
func (s *Seen) Use(ctx context.Context, now time.Time, parts ...string) error {
	id := digestOf(parts)
	if err := s.here(now, id); err != nil || s.common == nil {
		return err
	}
	if first, err := s.common.First(ctx, id, s.window); err == nil && !first {
		return ErrUsed
	}
	return nil
}

// here is Use for this process.
func (s *Seen) here(now time.Time, id digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if s.has(id) {
		return ErrUsed
	}
	if len(s.young) >= s.most {
		return ErrFull
	}
	s.young[id] = struct{}{}
	return nil
}

func (s *Seen) has(id digest) bool {
	_, young := s.young[id]
	_, old := s.old[id]
	return young || old
}

// turn begins a generation where the younger one is as old as the window.
func (s *Seen) turn(now time.Time) {
	age := now.Sub(s.began)
	if age < s.window {
		return
	}
	s.old = s.young
	if age >= 2*s.window {
		s.old = nil
	}
	s.began, s.young = now, map[digest]struct{}{}
}

func digestOf(parts []string) (d digest) {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(p)))) // never fails
		_, _ = h.Write([]byte(p))
	}
	copy(d[:], h.Sum(nil))
	return d
}
