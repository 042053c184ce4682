package identity

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

func TestCacheIsBounded(t *testing.T) {
	now := time.Now()
	ring := &keyRing{}
	for name, c := range map[string]*cache{"entries": newCache(640, 1<<40), "bytes": newCache(1<<30, 640*(entryOverhead+claimsFactor*100))} {
		for n := range 10_000 {
			c.put(c.name(fmt.Sprint(n), 1), ring, &facts{}, now.Add(time.Hour), 100)
		}
		if n := c.len(); n > 640 || n < 500 {
			t.Errorf("%s: %d entries", name, n)
		}
		for i := range c.shards {
			s := &c.shards[i]
			size := 0
			for slot, e := range s.clock {
				size += e.size
				if e.slot != slot || s.index[e.name] != e {
					t.Fatalf("%s: entry %d is lost", name, slot)
				}
			}
			if size != s.size || len(s.index) != len(s.clock) {
				t.Errorf("%s: %d bytes, counted %d; %d entries, indexed %d", name, size, s.size, len(s.clock), len(s.index))
			}
		}
	}
}

// A flood of tokens that are used once does not drive out one that is in use.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	now, ring := time.Now(), &keyRing{}
	c := newCache(640, 1<<40)
	mine := c.name("mine", 1)
	c.put(mine, ring, &facts{}, now.Add(time.Hour), 100)
	for n := range 10_000 {
		c.put(c.name(fmt.Sprint(n), 1), ring, &facts{}, now.Add(time.Hour), 100)
		if c.get(mine, ring, now) == nil {
			t.Fatalf("gone after %d", n)
		}
	}
}

func TestCacheForgets(t *testing.T) {
	now, ring, known := time.Now(), &keyRing{}, &facts{}
	c := newCache(100, 1<<20)
	n := c.name("token", 1)
	c.put(n, ring, known, now.Add(time.Minute), 100)
	if c.get(n, ring, now) != known {
		t.Error("not remembered")
	}
	if c.get(n, &keyRing{kids: map[string]algorithm{}}, now) != nil {
		t.Error("survives the key set")
	}
	if c.get(n, ring, now.Add(time.Minute)) != nil {
		t.Error("survives the token")
	}
	if c.get(c.name("token", 2), ring, now) != nil {
		t.Error("is shared between providers")
	}
	again := &facts{}
	c.put(n, ring, again, now.Add(time.Hour), 5000)
	if c.get(n, ring, now) != again || c.len() != 1 {
		t.Error("is not replaced")
	}
}

// A cached token is refused from the moment that it would be refused without the cache.
func TestCachedTokenExpires(t *testing.T) {
	i := testkit.NewIssuer(t)
	set := fileSet(t, i.Set())
	synctest.Test(t, func(t *testing.T) {
		g := bearerGuard(t, mustNew(t, corp(i, set)))
		token := i.Token(t, i.Claims())
		for second := range 400 {
			v := verdict(t, g, withToken(token))
			if want := map[bool]string{true: "", false: expired}[second < 330]; code(v) != want {
				t.Fatalf("after %d s: %q", second, code(v))
			}
			time.Sleep(time.Second)
		}
	})
}

// The facts of a token are shared, the decision is not: another provider, or another operation, asks again.
func TestCacheKeepsNoDecisions(t *testing.T) {
	i := testkit.NewIssuer(t)
	set := fileSet(t, i.Set())
	narrow := corp(i, set)
	narrow.Name, narrow.JWT.Audience = "narrow", []string{"other"}
	p := mustNew(t, corp(i, set), narrow)
	token := i.Token(t, i.Claims())
	if v := verdict(t, bearerGuard(t, p), withToken(token)); !v.Passed() {
		t.Fatal(code(v))
	}
	w := newWorld(t)
	g, err := p.Guard(operation([]string{"bearer"}), w.schemes, map[string]string{"bearer": "narrow"})
	if err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, g, withToken(token)); code(v) != badAud {
		t.Errorf("audience of another identity: %q", code(v))
	}
	// A reload that narrows the settings is a new provider to the cache.
	c := corp(i, set)
	c.JWT.Audience = []string{"elsewhere"}
	next, err := p.Next([]config.Identity{c})
	if err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, bearerGuard(t, next), withToken(token)); code(v) != badAud {
		t.Errorf("after a reload: %q", code(v))
	}
}

// Two operations share a token but not what it satisfies.
func TestSatisfiesIsPerOperation(t *testing.T) {
	w := newWorld(t)
	one, two := w.guard(t, operation([]string{"bearer"})), w.guard(t, operation([]string{"bearer"}, []string{"oidc"}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				e, f := w.with("bearer"), w.with("bearer")
				verdict(t, one, e)
				verdict(t, two, f)
				if a, b := strings.Join(e.Principal.Satisfies, " "), strings.Join(f.Principal.Satisfies, " "); a != "bearer" || b != "bearer oidc" {
					t.Errorf("%s, %s", a, b)
				}
			}
		})
	}
	wg.Wait()
}
