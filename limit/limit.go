// Package limit says how much: refusals, requests and concurrency, by principal, client, tenant or a CEL key.
//
// Counting is GCRA over one bounded table in memory. A [Limiter] lives as long as the process; [Rules] are what one
// snapshot says about one API and keep their counts in the Limiter, so that a reload forgets nothing.
package limit

import (
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Options of a Limiter.
type Options struct {
	// Keys is how many keys are counted separately at the same time. Default 1,000,000, about 30 MB when all are in use.
	Keys int
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// A Limiter holds all counts. It is safe for concurrent use.
type Limiter struct{}

// New makes a Limiter.
func New(o Options) *Limiter { panic("not built yet") }

// Rules are the limits of one API.
type Rules struct{}

// Rules compiles the limits of one API.
func (l *Limiter) Rules(api *config.API) (*Rules, error) { panic("not built yet") }

// Admit builds the guard "limit.admit" (OnConnect).
func (r *Rules) Admit() exchange.Guard { panic("not built yet") }

// Spend builds the guards "limit.spend" of an operation: none to two, OnHead, and OnBody where a key reads the body.
func (r *Rules) Spend(op *openapi.Operation) ([]exchange.Guard, error) { panic("not built yet") }

// Charge settles what an exchange owes; the gateway calls it once, when the answer's status is known, before Release.
func (r *Rules) Charge(e *exchange.Exchange, status int) { panic("not built yet") }

// Release gives the concurrency slots of an exchange back; the gateway calls it once, at the very end, on every path.
func (r *Rules) Release(e *exchange.Exchange) { panic("not built yet") }
