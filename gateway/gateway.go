// Package gateway serves one exchange: it reads the target once, finds the operation, walks the visible list of guards
// (pipeline.go), forwards what was judged, walks the list for the answer, and leaves one record on every path.
//
// A [Snapshot] is a whole configuration, compiled by [Build], all or nothing; [Gateway.Swap] replaces it by one
// pointer, and requests in flight end on the one that they began with. Only this package knows modes and failure
// policy; only refuse.go writes refusals.
package gateway

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/telemetry"
)

// A Gateway serves exchanges by its current snapshot. Safe for concurrent use.
type Gateway struct {
	parts    *Parts
	current  atomic.Pointer[Snapshot]
	inFlight *atomic.Int64
	draining atomic.Bool
	drained  chan struct{} // closed when draining begins
	held     atomic.Int64  // answers that wait
}

// New returns a gateway without a snapshot: it refuses everything with 503 until the first Swap.
func New(parts *Parts) *Gateway {
	g := &Gateway{parts: parts, inFlight: parts.InFlight, drained: make(chan struct{})}
	if g.inFlight == nil {
		g.inFlight = new(atomic.Int64)
	}
	return g
}

// Swap makes s the snapshot of every request that begins from now on. Upstreams that only the old one used are closed
// when their requests in flight have ended.
func (g *Gateway) Swap(s *Snapshot) {
	g.current.Store(s)
	g.parts.Upstreams.Retain(s.upstreams()...)
}

// Snapshot is the current one, or nil.
func (g *Gateway) Snapshot() *Snapshot { return g.current.Load() }

// Config is the configuration of the current snapshot, or nil.
func (g *Gateway) Config() *config.Config {
	if s := g.current.Load(); s != nil {
		return s.config
	}
	return nil
}

// Host tells what a listener needs to know of a TLS server name: whether an API is served under it, or, for "", to
// clients that ask for none (those connect by address), and what that API demands of clients. Until there is a snapshot
// everybody is answered, with gateway.not_ready.
func (g *Gateway) Host(name string) (served bool, d *listen.Demand) {
	s := g.current.Load()
	if s == nil {
		return true, nil
	}
	for _, a := range s.apis {
		if a.served(name) {
			served = true
			d = cmp.Or(d, a.demand)
		}
	}
	return served, d
}

// Files are what the specs of the current snapshot were read from, with all that they refer to.
func (g *Gateway) Files() []string {
	var files []string
	if s := g.current.Load(); s != nil {
		for _, a := range s.apis {
			files = append(files, a.doc.Files()...)
		}
	}
	return files
}

// Identities are those of the current snapshot, or nil.
func (g *Gateway) Identities() *identity.Providers {
	if s := g.current.Load(); s != nil {
		return s.identity
	}
	return nil
}

// Agents are those of the current snapshot, or nil.
func (g *Gateway) Agents() *agent.Agents {
	if s := g.current.Load(); s != nil {
		return s.agents
	}
	return nil
}

// Ready reports whether requests are served: there is a snapshot, and Drain has not been called.
func (g *Gateway) Ready() bool { return g.current.Load() != nil && !g.draining.Load() }

// Drain makes Ready false; requests are served on until the listeners close, and refusals that wait are sent.
func (g *Gateway) Drain() {
	if !g.draining.Swap(true) {
		close(g.drained)
	}
}

// InFlight is the number of exchanges being served.
func (g *Gateway) InFlight() int64 { return g.inFlight.Load() }

// ServeHTTP serves one exchange. It never panics, except with http.ErrAbortHandler to cut a connection whose answer
// cannot be completed.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wait := g.exchange(w, r); wait > 0 && !g.draining.Load() {
		g.hold(r.Context(), wait)
	}
}

// exchange serves, and returns for how long the answer is to wait.
func (g *Gateway) exchange(w http.ResponseWriter, r *http.Request) (wait time.Duration) {
	g.inFlight.Add(1)
	defer g.inFlight.Add(-1)
	x := pool.Get().(*serving)
	x.begin(g, w, r)
	defer x.end(&wait)
	if v := x.settle(); !v.Passed() {
		x.refuse(v)
	}
	return 0
}

// maxHeld bounds the answers that wait; each costs what an idle connection costs, and a goroutine.
const maxHeld = 8192

// hold lets a refusal wait, because its client causes many or a guard wants it kept back. The exchange is over, its record made, its
// slots given back; net/http sends what is written of the answer when the handler returns.
func (g *Gateway) hold(ctx context.Context, wait time.Duration) {
	defer g.held.Add(-1)
	if g.held.Add(1) > maxHeld {
		return
	}
	g.parts.Slowed.Add(1)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-g.drained:
	}
}

// serving is the work on one exchange, recycled between exchanges. The Exchange itself is part of it: nobody may keep
// a pointer to it beyond the last guard; what remains is the Record.
type serving struct {
	e         exchange.Exchange
	w         http.ResponseWriter
	r         *http.Request
	parts     *Parts
	snapshot  *Snapshot
	api       *api
	plan      *plan
	span      telemetry.Span
	rest      []string // segments below the base path
	method    string   // of the request to the upstream
	admitted  bool
	refusedBy string
	status    int
	bytesIn   int64
	bytesOut  int64
	pending   io.Reader     // a body that nobody judges, put together again
	sent      *counter      // a body that is passed on as it arrives
	gone      bool          // the client has closed
	abort     bool          // the answer broke off: the connection must not look complete
	wait      time.Duration // of the answer, when everything else is done
}

// settle serves, and refuses where something else than a guard panics.
func (x *serving) settle() (v exchange.Verdict) {
	defer x.recovered("the gateway", &v)
	return x.serve()
}

// leave charges, releases and records. What panics here keeps nothing of the rest from happening.
func (x *serving) leave() {
	defer x.recovered("the record", nil)
	if x.api != nil && x.admitted {
		defer x.api.rules.Release(&x.e)
		if !x.gone || x.e.Response != nil { // who only leaves has caused no refusal: pages do it at every keystroke
			x.wait = max(x.wait, x.api.rules.Charge(&x.e, x.status))
		}
	}
	if x.sent != nil {
		x.bytesIn = x.sent.n.Load()
		if !x.sent.whole(x.r.ContentLength) { // the upstream has answered, or failed, before
			listen.Abandon(x.r)
		}
	}
	if x.api != nil && x.admitted {
		x.api.rules.Settle(&x.e, x.bytesIn, x.bytesOut)
	}
	r := x.record()
	defer x.span.End(r)
	x.parts.Record(r)
}

// recovered is to be deferred: it logs and counts a panic of what, and refuses by v where there is still something to
// refuse.
func (x *serving) recovered(what string, v *exchange.Verdict) {
	p := recover()
	if p == nil {
		return
	}
	slog.Error(what+" panicked", "exchange", x.e.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	x.parts.Panics.Add(1)
	if v != nil {
		*v = exchange.Refuse(exchange.Internal, what+" panicked")
	}
}

// usualSteps is the number of steps for which there is room from the beginning.
const usualSteps = 24

var pool = sync.Pool{New: func() any {
	return &serving{e: exchange.Exchange{Steps: make([]exchange.Step, 0, usualSteps)}}
}}

func (x *serving) begin(g *Gateway, w http.ResponseWriter, r *http.Request) {
	x.w, x.r, x.method, x.parts, x.snapshot = w, r, r.Method, g.parts, g.current.Load() // end has cleared the rest
	x.e.Start = time.Now()
	x.e.ID = exchange.NewID(x.e.Start)
	x.e.Request = r
	x.e.Client = listen.Client(r)
	x.span = g.parts.Tracer.Start(r)
}

// end leaves the record and gives everything back, on every path, and tells for how long the answer is to wait.
func (x *serving) end(wait *time.Duration) {
	x.leave()
	*wait = x.wait
	abort, steps, outgoing, reply := x.abort, x.e.Steps, x.e.Outgoing, x.e.Reply
	clear(steps)
	outgoing.Clear()
	reply.Clear()
	*x = serving{}
	x.e.Steps, x.e.Outgoing, x.e.Reply = steps[:0], outgoing, reply
	pool.Put(x)
	if abort {
		panic(http.ErrAbortHandler)
	}
}
