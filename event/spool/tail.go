package spool

import (
	"sync"

	"github.com/sallyport/sallyport/event/encode"
)

// A tail is what was written last, in memory: sinks that keep up need not read the journal. It is bounded, and holds
// nothing that every sink has got.
type tail struct {
	mu      sync.Mutex
	blocks  []*block // oldest first, without gaps
	entries int
}

// maxTail bounds the entries in memory: a second or so of 20,000 a second.
const maxTail = 16 << 10

// A block is one group as it was written.
type block struct {
	first uint64
	items []encode.Item

	mu       sync.Mutex
	variants map[string]*lines
}

// lines are a block in one encoding; each item is encoded once, by the first sink that wants it.
type lines struct {
	mu   sync.Mutex
	text [][]byte
}

func (t *tail) add(first uint64, items []encode.Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blocks = append(t.blocks, &block{first: first, items: items})
	for t.entries += len(items); t.entries > maxTail; {
		t.shift()
	}
}

// release forgets what is before seq.
func (t *tail) release(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.blocks) > 0 && t.blocks[0].first+uint64(len(t.blocks[0].items)) <= seq {
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
			if seq < b.first+uint64(len(b.items)) {
				return b
			}
			return nil
		}
	}
	return nil
}

// variant returns the lines of an encoding, some of which may be encoded already.
func (b *block) variant(name string) *lines {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.variants[name]
	if l == nil {
		if b.variants == nil {
			b.variants = map[string]*lines{}
		}
		l = &lines{text: make([][]byte, len(b.items))}
		b.variants[name] = l
	}
	return l
}

func (l *lines) line(n int, i encode.Item, encode encode.Encoding) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text[n] == nil {
		l.text[n] = encode(nil, i)
	}
	return l.text[n]
}
