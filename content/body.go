package content

import "io"

// Header holds the fields that describe a body, with all their values as received.
type Header struct {
	ContentType     []string
	ContentEncoding []string
}

// A Body is what one message carries. It is read once and parsed once; its bytes never change, edits are kept beside
// them. A nil Body is an empty one. Not safe for concurrent use.
type Body struct {
	raw, data []byte
	media     Media
}

// Read reads and decodes a whole body.
func Read(r io.Reader, h Header, lim Limits) (*Body, error) { return nil, nil }

// New makes a Body of bytes in hand.
func New(data []byte, h Header, lim Limits) (*Body, error) { return nil, nil }

// Bytes returns the decoded bytes.
func (b *Body) Bytes() []byte { return nil }

// Raw returns the bytes as received.
func (b *Body) Raw() []byte { return nil }

// Media returns the media type.
func (b *Body) Media() Media { return Media{} }

// Tree returns the parsed body.
func (b *Body) Tree() (*Node, error) { return nil, nil }

// Splice replaces the value's span.
func (b *Body) Splice(n *Node, with []byte) {}

// Remove removes a member or element, with its comma.
func (b *Body) Remove(parent, n *Node) {}

// Mark returns a point to which Rollback can return.
func (b *Body) Mark() int { return 0 }

// Rollback takes back the edits made since mark.
func (b *Body) Rollback(mark int) {}

// Edited reports whether there are edits.
func (b *Body) Edited() bool { return false }

// Result returns the bytes with the edits applied.
func (b *Body) Result() []byte { return nil }
