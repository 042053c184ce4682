package identity

import "time"

// Stats is a snapshot of counters since the start, for metrics.
type Stats struct {
	CacheHits, CacheMisses uint64
	CacheEntries           int
	StoreFailures          uint64 // polls of the store that failed
	KeySets                []KeySetStats
}

// KeySetStats are the counters of one key set.
type KeySetStats struct {
	Source   string    // URL or file
	Keys     int       // usable ones
	Fetches  uint64    // attempts
	Failures uint64    // attempts that failed
	Changes  uint64    // attempts that brought other keys
	Unknown  uint64    // tokens whose kid was not in the set
	Refused  uint64    // tokens that did not wait for a fetch because too many others did
	Loaded   time.Time // last success; zero: never
}

// Stats reads the counters. Cache and store are shared with predecessors; key sets are those of p.
func (p *Providers) Stats() Stats {
	c := p.engine.cache
	s := Stats{
		CacheHits: c.hits.Load(), CacheMisses: c.misses.Load(), CacheEntries: c.len(),
		StoreFailures: p.engine.stored.failures.Load(),
	}
	for _, k := range p.sets {
		one := KeySetStats{
			Source: k.source, Fetches: k.stats.fetches.Load(), Failures: k.stats.failures.Load(), Changes: k.stats.changes.Load(),
			Unknown: k.stats.unknown.Load(), Refused: k.stats.refused.Load(), Loaded: moment(k.stats.loaded.Load()),
		}
		if r := k.ring(); r != nil {
			one.Keys = len(r.named)
		}
		s.KeySets = append(s.KeySets, one)
	}
	return s
}
