package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/sallyport/sallyport/config"
)

// farewell is how long clients have to take the end of their last answer and hang up by themselves.
const farewell = 250 * time.Millisecond

// http3Server serves HTTP/3 on the UDP port with the number of its listener's. Connections count with those of TCP, by
// total and by client; streams, resets, header, handshake and idle times, and minimum rates are bounded as there. Frames
// of QUIC are for the library to bound.
type http3Server struct {
	server    *http3.Server
	transport *quic.Transport
	listener  *quic.Listener
	busy      atomic.Int64 // requests being served
	log       *slog.Logger
}

// newHTTP3 binds the port of s and prepares to serve h on it.
func newHTTP3(s *Server, l config.Listener, h http.Handler, limits *limits, set *settings, log *slog.Logger) (*http3Server, error) {
	at := s.Addr().(*net.TCPAddr)
	q := &http3Server{log: log}
	idle := l.IdleTimeout.Or(defaultIdleTimeout)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: at.IP, Port: at.Port, Zone: at.Zone})
	if err != nil {
		return nil, fmt.Errorf("couldn't listen for HTTP/3 on %s: %w", at, err)
	}
	q.transport = &quic.Transport{Conn: socket,
		// Connections count by address, so it must be the client's own: nobody can use up what is another's.
		VerifySourceAddress: func(net.Addr) bool { return true },
		ConnContext: func(ctx context.Context, c *quic.ClientInfo) (context.Context, error) {
			return s.door.enterQUIC(ctx, c.RemoteAddr, set)
		},
	}
	if q.listener, err = q.transport.Listen(http3.ConfigureTLSConfig(patiently(s.tls.base)), s.door.quicConfig(idle)); err != nil {
		socket.Close()
		return nil, fmt.Errorf("couldn't listen for HTTP/3 on %s: %w", at, err)
	}
	// Its IdleTimeout would keep what is closed until it is over; and it is for clients to put off.
	q.server = &http3.Server{Handler: q.handler(h), MaxHeaderBytes: 2 * set.maxHead, Logger: slog.New(slog.DiscardHandler),
		ConnContext: func(ctx context.Context, c *quic.Conn) context.Context {
			quicOf(ctx).opened(c, idle)
			return ctx
		}}
	return q, nil
}

// comes tells what address a datagram comes from, and which one the limits of a client bind: none of a trusted proxy's.
func (d *door) comes(remote net.Addr) (addr, client netip.Addr) {
	if udp, ok := remote.(*net.UDPAddr); ok {
		addr = udp.AddrPort().Addr().Unmap().WithZone("")
	}
	if contains(d.proxies, addr) {
		return addr, netip.Addr{}
	}
	return addr, addr
}

// enterQUIC counts a connection in until ctx ends, and notes the peer. The error refuses it.
func (d *door) enterQUIC(ctx context.Context, remote net.Addr, set *settings) (context.Context, error) {
	addr, client := d.comes(remote)
	p := &peer{addr: addr, hsts: set.hsts, maxHead: set.maxHead}
	if addr != client {
		p.proxies = d.proxies
	}
	if is := d.banned; is != nil && client.IsValid() {
		if shut, _ := is(client); shut {
			d.tally.add(banned)
			return nil, errors.New(banned.String())
		}
	}
	k, cause, ok := d.clients.enter(client, 1)
	if !ok {
		d.tally.add(cause)
		return nil, errors.New(cause.String())
	}
	c := &quicConn{door: d, client: k, streams: d.clients.allowance(client), resets: newBucket(2*d.limits.resets, 1, time.Now())}
	if c.pause, ok = k.patience(time.Now()); !ok {
		d.clients.leave(k)
		d.tally.add(manyHandshakes)
		return nil, errors.New(manyHandshakes.String())
	}
	d.clients.grant(k, c.streams)
	d.tally.open.Add(1)
	d.tally.accepted.Add(1)
	context.AfterFunc(ctx, c.left)
	return context.WithValue(context.WithValue(ctx, peerKey{}, p), quicKey{}, c), nil
}

// handler counts requests and removes fields of the answer that HTTP/3 forbids (RFC 9114 section 4.2).
func (q *http3Server) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q.busy.Add(1)
		defer q.busy.Add(-1)
		c := quicOf(r.Context())
		c.serve()
		next.ServeHTTP(&connectionless{w}, r)
		c.served(r.Context().Err() != nil)
	})
}

// connectionless is the writer of an answer in which the connection is nobody's business.
type connectionless struct{ http.ResponseWriter }

// Unwrap is for [http.ResponseController].
func (w *connectionless) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *connectionless) WriteHeader(status int) {
	w.clean()
	w.ResponseWriter.WriteHeader(status)
}

func (w *connectionless) Write(p []byte) (int, error) {
	w.clean()
	return w.ResponseWriter.Write(p)
}

// FlushError is for [http.ResponseController].
func (w *connectionless) FlushError() error {
	w.clean()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *connectionless) clean() {
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"} {
		delete(w.Header(), name)
	}
}

// advertising tells clients of HTTP/1.1 and HTTP/2 where HTTP/3 is (RFC 7838).
type advertising struct {
	next   http.Handler
	altSvc string
}

func (a advertising) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Alt-Svc", a.altSvc)
	a.next.ServeHTTP(w, r)
}

// serve returns when the server is shut down.
func (q *http3Server) serve() {
	err := q.server.ServeListener(q.listener)
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, quic.ErrServerClosed) {
		q.log.Error("HTTP/3 is not served", "error", err)
	}
}

// shutdown tells clients to go (GOAWAY), waits for requests until ctx is done, and closes. Clients that stay although
// nothing is being served are not waited for. A nil server is shut down.
func (q *http3Server) shutdown(ctx context.Context) error {
	if q == nil {
		return nil
	}
	waiting, idle := context.WithCancel(ctx)
	defer idle()
	go func() {
		for q.busy.Load() > 0 && waiting.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(farewell)
		idle()
	}()
	err := q.server.Shutdown(waiting)
	q.listener.Close()
	q.transport.Close()
	q.transport.Conn.Close()
	if ctx.Err() == nil { // whoever was still there had nothing to wait for
		return nil
	}
	return err
}
