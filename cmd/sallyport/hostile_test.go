package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

// TestHostile holds slow clients and sends floods to the gateway, to nginx and to HAProxy, one after the other, while good
// clients send 200 authenticated requests a second over TLS, and prints how these fared. SALLYPORT_HOSTILE is where the
// JSON goes. Everything is on loopback and bounded; attackers are at other addresses of it than good clients.
func TestHostile(t *testing.T) {
	out := os.Getenv("SALLYPORT_HOSTILE")
	if out == "" {
		t.Skip("takes minutes and the whole machine: make hostile")
	}
	s := newSiege(t)
	var rows []siegeRow
	for _, c := range contenders {
		if !c.installed() {
			t.Logf("%s is not installed", c.name)
			continue
		}
		rows = append(rows, s.lay(c)...)
	}
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, append(data, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| contender | attack | good requests | success | p50 | p99 | processors | held | cut | denied | most memory |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | %d | %.2f %% | %.1f ms | %.1f ms | %.2f | %d | %d | %d | %d MiB |\n", r.Contender, r.Attack, r.Sent, r.Success, r.P50, r.P99, r.Processors, r.Held, r.Cut, r.Denied, r.RSS>>20)
		if r.Contender == "sallyport" && r.Success < 99.9 {
			t.Errorf("under %s only %.2f %% of good requests are answered", r.Attack, r.Success)
		}
	}
	t.Log("\n" + table.String())
}

// siegeRow is what happened to one contender under one attack. Times are in milliseconds, memory in bytes.
type siegeRow struct {
	Contender, Attack string
	Sent              int64
	Success, P50, P99 float64
	Held, Cut, Denied int64 // attackers' connections at the end, those that were ended meanwhile, and those that were not taken
	Pieces            int64 // of floods, written meanwhile
	Processors        float64
	RSS               int64
}

const (
	goodRate   = 200 // requests a second
	goodSocket = 16
	phase      = 10 * time.Second
)

const siegeSpec = `
openapi: 3.1.0
info: { title: Siege, version: "1" }
security: [ { bearer: [] } ]
paths:
  /orders:
    get: { responses: { "200": { description: one, content: { application/json: { schema: { type: object } } } } } }
    post: { requestBody: { content: { application/json: { schema: { type: object } } } }, responses: { "200": { description: one, content: { application/json: { schema: { type: object } } } } } }
  /big: { get: { x-sallyport: { streaming: body }, responses: { "200": { description: big, content: { application/octet-stream: {} } } } } }
components: { securitySchemes: { bearer: { type: http, scheme: bearer } } }
`

// siege is what all contenders have in common.
type siege struct {
	t        *testing.T
	dir      string
	upstream string // host:port
	token    string
	other    string // token of somebody else
	wrong    [600]atomic.Int64
	roots    *x509.CertPool
	rootsPEM string
	target   string // host:port of the contender
}

func newSiege(t *testing.T) *siege {
	s := &siege{t: t, dir: t.TempDir(), roots: x509.NewCertPool()}
	issuer := testkit.NewIssuer(t)
	s.token = "Bearer " + issuer.Token(t, issuer.Claims("exp", time.Now().Add(2*time.Hour).Unix()))
	s.other = "Bearer " + issuer.Token(t, issuer.Claims("sub", "mallory", "exp", time.Now().Add(2*time.Hour).Unix()))
	s.service()
	cert, key, err := selfSigned("siege")
	if err != nil {
		t.Fatal(err)
	}
	s.rootsPEM = string(cert)
	s.roots.AppendCertsFromPEM(cert)
	for name, text := range map[string]string{"cert.pem": string(cert), "key.pem": string(key), "both.pem": string(cert) + string(key), "jwks.json": string(issuer.Set()), "openapi.yaml": siegeSpec} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// lay starts a contender, measures it in peace and under each attack, and ends it.
func (s *siege) lay(c contender) (rows []siegeRow) {
	pid, end := c.start(s)
	defer end()
	for _, a := range append([]attack{{name: "quiet"}}, attacks...) {
		rows = append(rows, s.measure(c.name, pid, a))
		s.t.Logf("%+v", rows[len(rows)-1])
	}
	return rows
}

func (s *siege) measure(name string, pid int, a attack) siegeRow {
	b := s.besiege(a)
	for deadline := time.Now().Add(30 * time.Second); b.told.Load().Held < int64(a.held) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	r := siegeRow{Contender: name, Attack: a.name}
	stop, done := make(chan struct{}), make(chan struct{})
	before, worked, began := *b.told.Load(), processorOf(pid), time.Now()
	go func() {
		defer close(done)
		for {
			r.RSS = max(r.RSS, residentOf(pid))
			select {
			case <-stop:
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	took, ok := s.good()
	close(stop)
	<-done
	after, passed := b.told.Load(), time.Since(began)
	r.Held, r.Cut, r.Denied, r.Pieces = after.Held, after.Cut-before.Cut, after.Denied-before.Denied, after.Pieces-before.Pieces
	r.Processors, r.Sent = (processorOf(pid)-worked).Seconds()/passed.Seconds(), int64(len(took))
	r.Success = 100 * float64(ok) / float64(len(took))
	r.P50, r.P99 = took[len(took)/2].Seconds()*1000, took[len(took)*99/100].Seconds()*1000
	b.disband()
	time.Sleep(2 * time.Second)
	return r
}

// good sends at its rate for a phase, whatever the answers take, and returns how long each took since it was due, sorted.
func (s *siege) good() (took []time.Duration, ok int64) {
	clients := s.clients()
	n := int(phase/time.Second) * goodRate
	took = make([]time.Duration, n)
	var right atomic.Int64
	var all sync.WaitGroup
	for i, start := 0, time.Now(); i < n; i++ {
		due := start.Add(time.Duration(i) * time.Second / goodRate)
		time.Sleep(time.Until(due))
		all.Go(func() {
			if s.ask(clients[i%goodSocket]) {
				right.Add(1)
			}
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	for _, c := range clients {
		c.CloseIdleConnections()
	}
	slices.Sort(took)
	return took, right.Load()
}

// clients are good ones; a quarter speaks HTTP/2.
func (s *siege) clients() (list []*http.Client) {
	for i := range goodSocket {
		list = append(list, &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: i%4 == 0, MaxIdleConnsPerHost: 4}})
	}
	return list
}

// ask tells whether a good request was answered. Answers that are none are counted by status; 0 is no answer.
func (s *siege) ask(c *http.Client) bool {
	r, _ := http.NewRequest(http.MethodGet, "https://"+s.target+"/orders", nil) // the address is our own
	r.Header.Set("Authorization", s.token)
	resp, err := c.Do(r)
	if err != nil {
		s.wrong[0].Add(1)
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK && len(body) > 1000 {
		return true
	}
	s.wrong[resp.StatusCode].Add(1)
	return false
}

// family is a process and its children.
func family(pid int) []string {
	pids := []string{fmt.Sprint(pid)}
	if list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)); err == nil {
		pids = append(pids, strings.Fields(string(list))...)
	}
	return pids
}

// processorOf is the processor time that a process and its children have used.
func processorOf(pid int) (sum time.Duration) {
	for _, p := range family(pid) {
		stat, _ := os.ReadFile("/proc/" + p + "/stat") // one that has ended has none
		if f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); len(f) > 12 {
			user, _ := strconv.Atoi(f[11])
			system, _ := strconv.Atoi(f[12])
			sum += time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on all of Linux
		}
	}
	return sum
}

// residentOf is the resident memory of a process and its children.
func residentOf(pid int) (sum int64) {
	for _, p := range family(pid) {
		status, _ := os.ReadFile("/proc/" + p + "/statm") // one that has ended has none
		var size, pages int64
		if n, _ := fmt.Sscan(string(status), &size, &pages); n == 2 {
			sum += pages * int64(os.Getpagesize())
		}
	}
	return sum
}
