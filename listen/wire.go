package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// wire is a connection as the HTTP server reads it, above TLS. It sees the same bytes as the server, before it.
type wire struct {
	net.Conn
	held     *held
	lengths  contentLength
	requests atomic.Int64
	told     atomic.Bool           // that it ends
	flood    atomic.Pointer[flood] // nil unless HTTP/2; set by the reader
	preface  int                   // how much of HTTP/2's has come; -1 once it is known to be HTTP/1
	mute     atomic.Bool           // nothing was written since something was read
	timed    atomic.Bool           // the read deadline is a time limit, and not a way to wake the reader up
	begun    time.Time             // of the frame or header block that deadline is for
}

// encrypted is a wire above TLS. net/http takes Request.TLS from it.
type encrypted struct{ *wire }

func (e encrypted) ConnectionState() tls.ConnectionState { return e.Conn.(*tls.Conn).ConnectionState() }

func newWire(c net.Conn, h *held) *wire { return &wire{Conn: c, held: h} }

func (w *wire) Read(p []byte) (int, error) {
	f := w.flood.Load()
	if f != nil {
		w.limitFrame(f)
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.mute.Store(true)
		if cause, ok := w.watch(p[:n]); !ok {
			return 0, w.cut(cause)
		}
	}
	if err != nil && w.timed.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return n, w.late(f, err)
	}
	return n, err
}

// late counts a time limit that was reached, unless it is that of an idle connection.
func (w *wire) late(f *flood, err error) error {
	if f != nil { // see limitFrame
		return w.cut(slowRequest)
	}
	if w.mute.Load() {
		w.held.door.report(slowRequest, w.held)
	}
	return err
}

// cut counts the cause. golang.org/x/net/http2 says GOAWAY with the code of an error of this type, as for one of its own.
func (w *wire) cut(c cut) error {
	w.held.door.report(c, w.held)
	return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
}

// watch hands what was read to the one who watches this protocol.
func (w *wire) watch(p []byte) (cut, bool) {
	if w.preface >= 0 && w.preface < len(http2.ClientPreface) {
		p = w.greet(p)
	}
	if w.preface < 0 {
		w.lengths.read(p)
		return 0, true
	}
	if f := w.flood.Load(); f != nil {
		return f.read(p)
	}
	return 0, true
}

// greet compares with the preface of HTTP/2 (RFC 9113 section 3.4) and returns what follows it. HTTP/1 differs from it
// within the first request, whose beginning has no field.
func (w *wire) greet(p []byte) []byte {
	n := min(len(p), len(http2.ClientPreface)-w.preface)
	if !bytes.Equal(p[:n], []byte(http2.ClientPreface)[w.preface:w.preface+n]) {
		w.preface = -1
		return p
	}
	if w.preface += n; w.preface == len(http2.ClientPreface) {
		w.flood.Store(newFlood(w.held.door.limits, w.held.client, time.Now()))
	}
	return p[n:]
}

// limitFrame bounds the time for a frame or header block that has begun. The HTTP/2 server sets no read deadlines.
func (w *wire) limitFrame(f *flood) {
	switch inside := f.inside(); {
	case inside && w.begun.IsZero():
		w.begun = time.Now()
		_ = w.SetReadDeadline(w.begun.Add(w.held.door.limits.headerTimeout)) // fails on closed connections only
	case !inside && !w.begun.IsZero():
		w.begun = time.Time{}
		_ = w.SetReadDeadline(time.Time{})
	}
}

func (w *wire) Write(p []byte) (int, error) {
	w.mute.Store(false)
	n, err := w.Conn.Write(p)
	if f := w.flood.Load(); f != nil && n > 0 {
		f.wrote(p[:n])
	}
	return n, err
}

// SetReadDeadline also tells limits from net/http's way to end a pending read: a deadline long ago.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.timed.Store(t.Unix() > 1)
	return w.Conn.SetReadDeadline(t)
}

// CloseWrite lets net/http and tunnels end one direction only.
func (w *wire) CloseWrite() error { return closeWrite(w.Conn, w) }

type wireKey struct{}

// last reports whether the connection is to end with the answer to r: because its framing could be disputed, or because
// the connection is old. On HTTP/2 it ends with GOAWAY, after the requests that are open. It is asked once per request.
func (w *wire) last(r *http.Request) bool {
	limits := w.held.door.limits
	disputed := false
	if r.ProtoMajor == 1 {
		explained := w.lengths.explained(r.Header["Content-Length"] != nil)
		disputed = r.ProtoMinor == 0 || len(r.TransferEncoding) > 0 && !explained
	}
	n := w.requests.Add(1)
	switch {
	case limits.maxRequests > 0 && n >= limits.maxRequests:
		w.tell(maxRequests)
	case time.Since(w.held.since) > limits.maxAge:
		w.tell(maxAge)
	default:
		return disputed
	}
	return true
}

// tell counts a connection that was told to end, once.
func (w *wire) tell(c cut) {
	if !w.told.Swap(true) {
		w.held.door.tally.add(c)
	}
}

func wireOf(ctx context.Context) *wire {
	w, _ := ctx.Value(wireKey{}).(*wire)
	return w
}
