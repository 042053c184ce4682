// Package listen owns the sockets on which clients are served: TLS, time and size limits of HTTP/1.1 and HTTP/2, the
// client's address behind trusted proxies, and the hardening of what net/http lets pass.
//
// It promises that a handler sees only requests whose head arrived in time and within its size, that plain HTTP is
// served on loopback only unless the operator wrote otherwise, and that no line of HTTP/1 on which two readers could
// disagree, and no malformed header block of HTTP/2, reaches net/http (see strict, blocks).
package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Defaults of [config.Listener].
const (
	defaultMaxHeader     = 32 << 10
	defaultHeaderTimeout = 10 * time.Second
	defaultIdleTimeout   = 2 * time.Minute
)

// Options are what a Server needs besides its configuration.
type Options struct {
	// Log receives what the HTTP server has to say. Nil discards it.
	Log *slog.Logger
	// Checked says that the handler calls [Check] with every request, and so refuses itself what was wrong with its head.
	// Requests of other handlers are answered here.
	Checked bool
	// Host says whether anything is served under a TLS server name, and what is demanded there in place of what the
	// listener demands, or nil. "" is a client that asks for no name. Nil: all names are served.
	Host func(name string) (served bool, d *Demand)
	// Banned tells whether connections of an address are closed unheard, and after how long. Trusted proxies are not asked about. Nil: none.
	Banned func(netip.Addr) (banned bool, after time.Duration)
	// Line is where strangers wait. Nil: none does.
	Line *Line
	// Folder is where certificates that are obtained by ACME are kept.
	Folder string
	// HTTPPort is that of a listener without TLS whose handler goes through Challenges; 0 where there is none.
	HTTPPort int
	// Inherited are sockets that are open already; one of them is used where its address is that of the listener.
	Inherited *Inherited
}

// A Server is one socket with its handler. Its methods are safe for concurrent use.
type Server struct {
	socket net.Listener
	door   *door // what the HTTP server takes for its socket
	http   *http.Server
	tls    *security                   // nil on plain listeners
	http3  atomic.Pointer[http3Server] // nil unless configured
	later  func()                      // binds the port of HTTP/3 once the predecessor has left it; nil without one
	tally  tally
	cancel context.CancelFunc

	inherited bool // see [Inherited]
	leaving   *leaving
}

// New opens the socket of l and prepares to serve h on it. Everything that can fail does so here: the address, the
// certificate, the trusted proxies, and the rule that plain HTTP stays on loopback.
func New(l config.Listener, h http.Handler, o Options) (*Server, error) {
	u, err := understand(l, o.Host)
	if err != nil {
		return nil, err
	}
	proxies := u.proxies
	s := &Server{leaving: &leaving{now: make(chan struct{})}, tls: u.tls}
	if s.socket = o.Inherited.take(u.addr); s.socket != nil {
		s.inherited = true
	} else if s.socket, err = openTCP(u.addr); err != nil {
		return nil, fmt.Errorf("couldn't listen on %s: %w", l.Address, err)
	}
	boundUnsent(s.socket.(*net.TCPListener))
	limits := newLimits(l)
	set := &settings{proxies: proxies, hsts: hsts(l.HSTS), maxHead: limits.maxHead}
	h = goodbye{pacing{h, &limits, &s.tally}, s.leaving}
	s.http = newHTTP(l, h, o, set)
	base, cancel := context.WithCancel(context.WithValue(context.Background(), leavingKey{}, s.leaving))
	s.cancel = cancel
	s.http.BaseContext = func(net.Listener) context.Context { return base }
	if s.tls != nil {
		s.http.TLSConfig = s.tls.base
	}
	if err := configureHTTP2(s.http); err != nil { // by suites that HTTP/2 forbids only
		s.socket.Close()
		return nil, fmt.Errorf("couldn't prepare HTTP/2 on %s: %w", l.Address, err)
	}
	s.door = newDoor(s.socket, s.tlsConfig(), &limits, proxies, logger(o.Log), &s.tally)
	if s.tls != nil && l.TLS.ACME != nil {
		if s.tls.renewal, err = newRenewal(*l.TLS.ACME, s.socket.Addr(), o); err != nil {
			s.socket.Close()
			return nil, err
		}
	}
	s.door.introducers, s.door.banned, s.door.line = u.introducers, o.Banned, o.Line
	if l.HTTP3 && s.tls != nil {
		bind := func() (*http3Server, error) { return newHTTP3(s, l, h, &limits, set, logger(o.Log)) }
		if s.inherited && o.Inherited.From() != 0 {
			s.later = func() { s.bindLater(bind) }
		} else if q, err := bind(); err != nil {
			s.door.Close()
			return nil, err
		} else {
			s.http3.Store(q)
		}
		s.http.Handler = advertising{s.http.Handler, fmt.Sprintf(`h3=":%d"; ma=86400`, s.Addr().(*net.TCPAddr).Port)}
	}
	return s, nil
}

// openTCP opens a socket of TCP. Go would make it one of Multipath TCP, whose connections take no options of ours, and whose
// clients have more than one address.
func openTCP(addr *net.TCPAddr) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp", addr.String())
}

// tlsConfig is nil on plain listeners. It carries the protocols that configureHTTP2 has added.
func (s *Server) tlsConfig() *tls.Config {
	if s.tls == nil {
		return nil
	}
	return s.http.TLSConfig
}

// newHTTP sets the limits of the server. There is no ReadTimeout and no WriteTimeout: they would cut streams, and
// how long a body may take is known only once its operation is.
func newHTTP(l config.Listener, h http.Handler, o Options, set *settings) *http.Server {
	s := &http.Server{
		Handler:           closing{h, o.Checked},
		ReadHeaderTimeout: or(time.Duration(l.HeaderTimeout), defaultHeaderTimeout),
		IdleTimeout:       or(time.Duration(l.IdleTimeout), defaultIdleTimeout),
		MaxHeaderBytes:    2 * set.maxHead,
		// net/http answers OPTIONS * itself with 200 and without a record; here it meets the same judge as the rest.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     errorLog(o.Log),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			ctx = context.WithValue(ctx, peerKey{}, newPeer(c, set))
			switch c := c.(type) {
			case *wire:
				return context.WithValue(ctx, wireKey{}, c)
			case encrypted:
				return context.WithValue(ctx, wireKey{}, c.wire)
			}
			return ctx // HTTP/2 over TLS: see configureHTTP2
		},
		Protocols: new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          or(l.Limits.Streams, defaultStreams),
			MaxReadFrameSize:              maxFrame, // more saves nothing, and is held by each connection
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     256 << 10,
			SendPingTimeout:               30 * time.Second,
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              30 * time.Second,
		},
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if state != http.StateHijacked {
			return
		}
		switch c := c.(type) {
		case *wire:
			c.hijacked()
		case encrypted:
			c.hijacked()
		}
	}
	s.Protocols.SetHTTP1(true)
	if l.TLS != nil {
		s.Protocols.SetHTTP2(true)
	} else {
		s.Protocols.SetUnencryptedHTTP2(true) // prior knowledge only, as gRPC does; there is no Upgrade: h2c
	}
	return s
}

// Addr is the address that the socket is bound to.
func (s *Server) Addr() net.Addr { return s.socket.Addr() }

// Serve accepts connections until Shutdown; it returns nil after Shutdown.
func (s *Server) Serve() error {
	if q := s.http3.Load(); q != nil {
		go q.serve()
	}
	if s.later != nil {
		go s.later()
	}
	if s.tls != nil && s.tls.renewal != nil {
		if err := s.tls.renewal.begin(s.http.BaseContext(nil)); err != nil {
			return err
		}
	}
	err := s.http.Serve(s.door)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("couldn't serve on %s: %w", s.Addr(), err)
}

// Shutdown stops accepting, waits for requests in flight and tunnels until ctx is done, then closes what is left. The
// error is that of ctx when something had to be cut.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.tls != nil && s.tls.renewal != nil {
		defer s.tls.renewal.end()
	}
	defer s.cancel()
	s.leaving.once.Do(func() { close(s.leaving.now) })
	quic := make(chan error, 1)
	go func() { quic <- s.http3.Load().shutdown(ctx) }()
	err := errors.Join(s.http.Shutdown(ctx), <-quic)
	s.door.Close() // not yet known to the http.Server when Serve was never called
	if err == nil {
		err = s.leaving.settled(ctx)
	}
	if err != nil {
		s.http.Close()
		return fmt.Errorf("couldn't drain %s: %w", s.Addr(), err)
	}
	return nil
}

// Reload reads certificates and keys again. On failure all old ones stay in use. A plain listener has none.
func (s *Server) Reload() error {
	if s.tls == nil {
		return nil
	}
	return s.tls.load()
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
