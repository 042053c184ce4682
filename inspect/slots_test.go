package inspect

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A slowEngine judges for as long as the test wants it to, and counts.
type slowEngine struct {
	begun         chan bool // one for each message that is being judged
	end           chan bool
	running, peak atomic.Int32
}

func (s *slowEngine) Rules() []Rule { return nil }

func (s *slowEngine) Inspect(ctx context.Context, m *Message, dst []Match) ([]Match, error) {
	if m.size <= heavy {
		return dst, nil
	}
	now := s.running.Add(1)
	for was := s.peak.Load(); now > was && !s.peak.CompareAndSwap(was, now); was = s.peak.Load() {
	}
	s.begun <- true
	select {
	case <-s.end:
	case <-ctx.Done():
	}
	s.running.Add(-1)
	return dst, nil
}

// A flood of large messages holds half of the cores at most: small ones are judged meanwhile, and large ones wait for
// their turn as long as their exchange may take: inspect.busy.
func TestHeavyMessagesWait(t *testing.T) {
	const flood = 40
	engine := &slowEngine{begun: make(chan bool, flood+2), end: make(chan bool)}
	j := &judge{engine: engine, slots: new(slots), threshold: 5, maxBytes: 1 << 20}
	large := post("application/json", `{"note":"`+strings.Repeat("a ", heavy)+`"}`)
	judge := func(ctx context.Context, raw []byte) exchange.Verdict {
		e, err := readExchange(raw)
		if err != nil {
			t.Error(err)
		}
		v, err := j.body(ctx, e)
		if err != nil {
			t.Error(err)
		}
		return v
	}
	var done sync.WaitGroup
	for range flood {
		done.Go(func() {
			if v := judge(t.Context(), large); !v.Passed() {
				t.Errorf("a message of the flood: %+v", v)
			}
		})
	}
	places := max(1, runtime.GOMAXPROCS(0)/2)
	for range places {
		<-engine.begun
	}
	if v := judge(t.Context(), post("application/json", `{"note":"small"}`)); !v.Passed() {
		t.Errorf("a small message: %+v", v)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	v := judge(gone, large)
	if v.Reason != exchange.InspectionBusy || v.Reason.Code != "inspect.busy" || v.Retry <= 0 {
		t.Errorf("a large message whose time is over: %+v", v)
	}
	close(engine.end)
	done.Wait()
	if peak := int(engine.peak.Load()); peak != places {
		t.Errorf("%d large messages were judged at once, want %d", peak, places)
	}
	if v := judge(t.Context(), large); !v.Passed() {
		t.Errorf("after the flood: %+v", v)
	}
}

// Waiting leaves time for what comes after it.
func TestWaitingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(slots)
		for range max(1, runtime.GOMAXPROCS(0)/2) {
			if !s.take(t.Context()) {
				t.Fatal("no slot is free")
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if s.take(ctx) || time.Since(began) != 30*time.Second || ctx.Err() != nil {
			t.Errorf("waited for %v of a minute", time.Since(began))
		}
		s.give()
		if !s.take(ctx) {
			t.Error("a slot that was given back is not free")
		}
	})
}
