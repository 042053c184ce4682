package forward

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/sallyport/sallyport/config"
)

// A Pool holds the running upstreams across reloads, by what they are made of: an upstream whose settings (and
// certificate files) did not change keeps its connections, its health and its breakers. Safe for concurrent use.
type Pool struct {
	mu       sync.Mutex
	running  map[string]*Upstream
	strained func() bool
}

// NewPool returns an empty pool. Close it.
func NewPool() *Pool {
	return &Pool{running: map[string]*Upstream{}, strained: func() bool { return false }}
}

// Strained sets who tells that work waits for a processor here: what answers take then says nothing of the services. Set it before the
// first upstream.
func (p *Pool) Strained(f func() bool) { p.strained = f }

// Upstream returns the running upstream with exactly these settings, or starts one. One that no snapshot comes to
// use is closed by the next Retain.
func (p *Pool) Upstream(c config.Upstream) (*Upstream, error) {
	key, err := content(c)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := p.running[key]; u != nil {
		return u, nil
	}
	u, err := newUpstream(key, c)
	if err != nil {
		return nil, err
	}
	u.strained = p.strained
	p.running[key] = u
	return u, nil
}

// Retain closes every upstream that is not in keep. Call it once a new snapshot is in place, with that snapshot's
// upstreams. Requests in flight on the others, and late ones of the old snapshot, still finish.
func (p *Pool) Retain(keep ...*Upstream) {
	kept := make(map[string]*Upstream, len(keep))
	for _, u := range keep {
		kept[u.key] = u
	}
	p.mu.Lock()
	var gone []*Upstream
	for key, u := range p.running {
		if kept[key] != u {
			gone = append(gone, u)
			delete(p.running, key)
		}
	}
	p.mu.Unlock()
	for _, u := range gone {
		u.close()
	}
}

// Close closes all upstreams.
func (p *Pool) Close() { p.Retain() }

// content digests settings and the files that they name, so that a rotated certificate makes another upstream.
func content(c config.Upstream) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(c); err != nil {
		return "", fmt.Errorf("couldn't digest upstream settings: %w", err)
	}
	var errs []error
	for _, name := range []string{c.CA, c.Cert, c.Key} {
		if name == "" {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("couldn't read upstream file: %w", err))
			continue
		}
		sum := sha256.Sum256(data)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)), errors.Join(errs...)
}

// Failing lists the targets that are passed over now: active probes say that they are down, or their breaker is open. By name,
// each with why.
func (p *Pool) Failing() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	failing := map[string]string{}
	for _, u := range p.running {
		for _, t := range u.targets {
			switch {
			case t.down.Load():
				failing[t.name] = "probes find it down"
			case t.opened():
				failing[t.name] = "its circuit breaker is open"
			}
		}
	}
	return failing
}

// Ceilings tells how many requests in flight each upstream is given at most now, by its first target; those without a bound are left out.
func (p *Pool) Ceilings(add func(target string, most float64)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := map[string]bool{}
	for _, u := range p.running {
		name := u.targets[0].name
		if u.ceiling == nil || u.ceiling.limit.Load() >= unbounded || told[name] {
			continue
		}
		told[name] = true
		add(name, float64(u.ceiling.limit.Load()))
	}
}

func (t *target) opened() bool {
	if !t.troubled.Load() {
		return false
	}
	t.breaker.Lock()
	defer t.breaker.Unlock()
	return t.breaker.opened
}
