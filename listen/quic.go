package listen

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// excessiveLoad is H3_EXCESSIVE_LOAD (RFC 9114 section 8.1).
const excessiveLoad = 0x107

// quicConn counts what one connection of HTTP/3 does. The library bounds open streams: one that is taken back holds its
// place until its handler has returned.
type quicConn struct {
	door   *door
	client *client
	conn   *quic.Conn // set before the first request

	mu     sync.Mutex
	resets bucket // in halves, as in flood
	earned int
}

type quicKey struct{}

// quicOf is the connection of a request of HTTP/3.
func quicOf(ctx context.Context) *quicConn { return ctx.Value(quicKey{}).(*quicConn) }

// served notes that a request has been served, or was taken back.
func (c *quicConn) served(takenBack bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets.give(1)
	c.earned++
	if !takenBack || c.conn.Context().Err() != nil {
		return
	}
	now := time.Now()
	earned := c.earned
	c.earned = 0
	switch {
	case !c.resets.take(2, now):
		c.cut(manyResets)
	case !c.client.spendReset(earned, now):
		c.cut(manyResetsClient)
	}
}

func (c *quicConn) cut(cause cut) {
	if c.conn.Context().Err() != nil { // by another request
		return
	}
	c.door.tally.add(cause)
	c.client.flooded(time.Now())
	_ = c.conn.CloseWithError(excessiveLoad, "") // a connection that has ended cannot be ended
}
