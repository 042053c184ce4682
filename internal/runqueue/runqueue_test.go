package runqueue

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// The runtime's figure rises with the work that waits.
func TestQueueIsMeasured(t *testing.T) {
	q := New()
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 50 * runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					for range 1000 {
						runtime.KeepAlive(q)
					}
					runtime.Gosched()
				}
			}
		})
	}
	waited := time.Duration(0)
	for deadline := time.Now().Add(10 * time.Second); waited == 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		waited = q.Waited()
	}
	close(stop)
	group.Wait()
	if waited == 0 {
		t.Error("hundred goroutines that want a processor, and none waits")
	}
}
