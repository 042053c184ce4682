package gateway

import (
	"sync/atomic"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/telemetry"
)

// Parts are what survives a reload: made once by the command, handed to every Build, closed by the command at the end.
type Parts struct {
	// Providers returns the identities for a list of settings; key sets with equal settings go on as they are.
	Providers  func([]config.Identity) (*identity.Providers, error)
	Upstreams  *forward.Pool
	Limiter    *limit.Limiter
	Inspectors *inspect.Pool
	// Agents knows automated clients that prove who they are; nil knows none.
	Agents *agent.Memory
	// Challenges has the key of proofs of work; nil asks for none.
	Challenges *challenge.Issuer
	// Fetch gets remote references of specs that allow them; nil refuses.
	Fetch func(url string) ([]byte, error)
	// Tracer makes spans; nil makes none.
	Tracer *telemetry.Tracer
	// InFlight counts the exchanges being served, from before they begin until after Record; nil counts in the gateway.
	InFlight *atomic.Int64
	// Record receives what remains of every exchange. It must not block.
	Record func(*exchange.Record)
	// Panics counts guards that panicked.
	Panics atomic.Int64
	// Slowed counts refusals that had to wait, because their client causes many.
	Slowed atomic.Int64
}
