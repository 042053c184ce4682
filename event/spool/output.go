package spool

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/exchange"
)

// An Output is a sink, and what it is to get.
type Output struct {
	Name    string // at most 64 bytes; the cursor is kept under it
	Key     string // stands for all that was configured: while it is the same, the sink goes on undisturbed
	Open    func() (sink.Sink, error)
	Encode  encode.Encoding
	Variant string // names what Encode makes: outputs with the same share the text
	Only    Only
}

// Only selects entries.
type Only byte

// What Only is made of. Refusals and findings are records; a finding is also what a guard in monitor mode would have refused.
const (
	Everything = Only(isRecord | isEvent)
	Refusals   = Only(isRefused)
	Findings   = Only(isFinding)
	Events     = Only(isEvent)
)

func (o Only) selects(k kind) bool { return byte(o)&byte(k) != 0 }

const (
	sendTimeout = 30 * time.Second
	leastPause  = 250 * time.Millisecond
	mostPause   = 30 * time.Second
	// failures in a row that are told; one alone happens to everybody.
	failures = 3
)

// An output is an Output at work.
type output struct {
	Output
	spool   *Spool
	sink    sink.Sink
	ctx     context.Context
	cancel  context.CancelFunc
	ending  chan struct{} // closed: what is pending is sent at once, nothing is waited for
	runners sync.WaitGroup
	own     *runner

	sending sync.Mutex // one runner sends at a time
	dead    *deadLetters
	row     int // failures in a row; of the sender
	health  atomic.Pointer[health]
	newest  atomic.Int64 // time of the last entry that was delivered, in Unix nanoseconds; 0: none since the start
}

type health struct {
	failing bool
	err     string
	since   time.Time
}

func (s *Spool) newOutput(o Output, opened sink.Sink) *output {
	ctx, cancel := context.WithCancel(context.Background())
	n := &output{Output: o, spool: s, sink: opened, ctx: ctx, cancel: cancel, ending: make(chan struct{}), dead: newDeadLetters(s.dir, o.Name)}
	n.health.Store(&health{})
	return n
}

// follow starts a runner on a lane where the sink has a cursor.
func (o *output) follow(l *lane, s *slot, own bool) {
	r := &runner{output: o, lane: l, slot: s, own: own, wake: make(chan struct{}, 1), reader: reader{journal: l.journal}}
	if own {
		o.own = r
	}
	l.readers.Add(1)
	o.runners.Go(func() {
		defer l.readers.Done()
		r.run()
	})
}

// stop ends the output; what is pending stays.
func (o *output) stop() {
	o.cancel()
	o.runners.Wait()
	_ = o.sink.Close() // every batch was answered for, or is sent again
}

// finish lets the sink have what is pending, until ctx ends or it fails.
func (o *output) finish(ctx context.Context) {
	close(o.ending)
	done := context.AfterFunc(ctx, o.cancel)
	defer done()
	o.runners.Wait()
	o.stop()
}

// reached notes how far the sink has got.
func (o *output) reached(all []letter) {
	if len(all) == 0 {
		return
	}
	if last := all[len(all)-1].item; last.Event != nil {
		o.newest.Store(last.Event.Time.UnixNano())
	} else {
		o.newest.Store(last.Record.Time.UnixNano())
	}
}

func (o *output) send(all []letter) error {
	if len(all) == 0 {
		return nil
	}
	messages := make([]sink.Message, len(all))
	for i := range all {
		messages[i] = all[i].message
	}
	ctx, cancel := context.WithTimeout(o.ctx, sendTimeout)
	defer cancel()
	return o.sink.Send(ctx, messages)
}

// clip bounds what another system says.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// failed notes a failure and waits; it returns false where the output ends.
func (o *output) failed(err error) bool {
	o.row++
	was := o.health.Load()
	h := &health{failing: was.failing, err: clip(err.Error()), since: was.since}
	if o.row == failures && !was.failing {
		h.failing, h.since = true, time.Now()
		e := exchange.NewEvent(exchange.SinkFailing, fmt.Sprintf("The sink %s takes nothing: %s", o.Name, h.err))
		e.Object = o.Name
		o.spool.tell(e)
	}
	o.health.Store(h)
	pause := time.NewTimer(backoff(o.row))
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-o.ending:
	case <-o.ctx.Done():
	}
	return false
}

// backoff doubles with each failure, and differs from gateway to gateway, so that they do not come back all at once.
func backoff(row int) time.Duration {
	d := min(leastPause<<min(row-1, 10), mostPause)
	return d/2 + rand.N(d/2)
}

func (o *output) recovered() {
	o.row = 0
	was := o.health.Load()
	if was.failing {
		e := exchange.NewEvent(exchange.SinkRecovered, fmt.Sprintf("The sink %s takes events again, after %s.", o.Name, time.Since(was.since).Round(time.Second)))
		e.Object = o.Name
		o.spool.tell(e)
	}
	if was.err != "" {
		o.health.Store(&health{})
	}
}
