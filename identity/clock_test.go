package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/internal/testkit/databases"
)

// A clock that jumps makes tokens expired or not yet valid, and nothing else: those that are valid by the clock as it is
// now pass, before, during and after, whether they are remembered or not. A token cannot tell a jump from its own times,
// so each is moved instead of the clock.
func TestClockJumps(t *testing.T) {
	i := testkit.NewIssuer(t)
	g := bearerGuard(t, mustNew(t, corp(i, fileSet(t, i.Set()))))
	by := func(jump time.Duration) string {
		now := time.Now().Add(-jump) // what the issuer's clock says
		return i.Token(t, i.Claims("iat", now.Unix(), "nbf", now.Unix(), "exp", now.Add(5*time.Minute).Unix()))
	}
	usual := by(0)
	for _, jump := range []time.Duration{0, 20 * time.Second, -20 * time.Second, time.Hour, -time.Hour, 24 * 365 * time.Hour, -24 * 365 * time.Hour, 0} {
		passed := verdict(t, g, withToken(by(jump))).Passed()
		if want := jump.Abs() < 30*time.Second; passed != want {
			t.Errorf("the clock jumps by %s: passed %v", jump, passed)
		}
		if v := verdict(t, g, withToken(usual)); !v.Passed() {
			t.Errorf("after a jump by %s: %s", jump, code(v))
		}
	}
}

// What the cache remembers is judged by the clock as it is, in both directions.
func TestCacheUnderClockJumps(t *testing.T) {
	now, ring, known := time.Now().Round(0), &keyRing{}, &facts{}
	c := newCache(100, 1<<20)
	n := c.name("token", 1)
	c.put(n, ring, known, now.Add(time.Minute), 100)
	for _, at := range []struct {
		jump time.Duration
		want *facts
	}{{0, known}, {time.Hour, nil}, {-time.Hour, known}, {0, known}} {
		if c.get(n, ring, now.Add(at.jump)) != at.want {
			t.Errorf("the clock jumps by %s", at.jump)
		}
	}
}

// Whether the store was read lately is told by a clock that nobody sets: a jump back would otherwise let revoked keys
// live, and one forth refuse all keys.
func TestBlindnessKnowsNoJumps(t *testing.T) {
	p, err := New([]config.Identity{{Name: "keys", APIKey: &config.APIKey{}}}, databases.Open(t, t.TempDir()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if read := p.engine.stored.seen.Load().String(); !strings.Contains(read, " m=") {
		t.Errorf("%s is of the wall clock", read)
	}
}
