// Package limit says how much: refusals, requests and concurrency, by principal, client, tenant or a CEL key.
//
// Counting is GCRA over one bounded table in memory ([Counters]); processes may add up what they count ([Cluster]). A [Limiter] lives as long as the process; [Rules] are
// what one snapshot says about one API. They keep their counts in the Limiter under the name of the API and the rule, so
// that a reload forgets nothing.
//
// The way of an exchange: "limit.admit" turns clients away that were refused too often lately, and takes a slot of
// concurrency; "limit.spend" takes from the rates of the API and of the operation; [Rules.Charge] settles at the end
// what only the answer tells (refusals, failed credentials); [Rules.Release] gives the slots back.
//
// A client is an IPv4 address, or the /64 of an IPv6 address, because a client chooses the other half itself.
package limit

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/limit/bot"
	"github.com/sallyport/sallyport/limit/list"
	"github.com/sallyport/sallyport/limit/quota"
)

// Options of a Limiter.
type Options struct {
	// Keys is how many keys are counted separately at the same time. Default 1,000,000, about 40 MB when all are in use.
	Keys int
	// Secret makes keys the same in all processes that have it, and tells nobody else what they stand for. Default: they are random
	// in each process, and quicker to make.
	Secret []byte
	// Accounts is how many have quotas of their own in one month. Default 200,000, about 75 MB when all are in use.
	Accounts int
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// A Limiter holds all counts of the process. It is safe for concurrent use.
type Limiter struct {
	counters      *Counters
	clients       *gauges // requests in flight, by client and rule
	commonClients *gauges // those that are common to all processes
	bans          *Bans
	overload      overload
	abuse         atomic.Pointer[abuse]
	lists         atomic.Pointer[list.Set]
	now           func() time.Time
	base          time.Time // times are durations since base, read from the monotonic clock
	seeds         [3]maphash.Seed
	secret        []byte // nil: seeds
	turned        uint64 // rule of being turned away at the door
	known         uint64 // rule of having been authenticated
	served        uint64 // rule of having been answered
	refused       uint64 // rule of having been refused
	memory        *bot.Memory
	rated         uint64 // names whom memory remembers

	quotas uint64 // names what quotas are counted under
	book   *quota.Book

	mu     sync.Mutex
	totals map[string]*gauge            // requests in flight, by API and operation
	levels map[key]*gauge               // those of totals that are common to all processes
	joint  map[uint64]struct{}          // rules whose clients are
	counts map[[2]string]*atomic.Uint64 // of plans, see countOf
}

// New makes a Limiter.
func New(o Options) *Limiter {
	if o.Keys <= 0 {
		o.Keys = 1_000_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Accounts <= 0 {
		o.Accounts = 200_000
	}
	l := &Limiter{
		counters:      NewCounters(o.Keys),
		memory:        bot.NewMemory(maxRated),
		clients:       newGauges(),
		commonClients: newGauges(),
		bans:          newBans(o.Now),
		now:           o.Now,
		base:          o.Now().Add(-time.Second), // ticks are above 0 from the beginning
		seeds:         [3]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed(), maphash.MakeSeed()},
		secret:        secret(o.Secret),
		totals:        map[string]*gauge{},
		levels:        map[key]*gauge{},
		joint:         map[uint64]struct{}{},
		counts:        map[[2]string]*atomic.Uint64{},
	}
	l.rated = l.ruleID("\x00rated")
	l.turned, l.known = l.ruleID("\x00turned away"), l.ruleID("\x00known")
	l.served, l.refused = l.ruleID("\x00served"), l.ruleID("\x00refused")
	l.overload.limit.Store(noBound)
	l.Apply(config.Abuse{})
	l.quotas = l.ruleID("quotas")
	l.book = quota.New(quota.Options{Accounts: o.Accounts, Now: o.Now, Key: l.keyOf})
	return l
}

// abuse is config.Abuse with its defaults.
type abuse struct {
	banning  banning
	shedding shedding
	tarpit   time.Duration
}

// Apply takes settings into use that hold for all APIs together. Those that the check of the configuration refuses switch bans off.
func (l *Limiter) Apply(c config.Abuse) {
	l.abuse.Store(&abuse{newBanning(c.Bans), newShedding(c.Overload), time.Duration(c.Bans.Tarpit)})
}

// Tarpit is for how long connections of banned clients are kept.
func (l *Limiter) Tarpit() time.Duration { return l.abuse.Load().tarpit }

// Bans are those of this process.
func (l *Limiter) Bans() *Bans { return l.bans }

// Quotas is who has used how much of them.
func (l *Limiter) Quotas() *quota.Book { return l.book }

// Stats of the table, for metrics.
func (l *Limiter) Stats() Stats { return l.counters.Stats() }

// ticks is the time as the counters know it.
func (l *Limiter) ticks() int64 { return int64(l.now().Sub(l.base)) }

// Error is a limit that cannot be built. Setting is the key in the config.
type Error struct {
	Setting string
	Err     error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Setting, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
