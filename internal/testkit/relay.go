package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Relay is a link between a client and a server that can be cut for real.
type Relay struct {
	Addr   string
	to     string
	mu     sync.Mutex
	silent bool
	moved  *sync.Cond // silent has changed, or a connection is to be closed
	open   map[net.Conn]bool
	listen net.Listener
}

// NewRelay relays connections to a server.
func NewRelay(t testing.TB, to string) *Relay {
	t.Helper()
	r := &Relay{Addr: FreeAddress(t), to: to, open: map[net.Conn]bool{}}
	r.moved = sync.NewCond(&r.mu)
	r.Restore(t)
	t.Cleanup(r.Refuse)
	return r
}

// Silence keeps all connections, and new ones, without a byte going through: as when packets are lost.
func (r *Relay) Silence() { r.set(true) }

func (r *Relay) set(silent bool) {
	r.mu.Lock()
	r.silent = silent
	r.moved.Broadcast()
	r.mu.Unlock()
}

// Refuse closes all connections and refuses new ones.
func (r *Relay) Refuse() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listen != nil {
		r.listen.Close()
		r.listen = nil
	}
	for c := range r.open {
		c.Close()
	}
	clear(r.open)
	r.moved.Broadcast()
}

// Restore lets everything through again, what was held back first.
func (r *Relay) Restore(t testing.TB) {
	t.Helper()
	r.set(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listen != nil {
		return
	}
	l, err := net.Listen("tcp", r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	r.listen = l
	go r.accept(l)
}

func (r *Relay) accept(l net.Listener) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", r.to)
		if err != nil {
			from.Close()
			continue
		}
		if r.hold(from, to) {
			go r.copy(from, to)
			go r.copy(to, from)
		}
	}
}

// hold remembers two ends; false where the relay refuses by now.
func (r *Relay) hold(ends ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range ends {
		if r.listen == nil {
			c.Close()
			continue
		}
		r.open[c] = true
	}
	return r.listen != nil
}

func (r *Relay) copy(to io.WriteCloser, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		r.mu.Lock()
		for r.silent && r.open[from] {
			r.moved.Wait()
		}
		r.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
