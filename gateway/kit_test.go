package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/listen"
)

// gate is a gateway on a real listener, with a channel of its records.
type gate struct {
	*Gateway
	url     string
	records chan *exchange.Record
	server  *listen.Server // once it is open
}

// compiledRules are shared by all tests: compiling them takes a second.
var compiledRules = new(inspect.Pool)

// testConfig takes more sections, the upstream and more lines of the API.
const testConfig = `
version: 1
listen: [ { address: "127.0.0.1:0" } ]
%s
apis:
  - name: shop
    spec: openapi.yaml
    upstream: %s
%s
`

// newGate builds a gateway for a spec in front of a URL. api are more lines of the API's settings, indented by four;
// sections are more sections of the config.
func newGate(t testing.TB, spec, upstream, api, sections string) *gate {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	files := map[string]string{"openapi.yaml": spec, "sallyport.yaml": fmt.Sprintf(testConfig, sections, upstream, api)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, src, problems := config.Load("sallyport.yaml")
	if problems.Failed() {
		t.Fatal(problems)
	}
	g := &gate{records: make(chan *exchange.Record, 4096)}
	parts := &Parts{
		Providers: func(list []config.Identity) (*identity.Providers, error) {
			return identity.New(list, nil, identity.Options{})
		},
		Upstreams: forward.NewPool(), Limiter: limit.New(limit.Options{}), Inspectors: compiledRules,
		Agents: agent.NewMemory(agent.Options{}), Challenges: challenge.NewIssuer(challenge.Options{}),
		Record: func(r *exchange.Record) { g.records <- r },
	}
	t.Cleanup(parts.Upstreams.Close)
	parts.Upstreams.Strained(func() bool { return true }) // other tests have the processors too: slow answers mean nothing here
	snapshot, problems := Build(c, src, parts)
	if snapshot == nil {
		t.Fatal(problems)
	}
	g.Gateway = New(parts)
	g.Swap(snapshot)
	return g
}

// serve opens the listener, with an http.Handler as the upstream.
func serve(t testing.TB, spec string, upstream http.Handler, api string) *gate {
	t.Helper()
	return newGate(t, spec, h2cServer(t, upstream), api, "").open(t)
}

// h2cServer serves h by HTTP/1.1 and by HTTP/2 without TLS.
func h2cServer(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func (g *gate) open(t testing.TB) *gate {
	t.Helper()
	l, err := listen.New(config.Listener{Address: "127.0.0.1:0"}, g.Gateway, listen.Options{Checked: true})
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
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		_ = l.Shutdown(t.Context()) // which is done already: whatever is left is cut
		<-done
	})
	g.url, g.server = "http://"+l.Addr().String(), l
	return g
}

// discard forgets records as they come.
func (g *gate) discard() { g.parts.Record = func(*exchange.Record) {} }

// writeFile writes a file of the test and returns where it is.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// record returns the one record of the exchange that has just ended, and fails where there are more.
func (g *gate) record(t testing.TB) *exchange.Record {
	t.Helper()
	select {
	case r := <-g.records:
		eventually(t, "the end of the exchange", func() bool { return g.InFlight() == 0 })
		if n := len(g.records); n > 0 {
			t.Fatalf("%d records too many: %+v", n, <-g.records)
		}
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("no record")
		return nil
	}
}

// eventually polls until ok, for a generous while.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
