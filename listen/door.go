package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A door is the listener of the HTTP server. It lets in no more connections than the limits say, and hands them over
// once their TLS handshake is done, so that a handshake costs what it may cost and not more.
type door struct {
	net.Listener // the socket
	tls          *tls.Config
	limits       *limits
	proxies      []netip.Prefix
	introducers  []netip.Prefix // who must speak the PROXY protocol
	introduction chan struct{}  // one for each header that is being read
	clients      *clients
	tally        *tally
	log          *slog.Logger
	ready        chan net.Conn
	failed       chan error
	turns        chan struct{} // one for each handshake that is being computed
	ctx          context.Context
	cancel       context.CancelFunc
	open         sync.Once
	retired      atomic.Bool
	banned       func(netip.Addr) (bool, time.Duration) // nil: nobody
	tarred       atomic.Int64
	line         *Line // nil: nobody waits
}

// newDoor makes one for socket; conf is nil on plain listeners. Close ends it.
func newDoor(socket net.Listener, conf *tls.Config, l *limits, proxies []netip.Prefix, log *slog.Logger, t *tally) *door {
	d := &door{Listener: socket, limits: l, proxies: proxies, clients: newClients(l), tally: t, log: log,
		ready: make(chan net.Conn), failed: make(chan error), introduction: make(chan struct{}, maxIntroductions), turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	if conf != nil {
		d.tls = d.queue(conf)
	}
	return d
}

// queue makes handshakes wait for their turn between the client's hello and our answer, where their cost is: at most
// half of the processors work for strangers' handshakes. A client that dawdles holds no turn, because the turn ends
// with the first byte written.
func (d *door) queue(conf *tls.Config) *tls.Config {
	conf = conf.Clone()
	inner := conf.GetConfigForClient
	conf.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		h, ok := hello.Conn.(*held)
		if !ok {
			return nil, errors.New("not a connection of this door")
		}
		select {
		case d.turns <- struct{}{}:
			h.turn.Store(true)
		case <-hello.Context().Done():
			return nil, hello.Context().Err()
		}
		if inner == nil {
			return nil, nil
		}
		return inner(hello)
	}
	return conf
}

// Accept returns the next connection that may be served.
func (d *door) Accept() (net.Conn, error) {
	d.open.Do(func() { go d.run() })
	select {
	case c := <-d.ready:
		return c, nil
	case err := <-d.failed:
		return nil, err
	case <-d.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close closes the socket and ends the handshakes that are under way.
func (d *door) Close() error {
	d.cancel()
	if err := d.Listener.Close(); !d.retired.Load() {
		return err
	}
	return nil // it was closed before
}

// retire closes the socket, but not what came from it: handshakes that are under way are finished and served.
func (d *door) retire() {
	d.retired.Store(true)
	d.Listener.Close()
}

// run accepts until retire or Close. An error is told to Accept, whose caller waits a while before it asks again.
func (d *door) run() {
	for {
		c, err := d.Listener.Accept()
		if err != nil && d.retired.Load() {
			return
		}
		if err != nil {
			select {
			case d.failed <- err:
			case <-d.ctx.Done():
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if contains(d.introducers, addressOf(c)) {
			d.introduction <- struct{}{} // so many wait for headers that the next has to
			go d.introduce(c)
			continue
		}
		d.enter(c)
	}
}

// introduce reads who it is that a peer speaks for, within the time that a handshake may take.
func (d *door) introduce(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(d.limits.handshakeTimeout))
	stop := context.AfterFunc(d.ctx, func() { c.Close() })
	known, err := introduced(c)
	stop()
	<-d.introduction
	if err != nil {
		d.tally.add(badIntroduction)
		d.log.Debug("connection cut", "cause", badIntroduction.String(), "peer", c.RemoteAddr().String(), "error", err.Error())
		c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	d.enter(known)
}

// enter lets a connection in, if the limits say so.
func (d *door) enter(c net.Conn) {
	if d.shut(c) {
		return
	}
	h := d.admit(c)
	switch {
	case h == nil:
		c.Close()
	case d.tls == nil:
		d.hand(newWire(h, h), h)
	default:
		d.begin(h)
	}
}

// begin begins a handshake, later where the client has wasted many.
func (d *door) begin(h *held) {
	wait, ok := h.client.patience(time.Now())
	switch {
	case !ok:
		d.report(manyHandshakes, h)
		h.Close()
	case wait > 0:
		time.AfterFunc(wait, func() {
			h.client.waited()
			d.greet(h)
		})
	default:
		go d.greet(h)
	}
}

// maxTarred bounds the connections that are kept from a banned client without a word: each costs a file, and the client as much.
const maxTarred = 1000

// shut closes the connection of a banned client before it costs anything, or keeps it waiting first.
func (d *door) shut(c net.Conn) bool {
	addr := addressOf(c)
	if d.banned == nil || contains(d.proxies, addr) {
		return false
	}
	is, after := d.banned(addr)
	if !is {
		return false
	}
	d.tally.add(banned)
	if after <= 0 || d.tarred.Add(1) > maxTarred {
		if after > 0 {
			d.tarred.Add(-1)
		}
		c.Close()
		return true
	}
	time.AfterFunc(after, func() {
		c.Close()
		d.tarred.Add(-1)
	})
	return true
}

// admit counts a connection in, or returns nil. A trusted proxy speaks for many clients, so that limits of one do not
// bind it.
func (d *door) admit(c net.Conn) *held {
	h := &held{Conn: c, door: d, since: time.Now()}
	addr := addressOf(c)
	if contains(d.proxies, addr) {
		addr = netip.Addr{}
	}
	handshakes := 0
	if d.tls != nil {
		handshakes = 1
	}
	k, cause, ok := d.clients.enter(addr, handshakes)
	if !ok {
		d.report(cause, h)
		return nil
	}
	h.client = k
	d.tally.open.Add(1)
	d.tally.accepted.Add(1)
	return h
}

func (d *door) left(h *held) {
	d.clients.leave(h.client)
	d.tally.open.Add(-1)
}

// report counts a cut, and tells who it was where somebody asks for that much: strangers provoke it at will.
func (d *door) report(c cut, h *held) {
	d.tally.add(c)
	d.log.Debug("connection cut", "cause", c.String(), "peer", h.RemoteAddr().String())
}

// greet does the handshake. HTTP/2 is handed over as *tls.Conn, by which net/http knows it; see serveHTTP2.
func (d *door) greet(h *held) {
	ctx, cancel := context.WithTimeout(d.ctx, d.limits.handshakeTimeout)
	defer cancel()
	h.greeting = true
	c := tls.Server(h, d.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		d.turnAway(h, err, ctx.Err())
		return
	}
	if c.ConnectionState().NegotiatedProtocol == "h2" {
		d.hand(c, h)
		return
	}
	d.hand(encrypted{newWire(c, h)}, h)
}

func (d *door) turnAway(h *held, err, late error) {
	var plain tls.RecordHeaderError
	switch {
	case errors.Is(late, context.Canceled): // we are closing
	case late != nil:
		d.report(handshakeTimeout, h)
	case errors.As(err, &plain) && plain.Conn != nil && speaksHTTP(plain.RecordHeader):
		d.report(handshakeFailed, h)
		d.hand(h.forgotten(), h)
		return
	default:
		d.report(handshakeFailed, h)
	}
	h.Close()
}

// speaksHTTP reports whether a client forgot TLS: its first bytes are a method rather than a record.
func speaksHTTP(head [5]byte) bool {
	for _, c := range head[:3] {
		if c < 'A' || 'Z' < c {
			return false
		}
	}
	return true
}

// hand waits until the server takes c.
func (d *door) hand(c net.Conn, h *held) {
	select {
	case d.ready <- c:
	case <-d.ctx.Done():
		h.Close()
	}
}
