package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tunnelGrace    = 5 * time.Second        // after one side of a tunnel has ended, the other has this long to end too
	tunnelQuiet    = 250 * time.Millisecond // a tunnel that is to end does so once it was quiet for so long,
	tunnelPatience = 2 * time.Second        // or at the next end of a message after that
	closeWait      = time.Second            // for the answers to our Close
)

// ErrIdle ends a tunnel in which nothing moved for as long as it may.
var ErrIdle = errors.New("nothing moved in the tunnel")

var errNoTunnel = errors.New("the answer is not a verified 101")

// Traffic counts the bytes of a tunnel in both directions.
type Traffic struct{ FromClient, FromUpstream int64 }

// Tunnel takes over the client's connection, answers 101 with the fields of w.Header and the handshake's own, and
// copies both ways until an end closes, nothing moves for idle, or ctx is done (the server's shutdown cancels the
// context of every request). Once leave is closed, it looks for a moment between two messages and tells both ends by Close
// 1001, so that clients connect anew instead of losing what was said; leave may be nil. resp is a 101 of [Upstream.Upgrade]; Tunnel closes its body. Afterwards w must not be
// used. The error is nil when an end closed, [ErrIdle], or the cause of ctx. idle <= 0 is no limit.
//
// When the connection cannot be taken over, nothing was written and the error says so.
func Tunnel(ctx context.Context, w http.ResponseWriter, resp *http.Response, idle time.Duration, leave <-chan struct{}) (Traffic, error) {
	defer resp.Body.Close()
	from, ok := resp.Body.(*answer)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		return Traffic{}, errNoTunnel
	}
	upstream, ok := from.body.(io.ReadWriteCloser)
	if !ok {
		return Traffic{}, errNoTunnel
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return Traffic{}, fmt.Errorf("couldn't take over the client's connection: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Time{}); err != nil { // those of the server's limits
		return Traffic{}, fmt.Errorf("couldn't clear deadlines: %w", err)
	}
	if err := writeSwitch(buffered.Writer, w.Header(), resp.Header); err != nil {
		return Traffic{}, fmt.Errorf("couldn't answer the handshake: %w", err)
	}
	t := &tunnel{client: conn, upstream: upstream, over: make(chan struct{}),
		down: lane{to: conn, goodbye: goodbyeToClient}, up: lane{to: upstream, goodbye: goodbyeToUpstream}}
	return t.run(ctx, buffered.Reader, idle, leave)
}

// writeSwitch writes the head of the 101: the caller's fields, without any that would give it a body, and those of
// the handshake.
func writeSwitch(w interface {
	io.Writer
	Flush() error
}, h, handshake http.Header) error {
	h = h.Clone()
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Content-Type", "Trailer"} {
		h.Del(name)
	}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	for _, name := range []string{"Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"} {
		if values := handshake[name]; values != nil {
			h[name] = values
		}
	}
	if _, err := io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := h.Write(w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "\r\n"); err != nil {
		return err
	}
	return w.Flush()
}

// tunnel is two connections and what moved between them.
type tunnel struct {
	client   net.Conn
	upstream io.ReadWriteCloser
	down, up lane          // to the client, to the upstream
	over     chan struct{} // closed by end
	copied   atomic.Int32  // directions that have ended
	moved    atomic.Int64  // when something last moved, in nanoseconds since the start
	start    time.Time
	once     sync.Once
	cause    error
}

// end closes both connections; the first cause is what Tunnel returns.
func (t *tunnel) end(cause error) {
	t.once.Do(func() {
		t.cause = cause
		close(t.over)
		t.client.Close()
		t.upstream.Close()
	})
}

func (t *tunnel) run(ctx context.Context, fromClient io.Reader, idle time.Duration, leave <-chan struct{}) (Traffic, error) {
	t.start = time.Now()
	defer context.AfterFunc(ctx, func() { t.end(context.Cause(ctx)) })()
	if idle > 0 {
		watch := newIdleWatch(t, idle)
		defer watch.Stop()
	}
	var sum Traffic
	var both sync.WaitGroup
	both.Go(func() { sum.FromClient = t.copy(&t.up, t.upstream, fromClient) })
	both.Go(func() { sum.FromUpstream = t.copy(&t.down, t.client, t.upstream) })
	t.leaveOn(leave)
	both.Wait()
	return sum, t.cause
}

// leaveOn ends the tunnel politely once leave is closed. It returns when the tunnel is over.
func (t *tunnel) leaveOn(leave <-chan struct{}) {
	select {
	case <-t.over:
		return
	case <-leave:
	}
	look := time.NewTicker(tunnelQuiet / 5)
	defer look.Stop()
	for asked := time.Now(); !t.quiet() && time.Since(asked) < tunnelPatience; {
		select {
		case <-t.over:
			return
		case <-look.C:
		}
	}
	if t.up.end() != nil || t.down.end() != nil {
		t.end(nil)
		return
	}
	for asked := time.Now(); ; {
		select {
		case <-t.over:
			return
		case <-look.C:
			if t.up.left() && t.down.left() && time.Since(asked) > closeWait {
				t.end(nil)
			}
		}
	}
}

// quiet tells whether nobody is in the middle of saying something.
func (t *tunnel) quiet() bool {
	return t.up.between() && t.down.between() && time.Since(t.start)-time.Duration(t.moved.Load()) >= tunnelQuiet
}

// newIdleWatch ends the tunnel once nothing moved for idle. It looks only as often as that could have come true.
func newIdleWatch(t *tunnel, idle time.Duration) *time.Timer {
	var timer *time.Timer
	ready := make(chan struct{})
	timer = time.AfterFunc(idle, func() {
		<-ready
		left := idle - (time.Since(t.start) - time.Duration(t.moved.Load()))
		if left <= 0 {
			t.end(ErrIdle)
			return
		}
		timer.Reset(left)
	})
	close(ready)
	return timer
}

// copy moves bytes until from ends, then tells to that there will be no more, and gives the other direction a while.
func (t *tunnel) copy(via *lane, to io.Writer, from io.Reader) (total int64) {
	defer func() {
		if t.copied.Add(1) == 2 {
			t.end(nil)
		}
	}()
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := from.Read(buf[:])
		if n > 0 {
			t.moved.Store(int64(time.Since(t.start)))
			wrote, werr := via.Write(buf[:n])
			total += int64(wrote)
			if werr != nil {
				t.end(nil)
				return total
			}
		}
		if err != nil {
			t.finish(to)
			return total
		}
	}
}

func (t *tunnel) finish(to io.Writer) {
	half, ok := to.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		t.end(nil)
		return
	}
	time.AfterFunc(tunnelGrace, func() { t.end(nil) })
}
