package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

// TestReloadsUnderLoad reloads a real process by SIGHUP while clients send, each time with another upstream, another
// rate and another schema, and now and then with a broken file. Every request gets the answer that it must get, and in
// the end nothing is left over: no goroutines, no memory. SALLYPORT_ALL makes 10,000 reloads of it.
func TestReloadsUnderLoad(t *testing.T) {
	reloads := 200
	if testing.Short() {
		reloads = 40
	} else if os.Getenv("SALLYPORT_ALL") != "" {
		reloads = 10_000
	}
	g := startSoaked(t)
	defer g.load(8)()
	var first, last span
	for i := range reloads {
		g.reload(i)
		switch {
		case i > reloads/10 && i <= reloads/5:
			first.note(g.metric("go_gc_heap_live_bytes"))
		case i >= reloads-reloads/10:
			last.note(g.metric("go_gc_heap_live_bytes"))
		}
	}
	g.stop()
	t.Logf("%d reloads, %d requests, %d failed; live heap %d KiB after the first tenth, %d KiB at the end; goroutines %d before, %d after",
		reloads, g.sent.Load(), g.failed.Load(), first.most>>10, last.most>>10, g.idle, g.settled())
	if left := g.settled(); left > g.idle+slack {
		t.Errorf("%d goroutines before, %d after", g.idle, left)
	}
	if !testing.Short() && last.most > first.most+first.most/4+8<<20 { // the short edition sees too few collections
		t.Errorf("the live heap grew from %d to %d bytes", first.most, last.most)
	}
}

// TestSoak keeps a real process at full load with every guard on and looks at its memory. SALLYPORT_SOAK says how
// long, 5m by default.
func TestSoak(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("takes five minutes: SALLYPORT_ALL=1")
	}
	took, err := time.ParseDuration(os.Getenv("SALLYPORT_SOAK"))
	if err != nil {
		took = 5 * time.Minute
	}
	g := startSoaked(t)
	defer g.load(32)()
	var early, late, all span
	for start := time.Now(); time.Since(start) < took; time.Sleep(took / 300) {
		rss := g.metric("process_resident_memory_bytes")
		switch age := time.Since(start); {
		case age < took/5: // pools, tables and caches fill
			continue
		case age < took*3/5:
			early.note(rss)
		default:
			late.note(rss)
		}
		all.note(rss)
	}
	g.stop()
	t.Logf("%s, %d requests, %d failed; resident %d to %d KiB; goroutines %d before, %d after", took, g.sent.Load(), g.failed.Load(),
		all.least>>10, all.most>>10, g.idle, g.settled())
	if late.most > early.most+early.most/10 {
		t.Errorf("memory grew: at most %d bytes in the first half, %d in the second", early.most, late.most)
	}
	if left := g.settled(); left > g.idle+slack {
		t.Errorf("%d goroutines before, %d after", g.idle, left)
	}
}

// slack is how many goroutines more than before are no leak: the connection on which metrics are asked for, timers.
const slack = 6

// span is the least and the most of some measurements.
type span struct{ least, most int64 }

func (s *span) note(v int64) {
	if s.least == 0 || v < s.least {
		s.least = v
	}
	s.most = max(s.most, v)
}

// soaked is a gateway process under load.
type soaked struct {
	t            testing.TB
	dir          string
	gate, admin  string // base URLs
	secure       string // likewise, with TLS
	roots        *x509.CertPool
	token        string
	upstreams    [2]*httptest.Server
	log          *counting
	idle         int64 // goroutines before the load
	sent, failed atomic.Int64
	quit         chan struct{}
	clients      sync.WaitGroup
	signal       func() error
	pid          int // of the process that was started
}

// startSoaked starts the process with all guards on, and ends it with the test: by SIGTERM, with exit code 0.
func startSoaked(t *testing.T) *soaked { return startSoakedAs(t, "sallyport") }

func startSoakedAs(t *testing.T, program string, flags ...string) *soaked {
	return startSoakedOn(t, t.TempDir(), program, flags...)
}

func startSoakedOn(t *testing.T, dir, program string, flags ...string) *soaked {
	g := &soaked{t: t, dir: dir, log: &counting{}, quit: make(chan struct{})}
	issuer := testkit.NewIssuer(t)
	g.token = "Bearer " + issuer.Token(t, issuer.Claims("exp", time.Now().Add(2*time.Hour).Unix()))
	for i := range g.upstreams {
		g.upstreams[i] = httptest.NewServer(http.HandlerFunc(soakUpstream))
		t.Cleanup(g.upstreams[i].Close)
	}
	for at, scheme := range map[*string]string{&g.gate: "http://", &g.secure: "https://", &g.admin: "http://"} {
		address, err := testkit.FindAddress()
		if err != nil {
			t.Fatal(err)
		}
		*at = scheme + address
	}
	cert, key, err := selfSigned("soak")
	if err != nil {
		t.Fatal(err)
	}
	g.roots = x509.NewCertPool()
	g.roots.AppendCertsFromPEM(cert)
	g.write("cert.pem", string(cert))
	g.write("key.pem", string(key))
	g.write("jwks.json", string(issuer.Set()))
	g.write("openapi.yaml", soakSpec)
	g.write("sallyport.yaml", g.config(0))
	cmd := exec.Command(program, append([]string{"run", "--config", "sallyport.yaml"}, flags...)...)
	cmd.Dir, cmd.Stderr, cmd.Stdout = g.dir, g.log, io.Discard
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+string(filepath.ListSeparator)+os.Getenv("PATH")) // testscript forgets where it was started from
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g.pid, g.signal = cmd.Process.Pid, func() error { return cmd.Process.Signal(syscall.SIGHUP) }
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil { // 66 is the race detector's
			t.Errorf("the gateway ended with %v: %s", err, g.log.tail())
		}
	})
	await(t, "readiness", func() bool { return get(g.admin+"/readyz") == http.StatusOK })
	g.idle = g.settled()
	return g
}

// soakUpstream answers what the spec promises; slow orders are in flight while reloads happen.
func soakUpstream(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/chat" {
		echo(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	if strings.HasSuffix(r.URL.Path, "/slow") {
		time.Sleep(40 * time.Millisecond)
	}
	_, _ = io.WriteString(w, `{"id":"a1","total":12.5,"note":"as ordered","internal":"not declared"}`)
}

// config is the n-th configuration: no upstream of it was there before, so each starts connections and probes of its own.
func (g *soaked) config(n int) string {
	return fmt.Sprintf(soakConfig, strings.TrimPrefix(g.gate, "http://"), strings.TrimPrefix(g.secure, "https://"), strings.TrimPrefix(g.admin, "http://"),
		g.upstreams[n%2].URL, 5000+n, 1_000_000+n, 1+n%3)
}

// write replaces a file as a whole.
func (g *soaked) write(name, text string) {
	next := filepath.Join(g.dir, "."+name)
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(g.dir, name)); err != nil {
		g.t.Fatal(err)
	}
}

// reload makes the process read another configuration, every twentieth time after one that is broken, and waits until
// it is in use.
func (g *soaked) reload(n int) {
	if n%20 == 19 {
		g.write("sallyport.yaml", strings.Replace(g.config(n), "upstream:", "upstreams:", 1))
		g.hangUp("is not used")
	}
	g.write("openapi.yaml", strings.Replace(soakSpec, "maxLength: 40", fmt.Sprintf("maxLength: %d", 40+n%7), 1))
	g.write("sallyport.yaml", g.config(n))
	g.hangUp("was reloaded")
}

func (g *soaked) hangUp(outcome string) {
	g.t.Helper()
	seen := g.log.count(outcome)
	if err := g.signal(); err != nil {
		g.t.Fatal(err)
	}
	await(g.t, "a line of the log: "+outcome, func() bool { return g.log.count(outcome) > seen })
}

// load sends with so many clients, a quarter of them by HTTP/2, until stop.
func (g *soaked) load(clients int) (stop func()) {
	for i := range clients {
		via := &http.Transport{Protocols: new(http.Protocols)}
		via.Protocols.SetHTTP1(i%4 != 0)
		via.Protocols.SetUnencryptedHTTP2(i%4 == 0)
		g.loop(g.gate, via, i)
	}
	return g.stop
}

// loop sends over one transport until stop.
func (g *soaked) loop(gate string, via *http.Transport, first int) {
	g.clients.Go(func() {
		defer via.CloseIdleConnections()
		for n := first; ; n++ {
			select {
			case <-g.quit:
				return
			default:
				g.send(gate, &http.Client{Transport: via, Timeout: 2 * time.Minute}, n)
			}
		}
	})
}

// stop ends the load. It may be called again.
func (g *soaked) stop() {
	select {
	case <-g.quit:
	default:
		close(g.quit)
	}
	g.clients.Wait()
	for _, u := range g.upstreams {
		u.CloseClientConnections()
	}
}

// soakRequests are sent in turn: what passes, and what a guard of each kind refuses.
var soakRequests = []struct {
	method, path, body string
	anonymous          bool
	status             int
}{
	{method: "GET", path: "/orders/a1", status: 200},
	{method: "POST", path: "/orders", body: `{"sku":"ABC-1","count":2,"note":"leave it at the door"}`, status: 201},
	{method: "GET", path: "/orders/slow", status: 200},
	{method: "POST", path: "/orders", body: `{"sku":"ABC-1","count":2,"admin":true}`, status: 400},
	{method: "GET", path: "/orders/a1", anonymous: true, status: 401},
	{method: "GET", path: "/nothing", status: 404},
	{method: "POST", path: "/orders", body: `{"sku":"ABC-1","count":2,"note":"1' OR '1'='1' UNION SELECT password FROM users --"}`, status: 403},
}

func (g *soaked) send(gate string, client *http.Client, n int) {
	q := &soakRequests[n%len(soakRequests)]
	r, err := http.NewRequest(q.method, gate+q.path, strings.NewReader(q.body))
	if err != nil {
		panic(err) // the table is wrong
	}
	if !q.anonymous {
		r.Header.Set("Authorization", g.token)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	g.sent.Add(1)
	resp, err := client.Do(r)
	if err != nil {
		g.fail("%s %s: %v", q.method, q.path, err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != q.status || strings.Contains(string(body), "internal") {
		g.fail("%s %s: %d %s %v, want %d", q.method, q.path, resp.StatusCode, body, err, q.status)
	}
}

// fail reports the first failures.
func (g *soaked) fail(format string, args ...any) {
	if g.failed.Add(1) <= 5 {
		g.t.Errorf(format, args...)
	}
}
