package identity

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

// benchmarkGuard asks the guard for requests in turn.
func benchmarkGuard(b *testing.B, g exchange.Guard, list []*exchange.Exchange, want string) {
	b.Helper()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		e := list[n%len(list)]
		n++
		e.Principal = nil
		if v, err := g.Check(context.Background(), e); err != nil || code(v) != want {
			b.Fatal(code(v), v.Detail, err)
		}
	}
}

// The tokens of the shared workloads where they are present, else like them.
func benchTokens(b *testing.B, algorithm string) (*Providers, []*exchange.Exchange) {
	b.Helper()
	i := testkit.NewIssuer(b)
	k := testkit.NewKey(b, "k1", algorithm)
	i.Rotate(k)
	p := mustNew(b, corp(i, fileSet(b, i.Set())))
	var list []*exchange.Exchange
	for n := range 1000 {
		list = append(list, withToken(k.Sign(b, map[string]any{"typ": "JWT"}, i.Claims("sub", fmt.Sprint("user-", n)))))
	}
	return p, list
}

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			p, list := benchTokens(b, algorithm)
			p.byName["corp"].jwt.cache = newCache(0, 0) // one entry in each shard: nearly every request misses
			benchmarkGuard(b, bearerGuard(b, p), list, "")
		})
		b.Run(algorithm+"/cached", func(b *testing.B) {
			p, list := benchTokens(b, algorithm)
			g := bearerGuard(b, p)
			for _, e := range list {
				verdict(b, g, e)
			}
			benchmarkGuard(b, g, list, "")
		})
	}
}

// What a forged token costs.
func BenchmarkForged(b *testing.B) {
	for _, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			p, list := benchTokens(b, algorithm)
			for _, e := range list {
				h := e.Request.Header
				t := h.Get("Authorization")
				h.Set("Authorization", t[:len(t)-8]+"AAAAAAAA")
			}
			benchmarkGuard(b, bearerGuard(b, p), list, badSig)
		})
	}
}

func BenchmarkAPIKey(b *testing.B) {
	var keys []config.Key
	var list []*exchange.Exchange
	for n := range 1000 {
		key, id := newKey()
		keys = append(keys, config.Key{ID: fmt.Sprint(n, id), Hash: must(HashKey(key))})
		list = append(list, withKey(key))
	}
	p := mustNew(b, config.Identity{Name: "keys", APIKey: &config.APIKey{Keys: keys}})
	b.Run("known", func(b *testing.B) { benchmarkGuard(b, keyGuard(b, p, "keys"), list, "") })
	b.Run("malformed", func(b *testing.B) {
		benchmarkGuard(b, keyGuard(b, p, "keys"), []*exchange.Exchange{withKey(list[0].Request.Header.Get("X-API-Key")[:64] + "A")}, badKeyRef)
	})
}

func BenchmarkAnonymous(b *testing.B) {
	w := newWorld(b)
	benchmarkGuard(b, w.guard(b, operation()), []*exchange.Exchange{ask()}, "")
}

func BenchmarkManagedApply(b *testing.B) {
	m := manage(b, nil, true)
	p := &exchange.Principal{Subject: "user-1", Tenant: "t1", Roles: []string{"customer"}, Scopes: []string{"orders:read", "orders:write"}}
	h := http.Header{"Accept": {"*/*"}, "User-Agent": {"x"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer x"}, "X-Request-Id": {"1"}}
	b.ReportAllocs()
	for b.Loop() {
		m.Apply(h, p)
	}
}
