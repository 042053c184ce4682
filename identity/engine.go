package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/trust"
)

// An engine is what Providers and their successors share: what runs, and what is remembered. It is safe for concurrent
// use.
type engine struct {
	dir    string
	log    *slog.Logger
	cache  *cache
	stored *storedKeys

	mu      sync.Mutex
	sets    map[string]*keySet // running, by content of their settings
	stops   map[*keySet]context.CancelFunc
	follows bool              // the store is being followed
	ids     map[string]uint32 // of provider settings, by content
	lists   map[string][]string
}

func newEngine(s *store.Store, o Options) (*engine, error) {
	e := &engine{
		dir: o.Dir, log: o.Log, cache: newCache(cacheEntries, cacheBytes),
		sets: map[string]*keySet{}, stops: map[*keySet]context.CancelFunc{},
		ids: map[string]uint32{}, lists: map[string][]string{},
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.stored = &storedKeys{store: s, log: e.log}
	if s != nil {
		if err := e.stored.load(context.Background()); err != nil {
			return nil, fmt.Errorf("couldn't read the API keys of the store: %w", err)
		}
	}
	return e, nil
}

// keySet returns the running key set of these settings, or a new one that does not run yet.
func (e *engine) keySet(at string, c *config.JWT, allowed []algorithm, m *mistakes) *keySet {
	if c.JWKS == "" {
		m.add(at+".jwt.jwks", "is missing: an https URL or file:PATH")
		return &keySet{log: e.log}
	}
	set := &keySet{source: c.JWKS, allowed: allowed, every: c.Refresh.Or(defaultRefresh), log: e.log}
	if strings.HasPrefix(c.JWKS, "file:") {
		return e.fileSet(at, set, m)
	}
	name := digest(c.JWKS, allowed, c.Refresh, c.AllowPrivate)
	e.mu.Lock()
	running := e.sets[name]
	e.mu.Unlock()
	if running != nil {
		return running
	}
	var err error
	if set.fetch, err = fetching(c.AllowPrivate).From(c.JWKS); err != nil {
		m.add(at+".jwt.jwks", "%w", err)
	}
	set.name = name
	return set
}

// fetching says how key sets are fetched.
func fetching(allowPrivate bool) trust.Fetch {
	return trust.Fetch{Accept: "application/jwk-set+json, application/json", Most: maxKeySet, AllowPrivate: allowPrivate}
}

// fileSet reads a file. The file's content is part of what the set is known by: a file that changed is another set,
// and what was verified with the old one is forgotten.
func (e *engine) fileSet(at string, set *keySet, m *mistakes) *keySet {
	data, err := trust.ReadFile(set.source, e.dir, maxKeySet)
	if err != nil {
		m.add(at+".jwt.jwks", "couldn't read the key set: %w", err)
		return set
	}
	set.name = digest(set.source, set.allowed, sha256.Sum256(data))
	e.mu.Lock()
	same := e.sets[set.name]
	e.mu.Unlock()
	if same != nil {
		return same
	}
	if err := set.install(data); err != nil {
		m.add(at+".jwt.jwks", "%w", err)
	}
	return set
}

// run starts those of sets that do not run, and stops those that are not among them.
func (e *engine) run(ctx context.Context, sets []*keySet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	wanted := map[string]*keySet{}
	for _, s := range sets {
		wanted[s.name] = s
	}
	for name, s := range e.sets {
		if wanted[name] != s {
			e.stops[s]()
			delete(e.stops, s)
		}
	}
	for _, s := range wanted {
		if e.stops[s] != nil {
			continue
		}
		inner, stop := context.WithCancel(ctx)
		e.stops[s] = stop
		if s.fetch != nil {
			go s.follow(inner)
		}
	}
	e.sets = wanted
	if e.stored.store != nil && !e.follows {
		e.follows = true
		go e.stored.follow(ctx)
	}
}

// id numbers the settings of a provider: equal settings have equal numbers, in all successors.
func (e *engine) id(settings string) uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, known := e.ids[settings]
	if !known {
		n = uint32(len(e.ids) + 1)
		e.ids[settings] = n
	}
	return n
}

// intern returns the one slice for all lists that are equal to list; see [facts.as].
func (e *engine) intern(list []string) []string {
	name := strings.Join(list, "\x00")
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.lists[name]; ok {
		return known
	}
	e.lists[name] = list
	return list
}

// digest is one of values, for maps that outlive many reloads.
func digest(values ...any) string {
	h := sha256.New()
	// The values are strings, numbers and structs of them: encoding cannot fail.
	_ = json.NewEncoder(h).Encode(values)
	return hex.EncodeToString(h.Sum(nil))
}
