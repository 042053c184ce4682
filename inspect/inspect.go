package inspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
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

// An Inspector makes the guards of one build. It is safe for concurrent use.
type Inspector struct {
	o    Options
	mu   sync.Mutex
	sums map[string][sha256.Size]byte // of directories of rules: all operations get the same contents
	left atomic.Int32                 // languages of schemas that may still be looked into
}

// New makes an Inspector.
func New(o Options) (*Inspector, error) {
	if o.Pool == nil {
		o.Pool = new(Pool)
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	i := &Inspector{o: o, sums: map[string][sha256.Size]byte{}}
	i.left.Store(maxLanguages)
	return i, nil
}

// Prepare compiles the rules of an API, unless the pool has them, and looks at all of its settings. The error joins what
// is wrong; a mistake in a rule file of the operator is a *[RuleError].
func (i *Inspector) Prepare(api config.Inspect) error {
	_, err := i.newJudge(api, "")
	_, urls := newURLPolicy(api.URLs, i.o.Resolver)
	return errors.Join(err, urls)
}

// engine returns the engine that an API asks for.
func (i *Inspector) engine(c config.Inspect) (Engine, error) {
	s := settings{paranoia: or(c.Paranoia, 1), withoutCRS: c.CRS == "off", dir: c.Rules}
	if s.paranoia < 1 || s.paranoia > 4 {
		return nil, fmt.Errorf("inspect.paranoia must be 1 to 4, not %d", s.paranoia)
	}
	if s.dir != "" {
		i.mu.Lock()
		defer i.mu.Unlock()
		sum, known := i.sums[s.dir]
		if !known {
			var err error
			if sum, err = sumOf(s.dir); err != nil {
				return nil, err
			}
			i.sums[s.dir] = sum
		}
		s.sum = sum
	}
	return i.o.Pool.engine(s)
}

// Guards returns the guards of one operation, as they are asked in each phase: inspect.url before
// inspect.head and inspect.body, then inspect.response; those that could have nothing to do are left out. It compiles what is not in the pool
// yet, and fails when a setting is out of range or an exclusion names no rule.
//
// validated says that validate.body enforces the schema of the operation's body before these guards are asked: only then
// does what the schema says spare values the rules.
func (i *Inspector) Guards(api config.Inspect, op *openapi.Operation, validated bool) ([]exchange.Guard, error) {
	j, err := i.newJudge(Bounded(api, op), op.Key)
	if err != nil {
		return nil, err
	}
	j.bodies = unmarkedOf(op)
	if validated {
		j.shapes = shapesOf(j.engine, op, &i.left)
	}
	policy, err := newURLPolicy(api.URLs, i.o.Resolver)
	if err != nil {
		return nil, err
	}
	u := newURLGuard(policy, op, j)
	var guards []exchange.Guard // the check of URLs costs a thousandth of the rules, and knows better what is wrong
	if !u.flat {
		guards = append(guards, exchange.Guard{Name: "inspect.url", Phase: exchange.OnHead, Check: u.head})
	}
	if op.Body != nil {
		guards = append(guards, exchange.Guard{Name: "inspect.url", Phase: exchange.OnBody, Check: u.body})
	}
	return append(guards,
		exchange.Guard{Name: "inspect.head", Phase: exchange.OnHead, Check: j.head},
		exchange.Guard{Name: "inspect.body", Phase: exchange.OnBody, Check: j.body},
		exchange.Guard{Name: "inspect.response", Phase: exchange.OnResponseBody, Check: j.answer}), nil
}

// Bounded returns the settings of an API with the bounds of an operation.
func Bounded(api config.Inspect, op *openapi.Operation) config.Inspect {
	api.MaxBytes = config.Size(op.Ext.Inspect.MaxBytes.Or(api.MaxBytes.Or(DefaultMaxBytes)))
	if op.Ext.Inspect.Beyond != "" {
		api.Beyond = op.Ext.Inspect.Beyond
	}
	return api
}
