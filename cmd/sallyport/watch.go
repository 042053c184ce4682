package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// watch tells when a control cannot do its work, and when it can again. A control that fails is an event, and so an alert.
type watch struct {
	look    func() map[string]string // what fails now, by name, and why
	failing map[string]string        // … and what failed when it was last looked at
}

// watchEvery is how often controls are looked at.
const watchEvery = 5 * time.Second

// watchControls looks until ctx ends.
func (v *service) watchControls(ctx context.Context) {
	w := watch{look: v.controls(), failing: map[string]string{}}
	clock := time.NewTicker(watchEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			for _, e := range w.changes() {
				v.early.hear(e)
			}
		}
	}
}

// changes are the events of what has begun to fail, and of what works again.
func (w *watch) changes() (list []*exchange.Event) {
	now := w.look()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if w.failing[name] == "" {
			list = append(list, control(exchange.ControlFailing, name, name+": "+now[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.failing)) {
		if now[name] == "" {
			list = append(list, control(exchange.ControlHealthy, name, name+" works again"))
		}
	}
	w.failing = now
	return list
}

func control(k *exchange.Kind, name, detail string) *exchange.Event {
	e := exchange.NewEvent(k, detail)
	e.Object = name
	return e
}

// controls are key sets, the store of API keys, upstreams, counters of limits, and the configuration itself.
func (v *service) controls() func() map[string]string {
	type seen struct {
		failures uint64
		loaded   time.Time
	}
	before := map[string]seen{}
	var stored uint64
	known := map[string]string{}
	return func() map[string]string {
		failing := map[string]string{}
		if p := v.gateway.Identities(); p != nil {
			stats := p.Stats()
			for _, s := range stats.KeySets {
				source, _, _ := strings.Cut(s.Source, "?")
				last, name := before[source], "key set "+source
				switch {
				case s.Keys == 0 && s.Failures > 0:
					failing[name] = "it was never loaded: tokens of this issuer are refused"
				case s.Loaded.Equal(last.loaded) && s.Failures > last.failures:
					failing[name] = "it cannot be loaded again: the keys of " + s.Loaded.UTC().Format(time.RFC3339) + " are used"
				case s.Loaded.Equal(last.loaded) && s.Failures == last.failures && known[name] != "":
					failing[name] = known[name] // nothing was tried since
				}
				before[source] = seen{s.Failures, s.Loaded}
			}
			if stats.StoreFailures > stored {
				failing["store of API keys"] = "it cannot be read: keys that were revoked since are not known to be"
			}
			stored = stats.StoreFailures
		}
		for target, why := range v.parts.Upstreams.Failing() {
			failing["upstream "+target] = why
		}
		if why := v.cluster.partOf(); why != "" {
			failing["counters of limits"] = why
		}
		if why := v.cluster.ownBans(); why != "" {
			failing["bans of other processes"] = why
		}
		if v.stale.Load() {
			failing["configuration"] = "the newest one has mistakes: an older one is served"
		}
		known = failing
		return failing
	}
}
