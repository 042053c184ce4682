package forward

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A target is one address of an upstream, with its load and its health. Safe for concurrent use.
//
// Two things keep it from being chosen. The breaker is hard: after so many failures in a row nothing is sent for a
// pause, then one request is let through to try, and its outcome closes the breaker or opens it again. Ejection is
// soft: after a few failures in a row the target is passed over for a while that doubles each time, as long as there
// is another one to take. What active probes say is soft too when it concerns all targets: a gateway whose probe
// path is wrong must not be an outage.
type target struct {
	scheme, host string
	name         string // scheme://host
	conns        *conns

	inflight atomic.Int64
	down     atomic.Bool // active probes say so
	troubled atomic.Bool // one of the fields below is not zero; spares the lock while all is well

	breaker struct {
		sync.Mutex
		failures int       // in a row
		opened   bool      //
		until    time.Time // while opened: when one may try
		trial    bool      // one is trying
		ejected  time.Time // passed over until then
		penalty  time.Duration
	}
	limits limits
}

type limits struct {
	failures int           // that open the breaker; < 0 never
	pause    time.Duration // until one may try
}

// Ejection: after this many failures in a row, for so long at first and at most.
const (
	ejectAfter = 3
	ejectFirst = time.Second
	ejectMost  = 30 * time.Second
)

// state is what a target says of itself to the balancer.
type state uint8

const (
	blocked state = iota // the breaker is open: not to be used
	passed               // to be used only when there is no other
	usable               //
)

// look tells whether the target may be used at the moment now, without claiming it.
func (t *target) look(now time.Time) state {
	if t.troubled.Load() {
		b := &t.breaker
		b.Lock()
		defer b.Unlock()
		if b.opened && (b.trial || now.Before(b.until)) {
			return blocked
		}
		if b.opened || now.Before(b.ejected) {
			return passed
		}
	}
	if t.down.Load() {
		return passed
	}
	return usable
}

// claim takes the target for one request. It is false when the breaker is open, and when another request is already
// trying a target whose breaker was.
func (t *target) claim(now time.Time) (trial, ok bool) {
	if t.troubled.Load() {
		b := &t.breaker
		b.Lock()
		defer b.Unlock()
		if b.opened {
			if b.trial || now.Before(b.until) {
				return false, false
			}
			b.trial, trial = true, true
		}
	}
	t.inflight.Add(1)
	return trial, true
}

// outcome of one request, as far as the target's health is concerned.
type outcome uint8

const (
	unknown outcome = iota // the client went away, or did not send what it promised: says nothing of the target
	good
	bad
)

// settle tells how a claimed request went. It does not end the claim on the load; see release.
func (t *target) settle(o outcome, trial bool, now time.Time) {
	if o == good && !trial && !t.troubled.Load() {
		return
	}
	b := &t.breaker
	b.Lock()
	defer b.Unlock()
	if trial {
		b.trial = false
	}
	switch {
	case o == good && (trial || !b.opened):
		b.failures, b.opened, b.penalty = 0, false, 0
		b.ejected = time.Time{}
		t.troubled.Store(false)
	case o == bad:
		t.fail(trial, now)
	}
}

// fail counts one failure; the lock is held.
func (t *target) fail(trial bool, now time.Time) {
	b := &t.breaker
	b.failures++
	t.troubled.Store(true)
	if b.failures >= ejectAfter && !now.Before(b.ejected) {
		b.penalty = min(max(2*b.penalty, ejectFirst), ejectMost)
		b.ejected = now.Add(b.penalty)
	}
	if t.limits.failures > 0 && (trial || !b.opened && b.failures >= t.limits.failures) {
		b.opened, b.until = true, now.Add(t.limits.pause)
	}
}

// release ends the claim on the load.
func (t *target) release() { t.inflight.Add(-1) }

// choose picks by the power of two choices the target with fewer requests in flight, of those that are usable, or,
// when there are none, of those that are only passed over. not is avoided when another can be had. Nil means that
// every breaker is open.
func choose(all []*target, not *target, now time.Time) *target {
	if len(all) == 1 {
		if all[0].look(now) == blocked {
			return nil
		}
		return all[0]
	}
	if t := pick(all, not, now, usable); t != nil {
		return t
	}
	if t := pick(all, not, now, passed); t != nil {
		return t
	}
	if not != nil && not.look(now) != blocked {
		return not
	}
	return nil
}

// pick walks the targets once from a random place and compares the first two that are at least as good as least.
func pick(all []*target, not *target, now time.Time, least state) *target {
	var first *target
	start := rand.IntN(len(all))
	step := 1 + rand.IntN(len(all)-1) // so that the second is random too, not always the neighbour
	for i := range all {
		t := all[(start+order(i, step, len(all)))%len(all)]
		if t == not || t.look(now) < least {
			continue
		}
		if first == nil {
			first = t
			continue
		}
		if t.inflight.Load() < first.inflight.Load() {
			return t
		}
		return first
	}
	return first
}

// order visits 0, step, and then the others in turn.
func order(i, step, n int) int {
	switch {
	case i == 0:
		return 0
	case i == 1:
		return step
	case i <= step:
		return i - 1
	}
	return i % n
}
