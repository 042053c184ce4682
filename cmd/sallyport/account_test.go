//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

// TestEverythingIsAccountedFor runs the gateway with a file, a webhook and Kafka as sinks, and lets clients send all the time. All sinks
// are down for a while, and the process is killed in the middle of it; its disk is full for a while; it is killed again. In the end
// each exchange that was answered is with each sink, or is one of those that events say were lost, and there are no more of these
// than events say. SALLYPORT_DOWN is how long the sinks are down: 4s, or 1m with SALLYPORT_ALL.
func TestEverythingIsAccountedFor(t *testing.T) {
	t.Parallel()
	down := 4 * time.Second
	if os.Getenv("SALLYPORT_ALL") != "" {
		down = time.Minute
	}
	if long, err := time.ParseDuration(os.Getenv("SALLYPORT_DOWN")); err == nil {
		down = long
	}
	room := 64 + int(down.Minutes()*40) // megabytes, for what waits in the spool, or in the file
	disk := smallDisk(t, room)
	a := newAccount(t, disk, smallDisk(t, room))
	a.configure(accountSinks(a.receivers))
	a.start()
	stop := a.load(4)
	a.await("the first to arrive", func() bool { return a.least("sallyport_sink_delivered_total") > 100 })

	began := time.Now()
	a.set(true)
	a.watch(began.Add(down / 2))
	a.kill()
	a.start()
	a.watch(began.Add(down))
	waiting := a.most("sallyport_sink_pending")
	a.set(false)
	back := time.Now()
	a.await("what had to wait", func() bool { return a.most("sallyport_sink_pending") < 1000 })
	t.Logf("down for %s, and killed in the middle: %d waited, in at most %d KiB on disk, with at most %d KiB resident; all had it %s after they were up again",
		down, waiting, a.spool.most>>10, a.resident.most>>10, time.Since(back).Round(time.Millisecond))

	lost := a.metric("sallyport_events_lost_total")
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	a.await("losses", func() bool { return a.metric("sallyport_events_lost_total") > lost+50 })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	delivered := a.least("sallyport_sink_delivered_total")
	a.await("the disk to be used again", func() bool { return a.least("sallyport_sink_delivered_total") > delivered+100 })
	t.Logf("the disk was full: %d were lost", a.metric("sallyport_events_lost_total"))

	a.kill()
	a.start()
	stop()
	a.balance()
}

// account is a gateway that is killed and started again, its sinks, and what clients know.
type account struct {
	*receivers
	t               testing.TB
	dir, disk       string
	gate, admin     string
	upstream        string
	process         *exec.Cmd
	log             bytes.Buffer
	spool, resident span

	mu       sync.Mutex
	answered []string // ids of exchanges whose answers were read to the end
}

func newAccount(t testing.TB, disk, folder string) *account {
	a := &account{t: t, dir: t.TempDir(), disk: disk, receivers: newReceivers(t, folder), gate: testkit.FreeAddress(t), admin: testkit.FreeAddress(t)}
	up := httptest.NewServer(http.HandlerFunc(soakUpstream))
	t.Cleanup(up.Close)
	a.upstream = up.URL
	t.Cleanup(func() {
		if a.process != nil {
			a.kill()
		}
	})
	return a
}

// configure writes the files, with sinks or none.
func (a *account) configure(sinks string) {
	a.t.Helper()
	config := fmt.Sprintf(accountConfig, a.gate, a.admin, a.disk, a.upstream) + sinks
	for name, text := range map[string]string{"openapi.yaml": accountSpec, "sallyport.yaml": config} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *account) start() {
	a.t.Helper()
	a.process = exec.Command("sallyport", "run", "--config", "sallyport.yaml")
	a.process.Dir, a.process.Stderr = a.dir, &a.log
	if err := a.process.Start(); err != nil {
		a.t.Fatal(err)
	}
	await(a.t, "readiness", func() bool { return get("http://"+a.admin+"/readyz") == http.StatusOK })
}

// kill ends the process without a word.
func (a *account) kill() {
	_ = a.process.Process.Kill()
	_ = a.process.Wait()
	a.process = nil
}

// load sends some 100 requests a second with each client, until stop. What gets no answer, because nobody is there, is no
// matter.
func (a *account) load(clients int) (stop func()) {
	quit, all := make(chan struct{}), sync.WaitGroup{}
	for range clients {
		all.Go(func() {
			beat := time.NewTicker(10 * time.Millisecond)
			defer beat.Stop()
			for {
				select {
				case <-beat.C:
					a.send()
				case <-quit:
					return
				}
			}
		})
	}
	return func() { close(quit); all.Wait() }
}

func (a *account) send() {
	resp, err := http.Get("http://" + a.gate + "/orders/4711")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answered = append(a.answered, resp.Header.Get("X-Request-Id"))
}

// watch waits until then and notes what is used meanwhile.
func (a *account) watch(until time.Time) {
	for time.Now().Before(until) {
		a.spool.note(a.metric("sallyport_spool_bytes"))
		a.resident.note(a.metric("process_resident_memory_bytes"))
		time.Sleep(100 * time.Millisecond)
	}
}

func (a *account) await(what string, ok func() bool) {
	a.t.Helper()
	await(a.t, what, ok)
}

// balance demands that nothing is missing of which nobody is told.
func (a *account) balance() {
	a.t.Helper()
	a.await("all to arrive", func() bool { return a.most("sallyport_sink_pending") == 0 })
	lost := a.metric("sallyport_events_lost_total")
	for name, got := range a.gathered(lost) {
		missing := 0
		for _, id := range a.answered {
			if !got.ids[id] {
				missing++
			}
		}
		a.t.Logf("%s: %d of %d answers are missing; told of: %d lost, at most %d answered without a record", name, missing, len(a.answered), got.lost, got.interrupted)
		if missing > got.lost+got.interrupted {
			a.t.Errorf("%s: %d are missing, and nobody is told of more than %d", name, missing, got.lost+got.interrupted)
		}
		if got.lost != int(lost) || got.interrupted > 2*8 {
			a.t.Errorf("%s is told of %d and %d, where %d were lost", name, got.lost, got.interrupted, lost)
		}
	}
}

// metric is the value of one without labels.
func (a *account) metric(name string) (value int64) {
	a.t.Helper()
	for _, v := range a.values(name + " ") {
		return int64(v)
	}
	a.t.Fatalf("no metric %s", name)
	return 0
}

func (a *account) most(name string) (most int64) {
	for _, v := range a.values(name + "{") {
		most = max(most, int64(v))
	}
	return most
}

func (a *account) least(name string) int64 {
	least := a.values(name + "{")
	if len(least) < 3 {
		return 0
	}
	return int64(slices.Min(least))
}

// values are those of the lines that begin so.
func (a *account) values(begin string) (list []float64) {
	a.t.Helper()
	resp, err := http.Get("http://" + a.admin + "/metrics")
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, begin) {
			var v float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' '):], &v); err != nil {
				a.t.Fatal(line, err)
			}
			list = append(list, v)
		}
	}
	return list
}

const accountConfig = `
version: 1
listen: [ { address: %q } ]
admin: { address: %q }
store: { path: %q, passed: 100 }
log: { access: "off" }
apis: [ { name: shop, spec: openapi.yaml, upstream: %q, modes: { identity: "off" }, refusals: { limit: 0 } } ]
`

func accountSinks(r *receivers) string {
	return fmt.Sprintf(`events:
  sinks:
    - { name: file, file: { path: "%s/out.log", max_bytes: 100GB }, encoding: json }
    - { name: hook, webhook: { url: %q, allow_private: true } }
    - { name: bus, kafka: { brokers: [ %q ], topic: events, insecure: true } }
`, r.folder, r.url, r.cluster.ListenAddrs()[0])
}

const accountSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 40 } } ]
      responses: { "200": { description: one, content: { application/json: { schema: { type: object } } } } }
`
