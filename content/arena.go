package content

import (
	"slices"
	"sync"
	"unsafe"
)

// alias returns data as a string without copying. It is sound only because the bytes of a body never change: edits
// are kept beside them.
func alias(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return unsafe.String(&data[0], len(data))
}

// A builder collects the children of open containers on one stack, and moves them to their final, contiguous place
// when the container is closed. It counts the nodes against the limit.
type builder struct {
	stack []Node // children of all open containers, innermost last
	chunk []Node // rest of the memory that closed containers are moved to
	text  []byte // rest of the memory that decoded text is written to
	size  int    // of a chunk, in nodes
	nodes int    // nodes made so far
	limit int    // nodes allowed
}

const (
	smallChunk = 8
	largeChunk = 1024
	keepStack  = 4096 // a stack that grew beyond this many nodes is not kept for the next body
)

// stacks keeps the stacks between bodies. They are cleared before they go back, so that none holds a body alive.
var stacks = sync.Pool{New: func() any { s := make([]Node, 0, 64); return &s }}

// newBuilder sizes the chunks by the size of the input: JSON of real APIs has a value in 16 to 32 bytes.
func newBuilder(size, limit int) builder {
	return builder{
		stack: *stacks.Get().(*[]Node),
		size:  min(max(size/32, smallChunk), largeChunk, limit),
		limit: limit,
	}
}

// release gives the stack back. The nodes that were moved out of it stay valid.
func (b *builder) release() {
	if cap(b.stack) > keepStack {
		return
	}
	clear(b.stack)
	b.stack = b.stack[:0]
	stacks.Put(&b.stack)
}

// push adds an empty node to the innermost open container; nil when there are too many. The node is to be filled
// before the next one is pushed, in place because it is large.
func (b *builder) push() *Node {
	b.nodes++
	if b.nodes > b.limit {
		return nil
	}
	i := len(b.stack)
	if i == cap(b.stack) {
		b.stack = slices.Grow(b.stack, 1)
	}
	b.stack = b.stack[:i+1] // all beyond is zero, see take and release
	return &b.stack[i]
}

// add pushes a node that is there already; false when there are too many.
func (b *builder) add(n Node) bool {
	slot := b.push()
	if slot == nil {
		return false
	}
	*slot = n
	return true
}

// take moves the nodes from base on to their final place.
func (b *builder) take(base int) []Node {
	open := b.stack[base:]
	b.stack = b.stack[:base]
	if len(open) == 0 {
		return nil
	}
	out := b.room(len(open))
	copy(out, open)
	clear(open)
	return out
}

// room returns n nodes of fresh memory.
func (b *builder) room(n int) []Node {
	if len(b.chunk) < n {
		b.chunk = make([]Node, max(n, b.size))
	}
	out := b.chunk[:n:n]
	b.chunk = b.chunk[n:]
	return out
}

// space returns an empty slice with room for n bytes of decoded text. What is written there must go through keep.
func (b *builder) space(n int) []byte {
	if cap(b.text)-len(b.text) < n {
		b.text = make([]byte, 0, max(n, min(4*n, 1024)))
	}
	return b.text[len(b.text):len(b.text)]
}

// keep makes what was appended to space a string. It never moves: space had room enough for all of it.
func (b *builder) keep(text []byte) string {
	b.text = b.text[:len(b.text)+len(text)]
	return alias(text)
}
