package listen

import (
	"context"
	"crypto/tls"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// Of RFC 9114 section 8.1, H3_NO_ERROR and H3_EXCESSIVE_LOAD.
const (
	noError       = 0x100
	excessiveLoad = 0x107
)

// Streams that connections of HTTP/3 may have open, all of one client and all together, of which a new one gets a part of what is left,
// and so many at least. A stream that is begun and never asks costs some KB, and nobody sees it but the library.
const (
	streamsOfClient, partOfClient = 8 << 10, 64
	streamsOfAll, partOfAll       = 256 << 10, 1024
	leastStreams                  = 8
)

// allowance is how many streams a connection gets that comes from addr now.
func (c *clients) allowance(addr netip.Addr) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := (streamsOfAll - c.streams) / partOfAll
	if k := c.known[subscriber(addr)]; k != nil {
		n = min(n, (streamsOfClient-k.streams)/partOfClient)
	}
	return min(max(n, leastStreams), c.limits.streams)
}

// grant counts n streams more, or fewer, of a client, which is nil for a trusted proxy.
func (c *clients) grant(k *client, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams += n
	if k != nil {
		k.streams += n
	}
}

// quicConn counts what one connection of HTTP/3 does. The library bounds open streams: one that is taken back holds its
// place until its handler has returned.
type quicConn struct {
	door    *door
	client  *client
	conn    *quic.Conn    // set before the first request
	streams int           // that it may have open
	pause   time.Duration // before its handshake; see [client.patience]
	paused  sync.Once     // what waits was counted out

	mu      sync.Mutex
	resets  bucket // in halves, as in flood
	earned  int
	serving int // requests
	asked   bool
	ended   bool
	idle    time.Duration
	timer   *time.Timer // ends it while nothing is served; nil until it is open
}

type quicKey struct{}

// quicOf is the connection of a request of HTTP/3.
func quicOf(ctx context.Context) *quicConn { return ctx.Value(quicKey{}).(*quicConn) }

// quicConfig bounds what a connection may do. How many streams it gets depends on how many there are.
func (d *door) quicConfig(idle time.Duration) *quic.Config {
	conf := &quic.Config{
		HandshakeIdleTimeout:           d.limits.handshakeTimeout / 2, // the whole may take twice as long
		MaxIdleTimeout:                 idle,
		MaxIncomingUniStreams:          16, // control, both of QPACK, and some that nobody needs (RFC 9114 section 6.2)
		MaxStreamReceiveWindow:         256 << 10,
		MaxConnectionReceiveWindow:     1 << 20,
		InitialStreamReceiveWindow:     64 << 10,
		InitialConnectionReceiveWindow: 256 << 10,
	}
	conf.GetConfigForClient = func(i *quic.ClientInfo) (*quic.Config, error) {
		c := conf.Clone()
		_, client := d.comes(i.RemoteAddr)
		c.MaxIncomingStreams = int64(d.clients.allowance(client))
		return c, nil
	}
	return conf
}

// patiently has clients wait between their hello and our answer, where its cost is, as those of TCP do. Nobody else waits with them:
// QUIC runs each connection by itself.
func patiently(conf *tls.Config) *tls.Config {
	conf = conf.Clone()
	inner := conf.GetConfigForClient
	conf.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if err := quicOf(hello.Context()).await(hello.Context()); err != nil {
			return nil, err
		}
		return inner(hello)
	}
	return conf
}

// await returns when the handshake may be computed.
func (c *quicConn) await(ctx context.Context) error {
	if c.pause > 0 {
		select {
		case <-time.After(c.pause):
			c.resume()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.stand()
	return nil
}

// resume says that it does not wait any more.
func (c *quicConn) resume() {
	if c.pause > 0 {
		c.paused.Do(c.client.waited)
	}
}

// stand stands in line, where it is somebody's who may have to.
func (c *quicConn) stand() {
	if c.client != nil && c.door.line != nil {
		c.door.line.wait(c.client)
	}
}

// opened begins to wait for requests, the first of which is to come as soon as on TCP. A client that only shows that it is there, or begins
// streams without a request, is idle, too.
func (c *quicConn) opened(conn *quic.Conn, idle time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.idle, c.timer = conn, idle, time.AfterFunc(min(idle, c.door.limits.headerTimeout), c.expire)
	if c.ended {
		c.timer.Stop()
	}
}

func (c *quicConn) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving == 0 {
		_ = c.conn.CloseWithError(noError, "") // a connection that has ended cannot be ended
	}
}

// left counts a connection out that has ended. A timer that ran on would keep it in memory.
func (c *quicConn) left() {
	c.resume()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.client.used(c.asked, time.Now())
	c.door.clients.grant(c.client, -c.streams)
	c.door.clients.leave(c.client)
	c.door.tally.open.Add(-1)
}

// serve begins to serve a request, when it is its turn.
func (c *quicConn) serve() {
	c.mu.Lock()
	c.asked = true
	c.serving++
	c.mu.Unlock()
	c.stand()
}

// served notes that a request has been served, or was taken back.
func (c *quicConn) served(takenBack bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving--; c.serving == 0 && !c.ended {
		c.timer.Reset(c.idle)
	}
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
