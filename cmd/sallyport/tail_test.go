//go:build linux

package main

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkTail is what clients wait for answers of a gateway process without sinks, and of one with a file, a webhook and Kafka, at 1,000
// requests a second, counted from when each was due. The receivers, the upstream and the clients are in this process and take their share
// of its processors. Pairs of runs tell more than one:
//
//	go test ./cmd/sallyport -run '^$' -bench Tail -benchtime 10000x -count 5
func BenchmarkTail(b *testing.B) {
	for _, with := range []string{"none", "sinks"} {
		b.Run(with, func(b *testing.B) {
			a := newAccount(b, b.TempDir(), b.TempDir())
			a.deaf = true
			sinks := ""
			if with == "sinks" {
				sinks = accountSinks(a.receivers)
			}
			a.configure(sinks)
			a.start()
			a.evenly(500) // caches and connections
			b.ResetTimer()
			used := a.seconds()
			took := a.evenly(b.N)
			b.StopTimer()
			b.ReportMetric((a.seconds()-used)*1e6/float64(b.N), "gateway-µs/op")
			for name, n := range map[string]int{"p50-µs": 500, "p99-µs": 990, "p99.9-µs": 999} {
				b.ReportMetric(float64(took[(len(took)-1)*n/1000].Microseconds()), name)
			}
		})
	}
}

// seconds are those of processors that the gateway has used.
func (a *account) seconds() float64 {
	a.t.Helper()
	return a.values("process_cpu_seconds_total ")[0]
}

// evenly sends n requests at 1,000 a second, and returns how long each took, sorted.
func (a *account) evenly(n int) []time.Duration {
	a.t.Helper()
	const clients, every = 32, time.Millisecond
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	took, began := make([]time.Duration, n), time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				due := began.Add(time.Duration(i) * every)
				time.Sleep(time.Until(due))
				resp, err := client.Get("http://" + a.gate + "/orders/4711")
				if err != nil {
					a.t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if took[i] = time.Since(due); err != nil || resp.StatusCode != http.StatusOK {
					a.t.Error(resp.Status, err)
				}
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}
