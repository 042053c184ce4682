package agent

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/trust/signature"
)

// A publisher serves a key directory.
type publisher struct {
	*httptest.Server
	text    atomic.Value // string
	kind    atomic.Value // string
	status  atomic.Int64
	fetches atomic.Int64
}

func publish(t testing.TB, text string) *publisher {
	p := &publisher{}
	p.text.Store(text)
	p.kind.Store(signature.DirectoryType)
	p.status.Store(200)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		w.Header().Set("Content-Type", p.kind.Load().(string))
		w.WriteHeader(int(p.status.Load()))
		_, _ = w.Write([]byte(p.text.Load().(string)))
	}))
	t.Cleanup(p.Close)
	return p
}

// until waits for something that happens beside requests.
func until(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain until " + what)
		}
	}
}

func TestDirectoryIsFetched(t *testing.T) {
	k, second := newPair(t), newPair(t)
	p := publish(t, directoryOf(k))
	c := config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: p.URL, AllowPrivate: true, Refresh: config.Duration(20 * time.Millisecond)}}}
	var late atomic.Int64
	m := NewMemory(Options{Now: func() time.Time { return noon.Add(time.Duration(late.Load())) }})
	a := agents(t, m, c)
	if e := signing(k, "0").signed(k); ask(t, a, e) != "signature.unknown" || e.Agent != nil {
		t.Errorf("before it was fetched: %+v", e.Findings)
	}
	a.Start(t.Context())
	d := a.signers["https://agent.test"].keys
	until(t, "the directory is fetched", func() bool { return d.ring(noon) != nil })
	if e := signing(k, "1").signed(k); ask(t, a, e) != "" || e.Agent == nil {
		t.Errorf("%+v", e.Findings)
	}

	// A reload that changes nothing fetches nothing anew; what the directory cannot say, it does not take back.
	again := agents(t, m, c)
	again.Start(t.Context())
	if again.signers["https://agent.test"].keys != d {
		t.Error("a reload has made another directory")
	}
	for _, broken := range []func(){
		func() { p.status.Store(500) }, func() { p.status.Store(200); p.kind.Store("application/json") }, func() { p.kind.Store(signature.DirectoryType); p.text.Store("<html>") },
	} {
		broken()
		seen := p.fetches.Load()
		until(t, "it is fetched again", func() bool { return p.fetches.Load() > seen+1 })
		if r := d.ring(noon); r == nil || r.Key(k.id, noon) == nil {
			t.Error("an outage took keys back")
		}
	}
	if d.ring(noon.Add(lastGood+time.Second)) != nil {
		t.Error("what was fetched long ago still holds")
	}

	// A key that is not there any more does not hold.
	p.text.Store(directoryOf(second))
	until(t, "the key is gone", func() bool { return d.ring(noon).Key(k.id, noon) == nil })
	if e := signing(k, "2").signed(k); ask(t, a, e) != "signature.unknown" || e.Agent != nil {
		t.Errorf("a key that was taken back: %+v", e.Findings)
	}
	if e := signing(second, "3").signed(second); ask(t, a, e) != "" || e.Agent == nil {
		t.Errorf("%+v", e.Findings)
	}

	// Nobody in the config: nothing is fetched any more.
	agents(t, m, config.Agents{}).Start(t.Context())
	until(t, "fetching ends", func() bool {
		seen := p.fetches.Load()
		time.Sleep(100 * time.Millisecond)
		return p.fetches.Load() == seen
	})
}

// Whoever names keys and agents that nobody has makes us fetch nothing: not what the request names, and the directory of a signer
// once in a minute at most.
func TestRequestsOrderNoFetches(t *testing.T) {
	k, forger := newPair(t), newPair(t)
	p, evil := publish(t, directoryOf(k)), publish(t, directoryOf(forger))
	m := NewMemory(Options{Now: func() time.Time { return noon }})
	a := agents(t, m, config.Agents{Signers: []config.Signer{{Name: "friend", URL: "https://agent.test", Keys: p.URL, AllowPrivate: true}}})
	a.Start(t.Context())
	until(t, "the directory is fetched", func() bool { return a.signers["https://agent.test"].keys.ring(noon) != nil })
	for range 100 {
		if e := signing(forger, "n").signed(forger); ask(t, a, e) != "signature.unknown" || e.Agent != nil {
			t.Fatalf("%+v", e.Findings)
		}
		d := signing(forger, "n")
		d.agent = `sig="` + evil.URL + `"`
		if e := d.signed(forger); ask(t, a, e) != "signature.invalid" || e.Agent != nil {
			t.Fatalf("%+v", e.Findings)
		}
	}
	if n := evil.fetches.Load(); n != 0 {
		t.Errorf("what requests name was fetched %d times", n)
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("the directory was fetched %d times", n)
	}
}
