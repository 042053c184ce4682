// Package agent says who is verified among automated clients: who has signed the request (Web Bot Auth, HTTP Message Signatures of
// draft-ietf-webbotauth-httpsig-protocol-00), and whose address has a name of a known crawler that leads back to the address
// (forward-confirmed reverse DNS). What a client says of itself proves nothing: it only tells what to look for.
//
// The guard "limit.agent" never refuses. It sets [exchange.Exchange.Agent], or notes as a finding why a signature proves nothing.
// Everybody whom it can believe stands in the config. It waits for nothing: key directories are fetched and names are looked up
// beside requests, within bounds; who is not confirmed yet is not verified.
package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/once"
)

// Options of a Memory. The zero value works.
type Options struct {
	// Log tells of directories that cannot be fetched and keys that cannot be used. Default: nothing is logged.
	Log *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Common makes signatures good once for all processes that share it; nil: once in this process.
	Common once.Common
}

// A Memory is what outlives configurations: key directories, signatures that were used, names of addresses. It is safe for
// concurrent use.
type Memory struct {
	log  *slog.Logger
	now  func() time.Time
	used *once.Seen

	mu          sync.Mutex
	directories map[string]*directory // running, by their settings
	names       *names                // of the crawlers in use
}

// NewMemory makes one that knows nothing.
func NewMemory(o Options) *Memory {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Memory{log: o.Log, now: o.Now, used: once.New(longest+2*skew, mostUsed, o.Common), directories: map[string]*directory{}}
}

// Agents are those of one config. They are immutable and safe for concurrent use; nil are none.
type Agents struct {
	memory   *Memory
	signers  map[string]*signer // by origin
	crawlers []crawler
	names    *names // nil without crawlers
}

// Agents makes those of a config; what runs for equal settings goes on. Nothing is started. All mistakes are reported at once, as
// [*Error] values of a joined error.
//
// A nil Memory has no agents.
func (m *Memory) Agents(c config.Agents) (*Agents, error) {
	if m == nil {
		return nil, nil
	}
	a := &Agents{memory: m, signers: map[string]*signer{}}
	if err := a.addSigners(c.Signers); err != nil {
		return nil, err
	}
	if len(c.Crawlers) > 0 {
		a.addCrawlers(c)
	}
	return a, nil
}

// Start fetches directories and looks names up until ctx ends, and ends what a predecessor ran and these do not need. It returns
// at once. ctx is the one of the whole process, the same for every successor.
func (a *Agents) Start(ctx context.Context) {
	if a == nil {
		return
	}
	m := a.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := map[string]*directory{}
	for _, s := range a.signers {
		wanted[s.keys.name] = s.keys
	}
	for name, d := range m.directories {
		if wanted[name] != d {
			d.stop()
		}
	}
	for _, d := range wanted {
		d.start(ctx)
	}
	m.directories, m.names = wanted, a.names
	a.names.start(ctx)
}

// Guard builds "limit.agent" (OnConnect); the zero Guard where nobody can be verified.
func (a *Agents) Guard() exchange.Guard {
	if a == nil || len(a.signers) == 0 && len(a.crawlers) == 0 {
		return exchange.Guard{}
	}
	return exchange.Guard{Name: guard, Phase: exchange.OnConnect, Check: a.check}
}

const guard = "limit.agent"

func (a *Agents) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if len(a.signers) > 0 && e.Request.Header["Signature-Input"] != nil {
		a.signed(e)
	}
	if len(a.crawlers) > 0 && e.Agent == nil {
		e.Agent = a.crawling(e)
	}
	return exchange.Pass, nil
}

// Stats are figures for metrics, since the start of the process; of names, since the crawlers last changed.
type Stats struct {
	Names                     int    // addresses that are known to have a crawler's name, or none
	LookUps, Failed, PutOff   uint64 // of names; put off are those that the bounds did not allow
	DirectoriesStale, Signers int
}

// Stats of the agents.
func (a *Agents) Stats() (s Stats) {
	if a == nil {
		return s
	}
	s.Signers = len(a.signers)
	for _, k := range a.signers {
		if k.keys.ring(a.memory.now()) == nil {
			s.DirectoriesStale++
		}
	}
	if a.names != nil {
		a.names.stats(&s)
	}
	return s
}

// digest is one of settings, which are strings, numbers and lists of them.
func digest(values ...any) string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(values) // cannot fail
	return hex.EncodeToString(h.Sum(nil))
}
