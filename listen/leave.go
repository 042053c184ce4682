package listen

import (
	"context"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// leaving is how a server says goodbye.
type leaving struct {
	now     chan struct{} // closed when it is time
	once    sync.Once
	serving sync.WaitGroup // handlers, those of tunnels too
}

type leavingKey struct{}

// Leaving is closed when the server of r wants its clients to go elsewhere: the time to end what would otherwise last. It
// is nil, and so never closed, for a request that did not come through a [Server].
func Leaving(r *http.Request) <-chan struct{} {
	l, ok := r.Context().Value(leavingKey{}).(*leaving)
	if !ok {
		return nil
	}
	return l.now
}

// begun tells whether Leave was called.
func (l *leaving) begun() bool {
	select {
	case <-l.now:
		return true
	default:
		return false
	}
}

// leaveStep is how often Leave looks whether anybody is left.
const leaveStep = 20 * time.Millisecond

// Leave closes this process's hold on the socket and says goodbye with every answer: Connection: close over HTTP/1.1,
// GOAWAY over HTTP/2. Who has connections kept may so end them without a race between the last request and their closing,
// as there is in [Server.Shutdown]. Leave returns when none is left, after patience, or when ctx is done. A successor that
// holds the same socket gets the connections that wait in it; without one, they are refused.
//
// Patience is counted in steps, not by the clock: a process that was stopped meanwhile, by a signal or with its whole machine,
// would else close at once what its clients sent requests to, before it has read them.
func (s *Server) Leave(ctx context.Context, patience time.Duration) {
	s.leaving.once.Do(func() {
		close(s.leaving.now)
		s.door.retire()
	})
	for steps := patience / leaveStep; steps > 0 && s.tally.open.Load() > 0 && ctx.Err() == nil; steps-- {
		select {
		case <-ctx.Done():
		case <-time.After(leaveStep):
		}
	}
}

// Handle is a second descriptor of the socket, for a process that is to take it over.
func (s *Server) Handle() (*os.File, error) { return handle(s.socket.(*net.TCPListener)) }

// Inherited tells whether the socket was open before this process was.
func (s *Server) Inherited() bool { return s.inherited }

// settled waits until the handlers have returned, those of tunnels too, or ctx is done.
func (l *leaving) settled(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.serving.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// goodbye lets every answer of a server that leaves end its connection; net/http makes GOAWAY of the field over HTTP/2. It
// knows which handlers have not returned.
type goodbye struct {
	next    http.Handler
	leaving *leaving
}

func (f goodbye) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.leaving.serving.Add(1)
	defer f.leaving.serving.Done()
	if f.leaving.begun() {
		w.Header().Set("Connection", "close")
	}
	f.next.ServeHTTP(w, r)
}

// bindLater serves HTTP/3 once the predecessor has closed its UDP socket. It is not handed over: packets of connections that
// only the other process knows would come to whoever reads first.
func (s *Server) bindLater(bind func() (*http3Server, error)) {
	for !s.leaving.begun() {
		if q, err := bind(); err == nil {
			s.http3.Store(q)
			if s.leaving.begun() { // Shutdown may have looked for it before it was there
				_ = q.shutdown(context.Background()) // nobody is connected
				return
			}
			q.serve()
			return
		}
		select {
		case <-s.leaving.now:
		case <-time.After(100 * time.Millisecond):
		}
	}
}
