package listen

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// held is a connection as it came from the socket, below TLS: it is counted until it is closed, and fails a write of
// which too little is taken. A client that asks for large answers and does not read them would otherwise hold each of
// them for ever: http.Server.WriteTimeout bounds whole answers, and so would cut streams.
type held struct {
	net.Conn
	door   *door
	client *client // nil for a trusted proxy
	since  time.Time
	closed atomic.Bool
	hello                // of the TLS handshake; written before the connection is handed over
	order  atomic.Uint64 // of the fields in the first request, an [exchange.Order]; a head that is refused has none
	turn   atomic.Bool   // its handshake is being computed; see door.queue
	asked  atomic.Bool   // it has brought a request

	greeting bool   // nothing has come yet, or no TLS
	heard    []byte // what has come instead
}

const recordHandshake = 22 // RFC 8446 section 5.1

// Read keeps what is no TLS where a handshake should begin, which is refused before more than a few bytes are read. Strangers stand in
// line with what they sent.
func (c *held) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.client != nil && c.door.line != nil {
		c.door.line.wait(c.client)
	}
	switch {
	case !c.greeting || n == 0:
	case len(c.heard) == 0 && p[0] == recordHandshake:
		c.greeting = false
	default:
		c.heard = append(c.heard, p[:n]...)
	}
	return n, err
}

// Write lets a window pass for each [limits.least] bytes.
func (c *held) Write(p []byte) (int, error) {
	c.endTurn()
	limits := c.door.limits
	for written := 0; ; {
		if err := c.SetWriteDeadline(time.Now().Add(limits.window)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:])
		written += n
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		if n < limits.least() {
			c.door.tally.add(slowReader)
			return written, err
		}
	}
}

func (c *held) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.endTurn()
		c.client.used(c.asked.Load(), time.Now())
		c.door.left(c)
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http and tunnels end one direction only.
func (c *held) CloseWrite() error { return closeWrite(c.Conn, c) }

func (c *held) endTurn() {
	if c.turn.Load() && c.turn.CompareAndSwap(true, false) {
		<-c.door.turns
	}
}

// closeWrite half-closes inner where it can, and closes whole otherwise.
func closeWrite(inner net.Conn, whole net.Conn) error {
	if half, ok := inner.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return whole.Close()
}

// heldBy is the connection below one of a door's that is ready to be served, or nil.
func heldBy(c net.Conn) *held {
	switch c := c.(type) {
	case *wire:
		return c.held
	case encrypted:
		return c.held
	case *tls.Conn:
		h, _ := c.NetConn().(*held)
		return h
	}
	return nil
}
