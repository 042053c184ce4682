package forward

import (
	"sync"
	"time"
)

// Times of kept connections.
const (
	idleTimeout = 60 * time.Second
	idleSweep   = 5 * time.Second
)

// idle keeps connections to one target between exchanges, the last used on top. Safe for concurrent use.
type idle struct {
	most     int
	patience time.Duration // for the head of an answer; 0: no limit

	mu      sync.Mutex
	conns   []*conn
	closed  bool
	sweeper *time.Timer
}

// take returns a connection that is fit for use, or nil.
func (i *idle) take() *conn {
	for {
		i.mu.Lock()
		n := len(i.conns)
		if n == 0 {
			i.mu.Unlock()
			return nil
		}
		cn := i.conns[n-1]
		i.conns[n-1] = nil
		i.conns = i.conns[:n-1]
		i.mu.Unlock()
		if cn.fit() {
			return cn
		}
		cn.cut()
	}
}

// put keeps a connection, if there is room.
func (i *idle) put(cn *conn) bool {
	cn.since = time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || len(i.conns) >= i.most {
		return false
	}
	i.conns = append(i.conns, cn)
	if i.sweeper == nil {
		i.sweeper = time.AfterFunc(idleSweep, i.sweep)
	}
	return true
}

// sweep closes what nobody has used for long, and what its target has closed; it comes again as long as something is kept.
func (i *idle) sweep() {
	i.mu.Lock()
	defer i.mu.Unlock()
	kept := i.conns[:0]
	for _, cn := range i.conns {
		if time.Since(cn.since) < idleTimeout && cn.fit() {
			kept = append(kept, cn)
		} else {
			cn.cut()
		}
	}
	clear(i.conns[len(kept):])
	i.conns = kept
	i.sweeper = nil
	if len(kept) > 0 {
		i.sweeper = time.AfterFunc(idleSweep, i.sweep)
	}
}

// close keeps nothing any more.
func (i *idle) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	for _, cn := range i.conns {
		cn.cut()
	}
	i.conns = nil
	if i.sweeper != nil {
		i.sweeper.Stop()
	}
}
