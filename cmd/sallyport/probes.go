package main

import (
	"errors"
	"strings"

	"github.com/sallyport/sallyport/identity"
)

// started reports that a configuration was taken into use.
func (v *service) started() bool { return v.gateway.Config() != nil }

// ready is nil while requests are served and tokens can be checked. Key sets count until all of them were loaded once:
// a reload that adds an issuer which cannot be reached must not take a whole fleet out of service. What such an issuer
// signs is refused meanwhile, and sallyport_keyset_keys shows it.
func (v *service) ready() error {
	switch {
	case !v.started():
		return errors.New("starting")
	case !v.gateway.Ready():
		return errors.New("draining")
	case v.keyed.Load():
		return nil
	}
	err := v.gateway.Identities().Ready()
	v.keyed.Store(err == nil)
	return err
}

// observeIdentity adds what identity counts to the metrics. The source of a key set is the config's URL or file, without
// the query, which may hold a key: metrics are open.
func (v *service) observeIdentity() {
	stats := func() identity.Stats {
		if p := v.gateway.Identities(); p != nil {
			return p.Stats()
		}
		return identity.Stats{}
	}
	m := v.metrics
	m.Counter("sallyport_identity_cache_hits_total", "Credentials that were verified before.", func() float64 { return float64(stats().CacheHits) })
	m.Counter("sallyport_identity_cache_misses_total", "Credentials that had to be verified.", func() float64 { return float64(stats().CacheMisses) })
	m.Gauge("sallyport_identity_cache_entries", "Verified credentials that are remembered.", func() float64 { return float64(stats().CacheEntries) })
	m.Counter("sallyport_identity_store_failures_total", "Looks into the store for API keys that failed.", func() float64 { return float64(stats().StoreFailures) })
	sets := func(value func(identity.KeySetStats) float64) func(func(string, float64)) {
		return func(add func(string, float64)) {
			for _, s := range stats().KeySets {
				source, _, _ := strings.Cut(s.Source, "?")
				add(source, value(s))
			}
		}
	}
	m.GaugeBy("sallyport_keyset_keys", "Usable keys of a key set; 0 until it was loaded.", "source", sets(func(s identity.KeySetStats) float64 { return float64(s.Keys) }))
	m.GaugeBy("sallyport_keyset_last_success_timestamp_seconds", "When a key set was last loaded; 0: never.", "source", sets(func(s identity.KeySetStats) float64 {
		if s.Loaded.IsZero() {
			return 0
		}
		return float64(s.Loaded.UnixMilli()) / 1000
	}))
	m.CounterBy("sallyport_keyset_fetches_total", "Attempts to load a key set.", "source", sets(func(s identity.KeySetStats) float64 { return float64(s.Fetches) }))
	m.CounterBy("sallyport_keyset_fetch_failures_total", "Attempts to load a key set that failed.", "source", sets(func(s identity.KeySetStats) float64 { return float64(s.Failures) }))
	m.CounterBy("sallyport_keyset_changes_total", "Loads that brought other keys.", "source", sets(func(s identity.KeySetStats) float64 { return float64(s.Changes) }))
	m.CounterBy("sallyport_keyset_unknown_keys_total", "Tokens whose kid was not in the key set.", "source", sets(func(s identity.KeySetStats) float64 { return float64(s.Unknown) }))
	m.CounterBy("sallyport_keyset_waits_refused_total", "Tokens that did not wait for a fetch, because too many others did.", "source", sets(func(s identity.KeySetStats) float64 { return float64(s.Refused) }))
}
