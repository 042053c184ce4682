package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/sallyport/sallyport/internal/testkit"
)

// TestClusterUnderLoad sends 5,000 requests a second to three processes that have one limit of 3,000, and writes down how many are let
// through while all is well, one is killed, the server of counters is stopped, killed, and back again; how long requests take, with
// counters in memory for comparison; and what the server has to do. See docs/scale.md.
func TestClusterUnderLoad(t *testing.T) {
	if os.Getenv("SALLYPORT_CLUSTER") == "" {
		t.Skip("make cluster: it takes a minute of a machine that does nothing else")
	}
	server := testkit.Redis(t)
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer service.Close()
	const rate = "limit: 3000, per: 1s, burst: 600"
	fleet := func(store string) (list []*member) {
		for range 3 {
			list = append(list, startMember(t, store, service.URL, rate))
		}
		return list
	}
	phase := func(name string, members []*member, perSecond int, long time.Duration) {
		r := press(members, perSecond, long)
		t.Logf("%-28s %5.0f/s sent, %5.0f/s let through, %+5.1f %% of the limit, %d failed, p50 %s, p99 %s", name, float64(r.sent)/r.long.Seconds(), float64(r.passed)/r.long.Seconds(),
			100*(float64(r.passed)/r.long.Seconds()/3000-1), r.failed, r.quantile(0.5), r.quantile(0.99))
	}
	memory := fleet("counters: memory")
	members := fleet(together(t, server.URL()))
	for range 3 {
		phase("quiet, memory", memory, 1000, 4*time.Second)
		phase("quiet, together", members, 1000, 4*time.Second)
	}
	for _, m := range memory {
		m.kill()
	}
	phase("the burst is spent", members, 5000, 2*time.Second)
	before := serverWork(t, server)
	began := time.Now()
	phase("all is well", members, 5000, 10*time.Second)
	after := serverWork(t, server)
	t.Logf("the server, in %s: before\n%s\nafter\n%s", time.Since(began), before, after)
	members[0].kill()
	phase("one is killed", members[1:], 5000, 10*time.Second)
	if err := server.Process().Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	phase("the server is stopped", members[1:], 5000, 5*time.Second)
	if err := server.Process().Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	phase("it goes on", members[1:], 5000, 5*time.Second)
	server.Kill()
	phase("it is killed", members[1:], 5000, 5*time.Second)
	server.Start(t)
	phase("another one is there, empty", members[1:], 5000, 5*time.Second)
}

// serverWork is what the server counts of its work.
func serverWork(t *testing.T, s *testkit.RedisServer) string {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var all strings.Builder
	for _, section := range []string{"commandstats", "cpu", "memory"} {
		text, err := c.Do(context.Background(), c.B().Info().Section(section).Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "cmdstat_eval") || strings.HasPrefix(line, "cmdstat_set:") || strings.HasPrefix(line, "used_cpu_user:") || strings.HasPrefix(line, "used_cpu_sys:") || strings.HasPrefix(line, "used_memory:") {
				all.WriteString("  " + strings.TrimSpace(line) + "\n")
			}
		}
	}
	return all.String()
}

// pressed is how that went.
type pressed struct {
	sent, passed, failed int64
	long                 time.Duration
	took                 []time.Duration // of those let through
}

func (p *pressed) quantile(q float64) time.Duration {
	if len(p.took) == 0 {
		return 0
	}
	slices.Sort(p.took)
	return p.took[int(q*float64(len(p.took)-1))].Round(10 * time.Microsecond)
}

// press sends so many requests a second, evenly, over 24 connections to each member; each is due at its time, whatever the one before took.
func press(members []*member, perSecond int, long time.Duration) *pressed {
	const each = 24
	p := &pressed{}
	var mu sync.Mutex
	var sent, passed, failed atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	every := time.Second * time.Duration(each*len(members)) / time.Duration(perSecond)
	for i := range each * len(members) {
		all.Go(func() {
			m := members[i%len(members)]
			conn, err := net.Dial("tcp", strings.TrimPrefix(m.gate, "http://"))
			if err != nil {
				failed.Add(1)
				return
			}
			defer conn.Close()
			in, request := bufio.NewReader(conn), fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", conn.RemoteAddr())
			var took []time.Duration
			for due := began.Add(every * time.Duration(i) / time.Duration(each*len(members))); due.Sub(began) < long; due = due.Add(every) {
				time.Sleep(time.Until(due))
				start := time.Now()
				_, _ = conn.Write(request) // reading tells
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					failed.Add(1)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				sent.Add(1)
				if resp.StatusCode == http.StatusOK {
					passed.Add(1)
					took = append(took, time.Since(start))
				}
			}
			mu.Lock()
			p.took = append(p.took, took...)
			mu.Unlock()
		})
	}
	all.Wait()
	p.sent, p.passed, p.failed, p.long = sent.Load(), passed.Load(), failed.Load(), time.Since(began)
	return p
}
