package inspect

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// heavy is the cost of a message, as max_bytes counts it, beyond which judging takes so long (some 20 to 60 ms and up) that
// a few of them at once could hold every core. They wait for each other instead.
const heavy = 64 << 10

// slots bound how many heavy messages are judged at the same time. Half of the cores: what is light goes on, however
// many heavy messages arrive. What waits is bounded by the concurrency limits at admission. The zero value is ready.
type slots struct {
	once sync.Once
	free chan struct{}
}

// take waits for a slot and reports whether there was one. The caller gives it back. It waits for half of the time that
// ctx has left: the rest is for judging and for the service, which in monitor mode is asked whatever comes of this.
func (s *slots) take(ctx context.Context) bool {
	s.once.Do(func() { s.free = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)) })
	select {
	case s.free <- struct{}{}:
		return true
	default:
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	select {
	case s.free <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *slots) give() { <-s.free }
