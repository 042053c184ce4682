package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// wire is a connection as the HTTP server reads it, above TLS. It sees the same bytes as the server, before it; those of
// HTTP/1 only as far as strict lets them pass, header blocks of HTTP/2 only as far as blocks does.
type wire struct {
	net.Conn
	held     *held
	strict   strict
	out      []byte // what strict let pass and nobody has read yet
	taken    *[]byte
	failed   error // what comes after that
	requests atomic.Int64
	told     atomic.Bool           // that it ends
	owed     atomic.Bool           // of a message of HTTP/1 that has begun, more may come; see linger
	flood    atomic.Pointer[flood] // nil unless HTTP/2; set by the reader
	blocks   *blocks               // likewise
	preface  int                   // how much of HTTP/2's has come; -1 once it is known to be HTTP/1
	ended    atomic.Bool           // by us, for what HTTP/2 carried
	mute     atomic.Bool           // nothing was written since something was read
	timed    atomic.Bool           // the read deadline is a time limit, and not a way to wake the reader up
	deaf     atomic.Bool           // nothing is read any more; see Abandon
	begun    time.Time             // of the frame or header block that deadline is for
}

// encrypted is a wire above TLS. net/http takes Request.TLS from it.
type encrypted struct{ *wire }

func (e encrypted) ConnectionState() tls.ConnectionState { return e.Conn.(*tls.Conn).ConnectionState() }

func newWire(c net.Conn, h *held) *wire {
	w := &wire{Conn: c, held: h}
	w.strict.max = h.door.limits.maxHead
	return w
}

// outs hold what one read has let pass: connections that wait for a request have none. rooms are for one read.
var (
	outs  = sync.Pool{New: func() any { return new([]byte) }}
	rooms = sync.Pool{New: func() any { return new([4096]byte) }}
)

func (w *wire) Read(p []byte) (int, error) {
	if w.deaf.Load() {
		return 0, errAbandoned
	}
	for len(w.out) == 0 && w.failed == nil {
		before := w.preface
		n, err := w.receive(p)
		if n == 0 || w.passes(before, n) {
			return n, err
		}
		w.judge(before, p[:n])
		if w.failed == nil {
			w.failed = err
		}
		if len(w.out) == 0 && w.failed == nil && len(p) < 512 {
			w.readOn()
		}
	}
	return w.give(p)
}

// readOn reads more than the few bytes that net/http asks for, while it waits for what is kept back.
func (w *wire) readOn() {
	room := rooms.Get().(*[4096]byte)
	defer rooms.Put(room)
	for len(w.out) == 0 && w.failed == nil {
		n, err := w.receive(room[:])
		if n > 0 {
			w.judge(w.preface, room[:n])
		}
		if w.failed == nil {
			w.failed = err
		}
	}
}

// passes reports whether n bytes that were read are none to judge.
func (w *wire) passes(before, n int) bool {
	switch {
	case w.blocks != nil:
		return before == len(http2.ClientPreface) && w.blocks.skip(n)
	case before < 0:
		passes := w.strict.skip(n)
		w.owed.Store(w.strict.owed())
		return passes
	}
	return w.preface >= 0
}

// judge lets strict or blocks see what came. The first bytes of a connection, as far as it was like HTTP/2, have passed already.
func (w *wire) judge(before int, p []byte) {
	w.taken = outs.Get().(*[]byte)
	out := (*w.taken)[:0]
	switch {
	case w.blocks != nil:
		rest := min(len(http2.ClientPreface)-before, len(p))
		out, w.failed = w.blocks.feed(append(out, p[:rest]...), p[rest:])
		w.out = out
		if w.failed != nil {
			w.ended.Store(true)
		}
	case before > 0:
		out = w.strict.feed(out, []byte(http2.ClientPreface)[:before])
		if len(out) < before {
			w.failed = errPreface
			break
		}
		out = w.strict.feed(out, p)
		w.out = out[before:]
	default:
		out = w.strict.feed(out, p)
		w.out = out
	}
	w.order()
	w.owed.Store(w.strict.owed())
	*w.taken = out
	w.rest()
}

// order remembers the order of the fields of the first request, before anybody is told that there is one.
func (w *wire) order() {
	if w.held.order.Load() != 0 {
		return
	}
	first := w.strict.first
	if w.blocks != nil {
		first = w.blocks.first
	}
	if first != 0 {
		w.held.order.Store(uint64(first))
	}
}

var errPreface = errors.New("almost the preface of HTTP/2")

// give hands on what has passed, and then the error behind it.
func (w *wire) give(p []byte) (int, error) {
	n := copy(p, w.out)
	w.out = w.out[n:]
	w.rest()
	if n > 0 {
		return n, nil
	}
	err := w.failed
	w.failed = nil // a deadline may be lifted
	return 0, err
}

// rest gives back the buffer of out when nothing is left in it.
func (w *wire) rest() {
	if len(w.out) > 0 {
		return
	}
	w.out = nil
	if w.taken != nil {
		outs.Put(w.taken)
		w.taken = nil
	}
}

// hijacked is told by the HTTP server that the connection is somebody else's from now on.
func (w *wire) hijacked() {
	w.out = append(w.out, w.strict.release()...)
	w.owed.Store(false)
}

// receive reads what came, for HTTP/2 as it is.
func (w *wire) receive(p []byte) (int, error) {
	f := w.flood.Load()
	if f != nil {
		w.limitFrame(f)
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.mute.Store(true)
		if cause, ok := w.watch(p[:n]); !ok {
			return 0, w.calm(cause)
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

// calm cuts a flood, for which its client pays.
func (w *wire) calm(c cut) error {
	if !w.ended.Load() {
		w.held.client.flooded(time.Now())
	}
	return w.cut(c)
}

// cut counts the cause, once. golang.org/x/net/http2 says GOAWAY with the code of an error of this type, as for one of its own.
func (w *wire) cut(c cut) error {
	if !w.ended.Swap(true) {
		w.held.door.report(c, w.held)
	}
	return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
}

// watch hands what was read to the one who watches this protocol.
func (w *wire) watch(p []byte) (cut, bool) {
	if w.preface >= 0 && w.preface < len(http2.ClientPreface) {
		p = w.greet(p)
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
		w.blocks = newBlocks(w.held.door.limits.maxHead, w.held.door.tls != nil)
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
	if f := w.flood.Load(); f != nil && n > 0 && f.wrote(p[:n]) {
		_ = w.calm(manyResets) // as the server has said already
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

// refusal is what strict or blocks has to say about the request that has just begun, or nil.
func (w *wire) refusal(r *http.Request) *refusal {
	if w.blocks != nil {
		return w.blocks.refused(r)
	}
	if broken := w.strict.broken.Load(); broken != nil && broken.request == w.requests.Load() {
		return broken
	}
	return nil
}

// last reports whether the connection is to end with the answer to r: because its framing could be disputed, or because
// the connection is old. On HTTP/2 it ends with GOAWAY, after the requests that are open. It is asked once per request.
func (w *wire) last(r *http.Request) bool {
	limits := w.held.door.limits
	disputed := false
	if r.ProtoMajor == 1 {
		disputed = r.ProtoMinor == 0
	}
	w.held.asked.Store(true)
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
