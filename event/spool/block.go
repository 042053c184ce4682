package spool

import (
	"bytes"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
)

// A block is a stretch of the journal in memory: a group as it was written, or what was read at once. Sinks that are at the same
// place share it, so that each entry is read back once, and encoded once in each encoding, by the first that wants it.
type block struct {
	first uint64
	kinds []kind

	mu       sync.Mutex
	items    []encode.Item
	frames   []frame // of a block that was read: what items are made of
	variants map[string][][]byte
	scratch  []byte
}

// written is a block of a group that was written just now.
func written(first uint64, items []encode.Item) *block {
	b := &block{first: first, kinds: make([]kind, len(items)), items: items}
	for n := range items {
		b.kinds[n] = kindOf(items[n])
	}
	return b
}

// end is the number of the first entry that is not in the block.
func (b *block) end() uint64 { return b.first + uint64(len(b.kinds)) }

// line is entry n as a sink gets it, with what it was made of.
func (b *block) line(n int, variant string, encoding encode.Encoding, seal event.Sealer) (i encode.Item, line []byte, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.frames != nil && b.frames[n].size > 0 {
		if b.items[n], err = b.frames[n].item(seal); err != nil {
			return i, nil, err
		}
		b.frames[n] = frame{}
	}
	lines := b.variants[variant]
	if lines == nil {
		if b.variants == nil {
			b.variants = map[string][][]byte{}
		}
		lines = make([][]byte, len(b.kinds))
		b.variants[variant] = lines
	}
	if lines[n] == nil {
		b.scratch = encoding(b.scratch[:0], b.items[n])
		lines[n] = bytes.Clone(b.scratch)
	}
	return b.items[n], lines[n], nil
}

// A shelf has the blocks that were read last from a lane.
type shelf struct {
	mu     sync.Mutex
	blocks []*block // newest last
}

const (
	shelfSize  = 8
	readAtOnce = 1024 // entries
)

// take returns a block that holds entry seq, from the shelf or by r. Where seq is damaged or gone, the block is nil and next the
// first entry after it that may be read.
func (s *shelf) take(seq uint64, r *reader) (b *block, next uint64, err error) {
	s.mu.Lock() // also while it is read: who waits here wants the same block, most often
	defer s.mu.Unlock()
	for _, b := range s.blocks {
		if b.first <= seq && seq < b.end() {
			return b, seq, nil
		}
	}
	b = &block{first: seq}
	size := 0
	next, err = r.read(seq, func(f frame) bool {
		if len(b.frames) == readAtOnce || size > window {
			return false
		}
		size += f.size
		f.sealed, f.public = bytes.Clone(f.sealed), bytes.Clone(f.public)
		b.frames, b.kinds = append(b.frames, f), append(b.kinds, f.kind)
		return true
	})
	if len(b.frames) == 0 || err != nil {
		return nil, next, err
	}
	b.items = make([]encode.Item, len(b.frames))
	if len(s.blocks) == shelfSize {
		s.blocks = slices.Delete(s.blocks, 0, 1)
	}
	s.blocks = append(s.blocks, b)
	return b, seq, nil
}

// release forgets what is before seq.
func (s *shelf) release(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks = slices.DeleteFunc(s.blocks, func(b *block) bool { return b.end() <= seq })
}
