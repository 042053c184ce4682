package spool

import "sync"

// A tail is what was written last, in memory: sinks that keep up need not read the journal. It is bounded, and holds
// nothing that every sink has got.
type tail struct {
	mu      sync.Mutex
	blocks  []*block // oldest first, without gaps
	entries int
}

// maxTail bounds the entries in memory: a second or so of 20,000 a second.
const maxTail = 16 << 10

func (t *tail) add(b *block) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blocks = append(t.blocks, b)
	for t.entries += len(b.items); t.entries > maxTail; {
		t.shift()
	}
}

// release forgets what is before seq.
func (t *tail) release(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.blocks) > 0 && t.blocks[0].end() <= seq {
		t.shift()
	}
}

func (t *tail) shift() {
	t.entries -= len(t.blocks[0].items)
	t.blocks[0] = nil
	t.blocks = t.blocks[1:]
}

// holding returns the block that holds seq, or nil.
func (t *tail) holding(seq uint64) *block {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.blocks) - 1; i >= 0; i-- {
		if b := t.blocks[i]; b.first <= seq {
			if seq < b.end() {
				return b
			}
			return nil
		}
	}
	return nil
}
