package content

import (
	"fmt"
	"io"
	"sync"
)

// Header holds the fields that describe a body, with all their values as received.
type Header struct {
	ContentType     []string
	ContentEncoding []string
	Length          int64 // as declared; what is larger than allowed is not even read. 0 or less: not known
}

// A Body is what one message carries. It is read once and parsed once; its bytes never change, edits are kept beside
// them. A nil Body is an empty one. Not safe for concurrent use; the nodes of its tree are.
type Body struct {
	raw, data []byte
	media     Media
	lim       Limits
	fields    Fields

	parsed  bool
	tree    *Node
	treeErr error

	edits  []edit
	result []byte // cache of Result, nil when edits changed
}

// Read reads and decodes a whole body. An error is an [*Error]; the Body beside it is never nil, and its Raw holds
// what was consumed of r so far, so that the message can still be passed on where an operator wants that.
//
// A body that is not empty needs a Content-Type, see [ParseMedia]. At most Limits.Bytes are accepted, before and
// after decoding.
func Read(r io.Reader, h Header, lim Limits) (*Body, error) {
	lim = lim.WithDefaults()
	b := &Body{lim: lim}
	err := bounded(h.Length, lim)
	if err == nil {
		b.raw, err = readAll(r, lim.Bytes)
	}
	return b, b.judge(err, h)
}

// bounded refuses a length that is larger than allowed.
func bounded(length int64, lim Limits) error {
	if length > lim.Bytes {
		return fail(TooLarge, int(lim.Bytes), fmt.Sprintf("the body of %d bytes is larger than allowed", length))
	}
	return nil
}

// New is [Read] for bytes in hand. They belong to the Body from now on and must not change.
func New(data []byte, h Header, lim Limits) (*Body, error) {
	lim = lim.WithDefaults()
	b := &Body{raw: data, lim: lim}
	return b, b.judge(measure(data, lim), h)
}

// judge opens a body that was read without an error. What fails here fails in Tree too.
func (b *Body) judge(err error, h Header) error {
	if err == nil {
		err = b.open(h)
	}
	b.parsed, b.treeErr = err != nil, err
	return err
}

// open decodes raw. Of an empty body the header says nothing that anybody could misread.
func (b *Body) open(h Header) error {
	if len(b.raw) == 0 {
		b.media, _ = ParseMedia(h.ContentType)
		return nil
	}
	coding, err := codingOf(h.ContentEncoding)
	if err != nil {
		return err
	}
	m, err := ParseMedia(h.ContentType)
	if err != nil {
		return err
	}
	if b.data, err = decode(b.raw, coding, b.lim); err != nil {
		return err
	}
	b.media = m
	return nil
}

// firstRead is how much is read before memory of the body's own size is taken.
const firstRead = 16 << 10

var firstReads = sync.Pool{New: func() any { return new([firstRead]byte) }}

// readAll reads r to its end, or one byte beyond limit.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	scratch := firstReads.Get().(*[firstRead]byte)
	defer firstReads.Put(scratch)
	n, err := fill(r, scratch[:min(firstRead, limit+1)])
	data := append([]byte(nil), scratch[:n]...)
	for err == nil && int64(len(data)) <= limit {
		size := min(2*int64(len(data)), limit+1)
		grown := make([]byte, size)
		n, err = fill(r, grown[copy(grown, data):])
		data = grown[:len(data)+n]
	}
	switch {
	case int64(len(data)) > limit:
		return data, bounded(int64(len(data)), Limits{Bytes: limit})
	case err != io.EOF:
		return data, nowhere(Incomplete, "the body could not be read to its end", err)
	}
	return data, nil
}

// fill reads until p is full or r ends. Unlike [io.ReadFull] it tells a clean end from a broken one.
func fill(r io.Reader, p []byte) (n int, err error) {
	for idle := 0; n < len(p) && err == nil; {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if m > 0 || err != nil {
			idle = 0
		} else if idle++; idle == 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, err
}

// Bytes returns the body decoded from its Content-Encoding; nil after an error. They must not be changed.
func (b *Body) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.data
}

// Raw returns the bytes as received, as far as they were read.
func (b *Body) Raw() []byte {
	if b == nil {
		return nil
	}
	return b.raw
}

// Media returns what the Content-Type says; zero where it is missing or was refused.
func (b *Body) Media() Media {
	if b == nil {
		return Media{}
	}
	return b.media
}

// Octets is the body as one File where it has no tree: what is known of it is its size. It is nil where it has one, or is
// empty.
func (b *Body) Octets() *Node {
	if tree, err := b.Tree(); tree != nil || err != nil || len(b.Bytes()) == 0 {
		return nil
	}
	return &Node{Kind: File, Text: alias(b.data), End: uint32(len(b.data)), File: &FileInfo{ContentType: b.media.Type}}
}

// Tree returns the body as one strict tree, parsed at the first call. It is nil without an error for an empty body
// and for octets. The error is an [*Error], and the same at every call: that of Read or New where they refused the body.
func (b *Body) Tree() (*Node, error) {
	if b == nil {
		return nil, nil
	}
	if !b.parsed {
		b.parsed = true
		b.tree, b.treeErr = parse(b.data, b.media, b.lim, b.fields)
	}
	return b.tree, b.treeErr
}
