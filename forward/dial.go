package forward

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/sallyport/sallyport/config"
)

// conns are the connections to one target. HTTP/1.1 is ours; HTTP/2 is net/http's, for targets that agree on it in the TLS
// handshake, or are said to speak it in clear. Safe for concurrent use.
type conns struct {
	address  string // host:port
	dialer   net.Dialer
	secure   *tls.Config // nil: in clear
	patience time.Duration
	idle     idle

	http2    *http.Transport // nil: the target never speaks it
	prefers2 atomic.Bool     // it did when last asked
	agreed   chan net.Conn   // on HTTP/2, on its way to the transport
}

var (
	errHTTP2    = errors.New("the target has come to speak HTTP/2")
	errNotHTTP2 = errors.New("the target does not speak HTTP/2 any more")
)

// newConns connects to nothing yet.
func newConns(t *target, c config.Upstream, secure *tls.Config) (*conns, error) {
	at := url.URL{Host: t.host}
	host, err := httpguts.PunycodeHostPort(at.Hostname())
	if err != nil {
		return nil, err
	}
	cs := &conns{
		address:  net.JoinHostPort(host, cmp.Or(at.Port(), map[string]string{"http": "80", "https": "443"}[t.scheme])),
		patience: or(time.Duration(c.ConnectTimeout), defaultConnect),
		idle:     idle{most: or(c.MaxIdle, defaultMaxIdle), patience: time.Duration(c.HeaderTimeout)},
		agreed:   make(chan net.Conn, 1),
	}
	cs.dialer = net.Dialer{Timeout: cs.patience, KeepAlive: 30 * time.Second}
	switch {
	case t.scheme == "https":
		cs.secure = secure.Clone()
		cs.secure.ServerName = cmp.Or(cs.secure.ServerName, host)
		cs.http2 = newHTTP2(c)
		cs.http2.DialTLSContext = cs.dialHTTP2
	case c.H2C:
		cs.http2 = newHTTP2(c)
		cs.http2.DialContext = cs.dialer.DialContext
		cs.prefers2.Store(true)
	}
	return cs, nil
}

// roundTrip sends a request and returns the head of the answer. It closes out.Stream in the end, also after an error.
func (cs *conns) roundTrip(ctx context.Context, t *target, c *call, out *Request, h http.Header, host string, upgrade bool) (*http.Response, error) {
	if !upgrade && cs.prefers2.Load() {
		resp, err := cs.http2.RoundTrip(c.newRequest(ctx, t, out, h, host))
		if !errors.Is(err, errNotHTTP2) || out.Stream != nil {
			return resp, err
		}
	}
	resp, err := cs.roundTrip1(ctx, c, out, h, host, upgrade)
	if errors.Is(err, errHTTP2) {
		defer cs.abandon() // where the transport had another connection by then
		return cs.http2.RoundTrip(c.newRequest(ctx, t, out, h, host))
	}
	return resp, err
}

// roundTrip1 does so on HTTP/1.1. A kept connection may end in the moment in which it is used again: what is idempotent is then
// sent once more, on a new one.
func (cs *conns) roundTrip1(ctx context.Context, c *call, out *Request, h http.Header, host string, upgrade bool) (*http.Response, error) {
	if cn := cs.idle.take(); cn != nil {
		resp, err := cn.exchange(ctx, &cs.idle, c, out, h, host)
		if err == nil || out.Stream != nil || !idempotent(out.Method) || ctx.Err() != nil || !unanswered(err) {
			return resp, err
		}
		c.sent.Store(false)
	}
	cn, err := cs.dial(ctx, upgrade)
	if err != nil {
		if out.Stream != nil && !errors.Is(err, errHTTP2) {
			out.Stream.Close()
		}
		return nil, err
	}
	return cn.exchange(ctx, &cs.idle, c, out, h, host)
}

// dial makes a new connection for HTTP/1.1. One on which HTTP/2 was agreed goes to the transport, and errHTTP2 says so.
func (cs *conns) dial(ctx context.Context, only1 bool) (*conn, error) {
	raw, err := cs.dialer.DialContext(ctx, "tcp", cs.address)
	if err != nil || cs.secure == nil {
		return over(raw, raw, err)
	}
	offer := []string{"h2", "http/1.1"}
	if only1 {
		offer = offer[1:]
	}
	c, err := cs.handshake(ctx, raw, offer)
	if err != nil || c.ConnectionState().NegotiatedProtocol != "h2" {
		return over(c, raw, err)
	}
	cs.prefers2.Store(true)
	select {
	case cs.agreed <- c:
	default:
		c.Close() // another has come first
	}
	return nil, errHTTP2
}

func over(c, raw net.Conn, err error) (*conn, error) {
	if err != nil {
		return nil, err
	}
	return newConn(c, raw)
}

func (cs *conns) handshake(ctx context.Context, raw net.Conn, offer []string) (*tls.Conn, error) {
	secure := cs.secure.Clone()
	secure.NextProtos = offer
	c := tls.Client(raw, secure)
	ctx, cancel := context.WithTimeout(ctx, cs.patience)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &net.OpError{Op: "dial", Net: "tls", Addr: raw.RemoteAddr(), Err: err} // somebody is there, but not to whom we would talk
	}
	return c, nil
}

// dialHTTP2 is where the transport gets its connections from. A target that has changed its mind gets the next request on
// HTTP/1.1.
func (cs *conns) dialHTTP2(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case c := <-cs.agreed:
		return c, nil
	default:
	}
	raw, err := cs.dialer.DialContext(ctx, "tcp", cs.address)
	if err != nil {
		return nil, err
	}
	c, err := cs.handshake(ctx, raw, []string{"h2", "http/1.1"})
	if err != nil {
		return nil, err
	}
	if c.ConnectionState().NegotiatedProtocol != "h2" {
		cs.prefers2.Store(false)
		raw.Close()
		return nil, errNotHTTP2
	}
	return c, nil
}

// abandon closes a connection that nobody has taken.
func (cs *conns) abandon() {
	select {
	case c := <-cs.agreed:
		c.Close()
	default:
	}
}

// release closes what is idle on HTTP/2; close everything that is idle, and keeps nothing from then on.
func (cs *conns) release() {
	if cs.http2 != nil {
		cs.http2.CloseIdleConnections()
	}
}

func (cs *conns) close() {
	cs.idle.close()
	cs.release()
	cs.abandon()
}
