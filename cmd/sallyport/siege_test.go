package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSiege floods the gateway, nginx with limit_req and limit_conn, and HAProxy with stick tables, while good clients send
// 200 authenticated requests a second, and tells how these fared, how long it took until the flood was shed, and after its end until
// all was as before, and how [newcomers] fared meanwhile. SALLYPORT_SIEGE is where the JSON goes; SALLYPORT_CONTENDER and SALLYPORT_ATTACK choose one of each. Attackers are at 200 addresses of [floodNet], in a process of their own, which yields the processors to the others.
func TestSiege(t *testing.T) {
	out := os.Getenv("SALLYPORT_SIEGE")
	if out == "" {
		t.Skip("takes minutes and the whole machine: make siege")
	}
	if text, err := exec.Command("ip", "route", "add", "local", floodNet, "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("attackers have no addresses, which take root and iproute2: %v: %s", err, text)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "route", "del", "local", floodNet, "dev", "lo").Run() })
	s := newSiege(t)
	var rows []floodRow
	for _, c := range contenders {
		if w := os.Getenv("SALLYPORT_CONTENDER"); w != "" && w != c.name {
			continue
		}
		if !c.installed() {
			t.Logf("%s is not installed", c.name)
			continue
		}
		c.config = defended(c)
		rows = append(rows, s.flood(c)...)
	}
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, append(data, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| contender | attack | success | p50 | p99 | newcomers' p50 | p99 | turned away | shed after | normal after | processors | of the attack | most memory |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | %.2f %% | %.1f ms | %.1f ms | %.1f ms | %.1f ms | %d | %s | %s | %.2f | %d answered | %d MiB |\n",
			r.Contender, r.Attack, r.Success, r.P50, r.P99, r.New50, r.New99, r.Turned, seconds(r.Shed), seconds(r.Calm), r.Processors, r.Pieces, r.RSS>>20)
		if r.Contender == "sallyport" && r.Success < 99.9 {
			t.Errorf("under %s only %.2f %% of good requests are answered", r.Attack, r.Success)
		}
	}
	t.Log("\n" + table.String())
}

// floodRow is what happened to good clients of one contender. Times are in milliseconds, Shed and Calm in seconds; -1 is never.
type floodRow struct {
	Contender, Attack string
	Success, P50, P99 float64
	New50, New99      float64 // of newcomers
	Turned            int     // of them, who got no answer
	Shed, Calm        int
	Pieces            int64
	Processors        float64
	RSS               int64
	Wrong             map[int]int64 `json:",omitempty"` // what good clients got instead, by status; 0 is no answer
}

func seconds(n int) string {
	if n < 0 {
		return "never"
	}
	return fmt.Sprintf("%d s", n)
}

// Moments of a measurement, in seconds: before the flood, with it, and after it.
const (
	floodBegins = 3
	floodEnds   = 13
	floodOver   = 18
)

var floodAttacks = []attack{
	{name: "quiet"},
	{name: "4,000 anonymous requests/s", force: map[string]int{"anonymous": floodFrom}},
	{name: "4,000 forged tokens/s", force: map[string]int{"forged": floodFrom}},
	{name: "400 costly bodies/s", force: map[string]int{"bodies": 20}},
	{name: "2,000 handshakes/s", force: map[string]int{"handshakes": floodFrom}},
	{name: "2,000 handshakes/s by QUIC", force: map[string]int{"QUIC": floodFrom}},
	{name: "4,000 anonymous requests/s by HTTP/3", force: map[string]int{"HTTP/3": floodFrom}},
	{name: "all together", force: map[string]int{"anonymous": floodFrom, "forged": floodFrom, "bodies": 20, "handshakes": floodFrom}},
}

// defended is a contender's configuration with what it has against floods.
func defended(c contender) string {
	return strings.NewReplacer(
		`key: key.pem } }`, `key: key.pem }, http3: true }`,
		`upstream: "http://{upstream}"`, `rate: { limit: 15000, per: 1m, by: principal }, upstream: "http://{upstream}"`,
		"upstream u {", "limit_req_zone $binary_remote_addr zone=r:10m rate=300r/s; limit_conn_zone $binary_remote_addr zone=c:10m; upstream u {",
		"location / {", `location / { limit_req zone=r burst=300 nodelay; limit_conn c 256; if ($http_authorization = "") { return 401; }`,
		"  default_backend b", `  stick-table type ip size 100k expire 60s store http_req_rate(10s),http_err_rate(10s),conn_cur,conn_rate(10s)
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc_conn_cur(0) gt 256 } || { sc_conn_rate(0) gt 1000 }
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 3000 } || { sc_http_err_rate(0) gt 50 }
  http-request deny deny_status 401 if !{ req.hdr(authorization) -m found }
  default_backend b`).Replace(c.config)
}

// flood measures a contender in peace and under each attack, each time started anew.
func (s *siege) flood(c contender) (rows []floodRow) {
	var usual time.Duration
	for _, a := range floodAttacks {
		if c.name != "sallyport" && (a.force["QUIC"] > 0 || a.force["HTTP/3"] > 0) {
			continue // Debian's builds have no HTTP/3
		}
		if only := os.Getenv("SALLYPORT_ATTACK"); a.name != "quiet" && only != "" && !strings.Contains(a.name, only) {
			continue
		}
		pid, end := c.start(s)
		s.good() // connections are made, and good clients are known
		r := s.underFlood(c.name, pid, a, &usual)
		end()
		rows = append(rows, r)
		s.t.Logf("%+v", r)
	}
	return rows
}

func (s *siege) underFlood(name string, pid int, a attack, usual *time.Duration) floodRow {
	r := floodRow{Contender: name, Attack: a.name}
	for status := range s.wrong { // of those that asked whether it is up
		s.wrong[status].Store(0)
	}
	watched := make(chan struct{})
	var most atomic.Int64
	go func() {
		for tick := time.NewTicker(250 * time.Millisecond); ; {
			select {
			case <-watched:
				tick.Stop()
				return
			case <-tick.C:
				most.Store(max(most.Load(), residentOf(pid)))
			}
		}
	}()
	var worked time.Duration
	var fresh newcomers
	took, right := s.steadily(floodOver, func() func() {
		b, before := s.besiege(a), processorOf(pid)
		var strangers sync.WaitGroup
		quit := make(chan struct{})
		strangers.Go(func() { fresh.come(s, quit) })
		return func() {
			close(quit)
			strangers.Wait()
			worked = processorOf(pid) - before
			r.Pieces = b.told.Load().Pieces
			b.disband()
		}
	})
	close(watched)
	r.RSS, r.Processors = most.Load(), worked.Seconds()/(floodEnds-floodBegins)
	during := took[floodBegins*goodRate : floodEnds*goodRate]
	good := 0
	for _, ok := range right[floodBegins*goodRate : floodEnds*goodRate] {
		if ok {
			good++
		}
	}
	r.Success = 100 * float64(good) / float64(len(during))
	if *usual == 0 {
		*usual = quantile(during, 99)
	}
	r.P50, r.P99 = quantile(during, 50).Seconds()*1000, quantile(during, 99).Seconds()*1000
	r.New50, r.New99, r.Turned = quantile(fresh.took, 50).Seconds()*1000, quantile(fresh.took, 99).Seconds()*1000, fresh.failed
	r.Shed, r.Calm = settled(took[floodBegins*goodRate:floodEnds*goodRate], 2**usual), settled(took[floodEnds*goodRate:], 2**usual)
	r.Wrong = map[int]int64{}
	for status := range s.wrong {
		if n := s.wrong[status].Swap(0); n > 0 {
			r.Wrong[status] = n
		}
	}
	return r
}

// settled is the second from which on 95 of 100 answers of every second were within bound; -1 is never. (One second has 200 answers: too few for
// more than that.)
func settled(took []time.Duration, bound time.Duration) int {
	for second := len(took)/goodRate - 1; second >= 0; second-- {
		if quantile(took[second*goodRate:(second+1)*goodRate], 95) > bound {
			if second++; second*goodRate == len(took) {
				return -1
			}
			return second
		}
	}
	return 0
}

func quantile(took []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

// steadily sends at the rate of good clients for so many seconds, whatever the answers take, and lets attackers come and go at
// their moments. It returns how long each request took since it was due.
func (s *siege) steadily(over int, attack func() func()) (took []time.Duration, right []bool) {
	clients := s.clients()
	took, right = make([]time.Duration, over*goodRate), make([]bool, over*goodRate)
	var all sync.WaitGroup
	gone := make(chan struct{}) // attackers have to
	for i, start := 0, time.Now(); i < len(took); i++ {
		switch i {
		case floodBegins * goodRate:
			all.Go(func() {
				end := attack()
				<-gone
				end()
			})
		case floodEnds * goodRate:
			close(gone)
		}
		due := start.Add(time.Duration(i) * time.Second / goodRate)
		time.Sleep(time.Until(due))
		all.Go(func() {
			right[i] = s.ask(clients[i%goodSocket])
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	for _, c := range clients {
		c.CloseIdleConnections()
	}
	return took, right
}
