package listen

import (
	"bytes"
	"sync/atomic"
)

// contentLength counts how often the name of the field Content-Length stands in what a client sends over HTTP/1, in
// heads, bodies and anywhere else. net/http drops the field beside "Transfer-Encoding: chunked" without a trace. As long
// as every occurrence is explained by a request whose Content-Length net/http has kept, no request had both.
type contentLength struct {
	tail [len("content-length") - 1]byte // the last bytes of what came before
	have int
	seen atomic.Int64
	kept int64 // by requests that are explained; the handlers', one after the other
}

const fieldName = "content-length"

// read looks at what came. The name has no other spelling: it cannot be folded or escaped, and net/http refuses it with
// white space before the colon.
func (c *contentLength) read(p []byte) {
	n := min(len(p), len(fieldName)-1)
	var seam [2 * (len(fieldName) - 1)]byte
	joined := append(append(seam[:0], c.tail[:c.have]...), p[:n]...)
	found := count(joined) + count(p)
	if c.have > 0 { // whatever is in p alone was counted in both
		found -= count(p[:n])
	} else {
		found = count(p)
	}
	if found > 0 {
		c.seen.Add(int64(found))
	}
	last := joined
	if len(p) >= len(fieldName)-1 {
		last = p
	}
	c.have = copy(c.tail[:], last[max(0, len(last)-len(c.tail)):])
}

// count finds the name by its hyphen, which bodies have few of.
func count(p []byte) (n int) {
	const before, after = len("content"), len("-length")
	for at := before; at+after <= len(p); at++ {
		i := bytes.IndexByte(p[at:], '-')
		if i < 0 {
			return n
		}
		if at += i; at+after <= len(p) && bytes.EqualFold(p[at-before:at+after], []byte(fieldName)) {
			n++
		}
	}
	return n
}

// explained notes a request, with the field or without, and reports whether everything that came is explained.
func (c *contentLength) explained(has bool) bool {
	if has {
		c.kept++
	}
	return c.seen.Load() == c.kept
}
