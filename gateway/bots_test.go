package gateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/limit/bot"
	"github.com/sallyport/sallyport/listen"
)

// A trace is one request of a run, as package bot is shown it, and what came of it; limit/bot/testdata has some of each run, for the
// tests of that package.
type trace struct {
	Run      string          `json:"run"` // client, User-Agent and errand
	Want     exchange.Rating `json:"want"`
	Half     string          `json:"half"` // tuned or held
	Features bot.Features    `json:"features"`
	Act      bot.Act         `json:"act"`
}

// witness remembers what passed the gateway.
type witness struct {
	next     http.Handler
	mu       sync.Mutex
	features map[string]bot.Features // by exchange
	records  []*exchange.Record
}

func (o *witness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := bot.Of(&exchange.Exchange{Client: listen.Client(r), Request: r})
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.features[w.Header().Get("X-Request-Id")] = f
	}()
	o.next.ServeHTTP(w, r)
}

func (o *witness) record(r *exchange.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records = append(o.records, r)
}

// take returns the records since the last time.
func (o *witness) take() []*exchange.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.records
	o.records = nil
	return list
}

// Real clients over TLS, each with its own words and with a browser's: SALLYPORT_ALL=1, or make bots. Labels were written before anything
// was measured, and marks and points were looked at on one half of the runs only. All that is refused is refused in monitor mode, so
// that each client goes on its whole errand.
func TestClientsAreRated(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("ten programs and two browsers for some minutes: set SALLYPORT_ALL=1")
	}
	traces := filepath.Join(must(os.Getwd()), "../limit/bot/testdata/traces.jsonl")
	bots, cert := newBotGate(t)
	var results []result
	var kept []trace
	for i, c := range clients {
		for j, r := range runsOf(c) {
			if c.command != nil {
				if _, err := exec.LookPath(c.command(r)[0]); err != nil {
					t.Logf("%s is not installed: apt-get install %s", c.name, c.package_)
					break
				}
			}
			half := []string{"tuned", "held"}[(i+j)%2]
			got := bots.result(t, r, fmt.Sprintf("127.1.%d.%d", i+1, j+1), cert)
			got.half = half
			results, kept = append(results, got), append(kept, bots.traces(got)...)
		}
	}
	report(t, results)
	if os.Getenv("SALLYPORT_TRACES") != "" && !t.Failed() {
		writeTraces(t, traces, kept)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// botGate is a gateway with TLS.
type botGate struct {
	*gate
	*witness
	address string
}

const storyKey = "sp_storystory01_onlyForStories0onlyForStories0onlyForStorie4W3YWU"

const keyHash = "sha256:17da288995e14704125e84ab4e48a72cae494019de0db26b4714634d03cb038b"

func newBotGate(t *testing.T) (*botGate, []byte) {
	t.Helper()
	home := must(os.Getwd())
	authority := testkit.NewAuthority(t, "bots")
	pair := authority.Server("localhost", "127.0.0.1")
	files := config.TLS{Cert: testkit.WriteFile(t, "cert.pem", testkit.CertPEM(pair.Leaf)), Key: testkit.WriteFile(t, "key.pem", testkit.KeyPEM(t, pair))}
	spec := string(must(os.ReadFile("testdata/bots/openapi.yaml")))
	g := newGate(t, spec, h2cServer(t, shop), "    security: { key: keys }\n    bots: { suspected: deny, hostile: deny }\n    modes: { limit.bot: monitor }\n",
		`identity: [ { name: keys, api_key: { keys: [ { id: story, subject: acme, hash: "`+keyHash+`" } ] } } ]`)
	t.Chdir(home)
	o := &witness{next: g.Gateway, features: map[string]bot.Features{}}
	g.parts.Record = o.record
	l, err := listen.New(config.Listener{Address: "127.0.0.1:0", TLS: &files, Limits: config.Limits{PerClient: 1000, Handshakes: 10_000}}, o, listen.Options{Checked: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.Serve(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { _ = l.Shutdown(t.Context()); <-done })
	return &botGate{g, o, l.Addr().String()}, testkit.CertPEM(authority.Cert)
}

// runsOf are all errands of a client, with its own words, a browser's, and, where it is an API's client, a credential.
func runsOf(c client) (list []run) {
	todo := errands
	if c.scanner {
		todo = scans
	}
	for _, ua := range []string{"", browserSays} {
		if ua != "" && c.posing == "" {
			continue
		}
		for _, e := range todo {
			list = append(list, run{client: c, errand: e, ua: ua})
		}
		for _, e := range todo {
			if c.keyed {
				list = append(list, run{client: c, errand: e, ua: ua, key: storyKey})
			}
		}
	}
	return list
}

// A result is how a run was rated: as its worst request was.
type result struct {
	run
	half    string
	records []*exchange.Record
	rating  exchange.Rating
	reasons []string
	refused int // requests that would have been
	rated   int
	ja4     string
	strange bool // the JA4 is not what the bytes say
}

func (r *result) want() exchange.Rating {
	switch {
	case r.key != "":
		return exchange.Verified
	case r.ua != "":
		return r.posing
	}
	return r.own
}

func (r *result) words() string {
	if r.ua != "" {
		return "a browser's"
	}
	return "its own"
}

func (r *result) name() string {
	name := r.client.name + ", " + r.words() + ", " + r.errand.name
	if r.key != "" {
		name += ", with a credential"
	}
	return name
}

var worse = []exchange.Rating{exchange.Verified, exchange.LikelyHuman, exchange.Suspected, exchange.Hostile}

// result lets a client go, and looks at what the gateway says of it.
func (g *botGate) result(t *testing.T, r run, from string, cert []byte) result {
	t.Helper()
	relay := newRelay(t, g.address, from)
	defer relay.Close()
	_, port, _ := strings.Cut(relay.Addr().String(), ":")
	r.base, r.dir = "https://localhost:"+port, t.TempDir()
	if r.client.name == "firefox" {
		trust(t, r.dir, cert)
	}
	r.goes(t)
	eventually(t, "the end of all exchanges", func() bool { return g.InFlight() == 0 })
	got := result{run: r, records: g.take()}
	for _, rec := range got.records {
		if rec.Bot == nil {
			continue
		}
		got.rated++
		if slices.Index(worse, rec.Bot.Rating) > slices.Index(worse, got.rating) { // nothing is at -1
			got.rating, got.reasons = rec.Bot.Rating, rec.Bot.Reasons
		}
		if _, code := rec.Settled(); code == exchange.BotRefused.Code {
			got.refused++
		}
		got.ja4 = cmp.Or(got.ja4, rec.JA4)
	}
	got.strange = got.ja4 != "" && !slices.Contains(relay.fingerprints(t), got.ja4)
	return got
}

// trust makes a profile of Firefox that believes the authority.
func trust(t *testing.T, dir string, cert []byte) {
	t.Helper()
	file := testkit.WriteFile(t, "ca.pem", cert)
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-n", "bots", "-t", "CT,,", "-i", file}} {
		if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + dir}, args...)...).CombinedOutput(); err != nil {
			t.Skipf("certutil (apt-get install libnss3-tools): %v: %s", err, out)
		}
	}
}

// report prints the table, and demands what the product promises.
func report(t *testing.T, results []result) {
	t.Helper()
	right, all := map[string]int{}, map[string]int{}
	for i := range results {
		r := &results[i]
		ok := "right"
		all[r.half]++
		if r.rating == r.want() {
			right[r.half]++
		} else {
			ok = "WRONG, not " + string(r.want())
		}
		t.Logf("%-5s %-48s %4d requests  %-12s %s  %s\n        %s", r.half, r.name(), r.rated, r.rating, r.ja4, ok, strings.Join(r.reasons, "; "))
		if r.strange {
			t.Errorf("%s: the JA4 is not what the bytes say", r.name())
		}
		if r.refused > 0 && (r.want() == exchange.LikelyHuman || r.want() == exchange.Verified) {
			t.Errorf("%s: %d requests would be refused", r.name(), r.refused)
		}
	}
	for _, half := range []string{"tuned", "held"} {
		t.Logf("%s: %d of %d runs are rated right (%.1f %%)", half, right[half], all[half], 100*float64(right[half])/float64(max(all[half], 1)))
		if right[half]*100 < all[half]*95 {
			t.Errorf("%s: less than 95 %%", half)
		}
	}
}

// keptOfRun requests of each run are kept.
const keptOfRun = 25

// traces are what remains of a run: the first of its requests. Of a flood the first ones say nothing.
func (g *botGate) traces(r result) (list []trace) {
	if r.client.name == "wrk" {
		return nil
	}
	g.witness.mu.Lock()
	defer g.witness.mu.Unlock()
	for _, rec := range first(r.records, keptOfRun) {
		if rec.Bot == nil || r.key != "" {
			continue
		}
		list = append(list, trace{r.name(), r.want(), r.half, g.features[rec.ID], actOf(r.records[0], rec)})
	}
	return list
}

// actOf is what package limit remembers of an exchange.
func actOf(begin, rec *exchange.Record) bot.Act {
	family, _, _ := strings.Cut(rec.Code, ".")
	a := bot.Act{At: rec.Time.Add(rec.Took).Sub(begin.Time), Status: rec.Status, Attack: family == "inspect", Denied: rec.Status == http.StatusUnauthorized && rec.Code != exchange.CredentialsMissing.Code}
	if family == "limit" {
		a.Status = 0
	}
	if rec.Operation == "" || strings.Contains(rec.Operation, "{") {
		h := fnv.New64a()
		fmt.Fprint(h, rec.Path)
		a.Object = h.Sum64()
	}
	return a
}

func writeTraces(t *testing.T, file string, list []trace) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	e := json.NewEncoder(out)
	for _, line := range list {
		if err := e.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
}
