package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Bounds of lingering. Who is refused while it sends, and reads only when it has sent everything, would not see why: closing a
// connection on which bytes wait to be read resets it, and what the client has not read yet is lost with it (RFC 9112 section 9.6).
// So our side is closed first, and the rest of the message is read and thrown away. A connection that lingers counts as open, and
// costs 8 KiB and a goroutine besides.
const (
	lingerTime      = 10 * time.Second
	lingerSilence   = 2 * time.Second // between two reads
	lingerBytes     = 32 << 20
	lingerAtOnce    = 2048
	lingerPerClient = 256
)

var errAbandoned = errors.New("nobody reads the rest of the request")

// Abandon says that nobody wants the rest of r's body. Over HTTP/1, what has not come is not waited for, whoever reads it now fails,
// and the connection ends with the answer. A read deadline would not do: net/http lifts it when it interrupts a read that is pending
// while the handler returns, and then waits for the rest itself. Over HTTP/2 the server resets the stream; nothing is to be done.
func Abandon(r *http.Request) {
	if w := wireOf(r.Context()); w != nil && w.blocks == nil {
		w.deaf.Store(true)
		_ = w.SetReadDeadline(time.Unix(1, 0)) // fails on closed connections only
	}
}

// Close lingers where an answer may be lost otherwise.
func (w *wire) Close() error {
	if w.owed.Swap(false) && w.held.door.clients.linger(w.held.client) {
		w.linger()
		w.held.door.clients.lingered(w.held.client)
	}
	return w.Conn.Close()
}

// linger reads below TLS: nobody wants to know what it is.
func (w *wire) linger() {
	d := w.held.door
	stop := context.AfterFunc(d.ctx, func() { w.held.Close() })
	defer stop()
	if c, ok := w.Conn.(*tls.Conn); ok {
		_ = c.CloseWrite() // the client may be gone
	}
	if w.held.CloseWrite() != nil {
		return
	}
	until := time.Now().Add(d.limits.lingerTime)
	n, _ := io.CopyN(io.Discard, patient{w.held, d.limits, until}, d.limits.lingerBytes) // the error tells less than the bounds
	if n == d.limits.lingerBytes || !time.Now().Before(until) {
		d.report(longLinger, w.held)
	}
}

// patient reads until the client is silent, or its time is over.
type patient struct {
	net.Conn
	limits *limits
	until  time.Time
}

func (p patient) Read(b []byte) (int, error) {
	left := time.Until(p.until)
	if left <= 0 {
		return 0, io.EOF
	}
	if err := p.SetReadDeadline(time.Now().Add(min(p.limits.lingerSilence, left))); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// linger counts a connection in that lingers, or says that there are too many.
func (c *clients) linger(k *client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lingering >= c.limits.lingerAtOnce || k != nil && k.lingering >= c.limits.lingerPerClient {
		return false
	}
	c.lingering++
	if k != nil {
		k.lingering++
	}
	return true
}

func (c *clients) lingered(k *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lingering--
	if k != nil {
		k.lingering--
	}
}
