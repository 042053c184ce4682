package forward

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Defaults of [config.Health].
const (
	defaultEvery        = 10 * time.Second
	defaultProbeTimeout = 2 * time.Second
	defaultThreshold    = 2
)

// probe starts a prober for each target, when there is a path to ask for. They end with u.stop.
func (u *Upstream) probe(c config.Health) {
	ctx, cancel := context.WithCancel(context.Background())
	u.stop = cancel
	if c.Path == "" {
		return
	}
	c.Every = or(c.Every, config.Duration(defaultEvery))
	c.Timeout = or(c.Timeout, config.Duration(defaultProbeTimeout))
	c.Failures = or(c.Failures, defaultThreshold)
	for _, t := range u.targets {
		u.probes.Go(func() { watch(ctx, t, c) })
	}
}

// watch asks the target at once and then every so often. A target begins healthy; Failures answers in a row that
// say otherwise change that, either way.
func watch(ctx context.Context, t *target, c config.Health) {
	tick := time.NewTicker(time.Duration(c.Every))
	defer tick.Stop()
	for against := 0; ; {
		if healthy(ctx, t, c) == t.down.Load() {
			against++
		} else {
			against = 0
		}
		if against >= c.Failures && ctx.Err() == nil {
			t.down.Store(!t.down.Load())
			against = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// healthy asks once: only 2xx within the time is healthy.
func healthy(ctx context.Context, t *target, c config.Health) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.Timeout))
	defer cancel()
	path, query, _ := strings.Cut(c.Path, "?")
	out := &Request{Method: http.MethodGet, Path: path, RawQuery: query}
	h := http.Header{"User-Agent": {"sallyport-health"}}
	resp, err := t.conns.roundTrip(ctx, t, new(call), out, h, t.host, false)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}
