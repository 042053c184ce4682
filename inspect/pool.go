package inspect

import (
	"crypto/sha256"
	"maps"
	"sync"
)

// settings is what the rules themselves depend on. Thresholds and exclusions are applied on our side of the seam, so
// APIs that differ in nothing else share an engine.
type settings struct {
	paranoia   int
	withoutCRS bool
	dir        string            // of the operator's rules, or ""
	sum        [sha256.Size]byte // of its contents
}

// A Pool keeps compiled engines by their settings, so that APIs with equal settings, and the snapshots before and
// after a reload, share them. There are at most four for each directory of rules, one for each paranoia level, and four
// without. The zero value is ready to use; it is safe for concurrent use.
//
// It bounds how many heavy messages its engines judge at once, for all of them together.
type Pool struct {
	slots   slots
	mu      sync.Mutex
	engines map[settings]Engine
}

// engine returns the engine for s and compiles it where there is none yet. One for earlier contents of the same directory
// is let go.
func (p *Pool) engine(s settings) (Engine, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.engines[s]; ok {
		return e, nil
	}
	e, err := newCompiled(s)
	if err != nil {
		return nil, err
	}
	if p.engines == nil {
		p.engines = map[settings]Engine{}
	}
	maps.DeleteFunc(p.engines, func(old settings, _ Engine) bool {
		now := old
		now.sum = s.sum
		return now == s
	})
	p.engines[s] = e
	return e, nil
}
