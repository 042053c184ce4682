package gateway

import (
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/browser"
	"github.com/sallyport/sallyport/limit/challenge"
)

// A page of the upstream includes the script, and a browser solves the challenge: what it fetches then shows that it has.
func TestChallengeInABrowser(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("SALLYPORT_ALL=1 solves a challenge in Debian's Chromium")
	}
	var mu sync.Mutex
	var cookies []string
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/page" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:")
			_, _ = w.Write([]byte(`<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Shop</title><script src="/v1` + challenge.Script + `"></script></html>`))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		cookies = r.Header["Cookie"]
	})
	spec := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"servers":[{"url":"/v1"}],"paths":{"/x":{"get":{"security":[],"responses":{"200":{"description":"ok"}}}},
		"/page":{"get":{"security":[],"responses":{"200":{"description":"ok","content":{"text/html":{}}}}}}}}`
	g := serve(t, spec, upstream, "    challenge: { difficulty: 18 }")
	b := browser.Open(t)
	b.Go(g.url + "/v1/page")
	began := time.Now()
	token := browser.Eval[string](b, "sallyport.solve()")
	t.Logf("18 bits took %v", time.Since(began))
	status := browser.Eval[int](b, "fetch('/v1/x').then(r => r.status)")
	k, client := g.current.Load().apis[0].challenge, netip.MustParseAddr("127.0.0.1")
	r, _ := http.NewRequest("GET", "/", nil)
	r.Header.Set(challenge.Field, token)
	if e := (&exchange.Exchange{Request: r, Client: exchange.Client{Addr: client}}); status != 200 || !k.Solved(e) {
		t.Errorf("%d: the token is not good: %q", status, token)
	}
	mu.Lock()
	defer mu.Unlock()
	r, _ = http.NewRequest("GET", "/", nil)
	r.Header["Cookie"] = cookies
	if e := (&exchange.Exchange{Request: r, Client: exchange.Client{Addr: client}}); !k.Solved(e) {
		t.Errorf("the browser does not show the cookie: %q", cookies)
	}
	if said := b.Said(); len(said) > 0 {
		t.Error(said)
	}
}
