package identity

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// fakeIssuer answers fetches without a network, so that the clock can be a test's.
type fakeIssuer struct {
	mu    sync.Mutex
	set   []byte
	err   error
	takes time.Duration
	calls atomic.Int64
}

func (f *fakeIssuer) fetch(ctx context.Context) ([]byte, error) {
	f.calls.Add(1)
	f.mu.Lock()
	set, err, takes := f.set, f.err, f.takes
	f.mu.Unlock()
	select {
	case <-time.After(takes):
		return set, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fakeIssuer) answer(set []byte, err error, takes time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set, f.err, f.takes = set, err, takes
}

func publish(t testing.TB, keys ...testkit.Key) []byte {
	t.Helper()
	i := testkit.Issuer{}
	i.Rotate(keys...)
	return i.Set()
}

func fakeSet(f *fakeIssuer, every time.Duration) *keySet {
	return &keySet{source: "fake", allowed: []algorithm{es256}, fetch: f.fetch, every: every, log: slog.New(slog.DiscardHandler)}
}

func named(kid string) *header { return &header{alg: es256, kid: kid, hasKid: true} }

func found(s *keySet, kid string) bool {
	k, _, _ := s.find(context.Background(), named(kid))
	return k != nil
}

// The first token after a rotation waits for one fetch and passes, and so do all that come with it.
func TestRotation(t *testing.T) {
	i := testkit.NewIssuer(t)
	g := bearerGuard(t, started(t, mustNew(t, corp(i, i.URL))))
	old := i.Token(t, i.Claims())
	if v := verdict(t, g, withToken(old)); !v.Passed() {
		t.Fatal(code(v), v.Detail)
	}
	before := i.Fetches.Load()
	i.Rotate(testkit.NewKey(t, "k2", "ES256"))
	fresh := i.Token(t, i.Claims())
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if v := verdict(t, g, withToken(fresh)); !v.Passed() {
				t.Error(code(v), v.Detail)
			}
		})
	}
	wg.Wait()
	if n := i.Fetches.Load() - before; n != 1 {
		t.Errorf("%d fetches for one rotation", n)
	}
	// The old key is withdrawn, and what the cache knew of its tokens with it.
	if v := verdict(t, g, withToken(old)); code(v) != badKey {
		t.Errorf("token of a withdrawn key: %q", code(v))
	}
}

// A change of key under the same kid empties the cache too.
func TestReplacedKeyEmptiesTheCache(t *testing.T) {
	i := testkit.NewIssuer(t)
	p := started(t, mustNew(t, corp(i, i.URL)))
	g := bearerGuard(t, p)
	token := i.Token(t, i.Claims())
	for range 2 {
		if v := verdict(t, g, withToken(token)); !v.Passed() {
			t.Fatal(code(v), v.Detail)
		}
	}
	if s := p.Stats(); s.CacheHits != 1 {
		t.Errorf("%d hits", s.CacheHits)
	}
	i.Rotate(testkit.NewKey(t, "k1", "ES256"))
	if err := p.sets[0].load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, g, withToken(token)); code(v) != badSig {
		t.Errorf("%q", code(v))
	}
}

// The issuer's outage is not one of the API; but before the first load nothing can be verified, and 503 says so.
func TestOutage(t *testing.T) {
	i := testkit.NewIssuer(t)
	i.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	p := mustNew(t, corp(i, i.URL))
	g := bearerGuard(t, p)
	token := i.Token(t, i.Claims())
	if v := verdict(t, g, withToken(token)); code(v) != "identity.keys_unavailable" || v.Retry == 0 {
		t.Errorf("%q, retry %s", code(v), v.Retry)
	}
	if !errors.Is(p.Ready(), ErrNotReady) {
		t.Error("ready without keys")
	}
	i.Answer(nil)
	if err := p.sets[0].load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.Ready() != nil {
		t.Error("not ready with keys")
	}
	i.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) })
	if err := p.sets[0].load(t.Context()); err == nil {
		t.Error("an empty key set was taken")
	}
	if v := verdict(t, g, withToken(i.Token(t, i.Claims()))); !v.Passed() {
		t.Errorf("stale keys do not work: %q", code(v))
	}
	if s := p.Stats().KeySets[0]; s.Fetches != 3 || s.Failures != 2 || s.Changes != 1 || s.Keys != 1 || s.Loaded.IsZero() {
		t.Errorf("%+v", s)
	}
}

// 10,000 tokens with unknown kids in each second cause one fetch in each pause, and the memory of them is bounded.
func TestUnknownKidsDoNotFloodTheIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeIssuer{set: publish(t, testkit.NewKey(t, "k1", "ES256")), takes: 20 * time.Millisecond}
		s := fakeSet(f, time.Hour)
		if err := s.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.calls.Store(0)
		const seconds = 60
		for second := range seconds {
			for n := range 100 { // the clock stands still meanwhile; more would only take longer
				if found(s, fmt.Sprint("unknown-", second, "-", n)) {
					t.Fatal("found")
				}
			}
			if !found(s, "k1") {
				t.Fatal("the known key is gone")
			}
			time.Sleep(time.Second)
		}
		if n := f.calls.Load(); n < seconds/10-1 || n > seconds/10+1 {
			t.Errorf("%d fetches in %d seconds", n, seconds)
		}
	})
}

// A kid that was looked for in vain is not looked for again for a while; a kid of a rotation is.
func TestUnknownKidIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k1, k2 := testkit.NewKey(t, "k1", "ES256"), testkit.NewKey(t, "k2", "ES256")
		f := &fakeIssuer{set: publish(t, k1)}
		s := fakeSet(f, time.Hour)
		_ = s.load(t.Context())
		f.calls.Store(0)
		for range 3 {
			if found(s, "x") {
				t.Fatal("found")
			}
			time.Sleep(fetchPause + time.Millisecond)
		}
		// Three looks in a bit more than unknownFor: the first fetches, the others are remembered.
		if n := f.calls.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		f.answer(publish(t, k2), nil, 0)
		if !found(s, "k2") {
			t.Error("the key of the rotation was not found")
		}
		time.Sleep(unknownFor)
		f.answer(publish(t, k1, k2, testkit.NewKey(t, "x", "ES256")), nil, 0)
		if !found(s, "x") {
			t.Error("a kid that appears later is never found")
		}
	})
}

func TestUnknownKidsAreBounded(t *testing.T) {
	f := &fakeIssuer{set: publish(t, testkit.NewKey(t, "k1", "ES256"))}
	s := fakeSet(f, time.Hour)
	_ = s.load(t.Context())
	for n := range 5 * mostUnknown {
		s.remember(fmt.Sprint(n))
	}
	if len(s.unknown) > mostUnknown {
		t.Errorf("%d kids", len(s.unknown))
	}
}

// Whoever waits for a slow issuer waits a bounded time, and only so many do.
func TestSlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeIssuer{takes: time.Hour}
		s := fakeSet(f, time.Hour)
		var wg sync.WaitGroup
		var longest atomic.Int64
		for n := range 2 * mostWaiting {
			wg.Go(func() {
				begin := time.Now()
				if found(s, fmt.Sprint(n)) {
					t.Error("found")
				}
				for d := int64(time.Since(begin)); ; {
					old := longest.Load()
					if d <= old || longest.CompareAndSwap(old, d) {
						return
					}
				}
			})
		}
		wg.Wait()
		if d := time.Duration(longest.Load()); d > longestWait {
			t.Errorf("waited %s", d)
		}
		if n := s.stats.refused.Load(); n != mostWaiting {
			t.Errorf("%d were turned away", n)
		}
		if n := f.calls.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		time.Sleep(fetchTimeout) // the fetch itself ends too
	})
}

// Failures double the pause; the first success ends that.
func TestPauseGrowsWithFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeIssuer{err: errors.New("no")}
		s := fakeSet(f, time.Hour)
		for range 1000 {
			found(s, "k1")
			time.Sleep(time.Second)
		}
		// 20, 40, 80, 160, 300, 300 … seconds after each failure.
		if n := f.calls.Load(); n < 5 || n > 8 {
			t.Errorf("%d fetches in 1000 seconds", n)
		}
		f.answer(publish(t, testkit.NewKey(t, "k1", "ES256")), nil, 0)
		time.Sleep(maxPause)
		if !found(s, "k1") {
			t.Error("not found after recovery")
		}
		f.answer(publish(t, testkit.NewKey(t, "k2", "ES256")), nil, 0)
		time.Sleep(fetchPause)
		if !found(s, "k2") {
			t.Error("recovery keeps the long pause")
		}
	})
}

// The background refreshes about once in an interval, sooner after failures, and ends with its context.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeIssuer{err: errors.New("no")}
		s := fakeSet(f, 5*time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		go s.follow(ctx)
		time.Sleep(10 * time.Second)
		if n := f.calls.Load(); n < 3 || n > 6 {
			t.Errorf("%d fetches in the first 10 seconds of an outage", n)
		}
		f.answer(publish(t, testkit.NewKey(t, "k1", "ES256")), nil, 0)
		time.Sleep(time.Minute)
		if s.ring() == nil {
			t.Fatal("not loaded after recovery")
		}
		first := s.ring()
		f.calls.Store(0)
		time.Sleep(time.Hour)
		if n := f.calls.Load(); n < 10 || n > 14 {
			t.Errorf("%d fetches in an hour", n)
		}
		if s.ring() != first {
			t.Error("an unchanged set made a new epoch")
		}
		cancel()
	})
}

// What an issuer must not be able to do.
func TestFetchIsConfined(t *testing.T) {
	i := testkit.NewIssuer(t)
	fetch, err := fetching(true).From(i.URL)
	if err != nil {
		t.Fatal(err)
	}
	other := testkit.NewIssuer(t)
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"not found": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write(i.Set())
		},
	} {
		i.Answer(answer)
		if _, err := fetch(t.Context()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if n := other.Fetches.Load(); n != 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
	i.Answer(func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	data, err := fetch(t.Context())
	if err != nil || len(data) != maxKeySet+1 {
		t.Errorf("%d bytes of an endless answer, %v", len(data), err)
	}
	if _, err := parseKeySet(data, []algorithm{es256}); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("%v", err)
	}
	// A private address is refused when it is dialled, whatever the name says.
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		fetch, err := fetching(false).From("https://" + host + ":443/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "prohibited") {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, bad := range []string{"", "/jwks.json", "http://issuer.test/", "ftp://issuer.test/", "https://user:pw@issuer.test/", "https://issuer.test/#x", "https://issuer.test:0/", "https://issuer.test:99999/"} {
		if _, err := fetching(false).From(bad); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}

// Running key sets outlive a reload that keeps their settings, and stop with one that does not.
func TestReload(t *testing.T) {
	i, j := testkit.NewIssuer(t), testkit.NewIssuer(t)
	p := started(t, mustNew(t, corp(i, i.URL)))
	if v := verdict(t, bearerGuard(t, p), withToken(i.Token(t, i.Claims()))); !v.Passed() {
		t.Fatal(code(v), v.Detail)
	}
	before := i.Fetches.Load()

	renamed := corp(i, i.URL)
	renamed.JWT.Audience = []string{"shop", "other"}
	next, err := p.Next([]config.Identity{renamed})
	if err != nil {
		t.Fatal(err)
	}
	if next.sets[0] != p.sets[0] {
		t.Error("equal settings of a key set made another one")
	}
	if _, err := p.Next([]config.Identity{corp(i, "ftp://x/")}); err == nil {
		t.Error("a broken list made a successor")
	}
	next.Start(t.Context())
	if v := verdict(t, bearerGuard(t, next), withToken(i.Token(t, i.Claims("aud", "other")))); !v.Passed() {
		t.Error(code(v), v.Detail)
	}
	if n := i.Fetches.Load() - before; n != 0 {
		t.Errorf("%d fetches because of a reload", n)
	}

	moved, err := next.Next([]config.Identity{corp(j, j.URL)})
	if err != nil {
		t.Fatal(err)
	}
	moved.Start(t.Context())
	e := p.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.sets) != 1 || len(e.stops) != 1 || e.stops[p.sets[0]] != nil {
		t.Errorf("%d sets, %d running", len(e.sets), len(e.stops))
	}
}

// A file is read again by a reload; what the old one had verified is forgotten.
func TestReloadOfFile(t *testing.T) {
	i := testkit.NewIssuer(t)
	c := corp(i, fileSet(t, i.Set()))
	p := started(t, mustNew(t, c))
	token := i.Token(t, i.Claims())
	if v := verdict(t, bearerGuard(t, p), withToken(token)); !v.Passed() {
		t.Fatal(code(v), v.Detail)
	}
	same, err := p.Next([]config.Identity{c})
	if err != nil || same.sets[0] != p.sets[0] {
		t.Errorf("an unchanged file made another set, %v", err)
	}
	i.Rotate(testkit.NewKey(t, "k2", "ES256"))
	c.JWT.JWKS = fileSet(t, i.Set())
	next, err := p.Next([]config.Identity{c})
	if err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, bearerGuard(t, next), withToken(token)); code(v) != badKey {
		t.Errorf("%q", code(v))
	}
}

// Two keys with one kid and one algorithm are ambiguous; the same key twice, or one kid for two kinds, is not.
func TestDuplicateKids(t *testing.T) {
	a, b, other := testkit.NewKey(t, "k", "ES256"), testkit.NewKey(t, "k", "ES256"), testkit.NewKey(t, "k", "EdDSA")
	allowed := []algorithm{es256, edDSA}
	ring, err := parseKeySet(publish(t, a, a, other), allowed)
	if err != nil || len(ring.named) != 2 {
		t.Errorf("%v %v", ring, err)
	}
	ring, err = parseKeySet(publish(t, a, b, other), allowed)
	if err != nil || len(ring.named) != 1 || ring.named[keyName{"k", edDSA}] == nil || len(ring.unusable) != 1 {
		t.Errorf("%v %v", ring, err)
	}
}

// An RSA key without alg belongs to the first RSA algorithm that is allowed, and to no other.
func TestAlgorithmOfNamelessRSAKey(t *testing.T) {
	k := testkit.NewKey(t, "k", "RS256")
	jwk := k.Public()
	jwk.Algorithm = ""
	set := fmt.Appendf(nil, `{"keys":[%s,{"kty":"future","kid":"k9"}]}`, must(jwk.MarshalJSON()))
	for _, allowed := range [][]algorithm{{es256, ps256, rs256}, {ps256}} {
		ring, err := parseKeySet(set, allowed)
		if err != nil || ring.named[keyName{"k", ps256}] == nil || len(ring.named) != 1 {
			t.Errorf("%v: %v", allowed, err)
		}
	}
	if _, err := parseKeySet(set, []algorithm{es256}); err == nil {
		t.Error("an RSA key for a list without RSA")
	}
}

// Keys that are not what they say, or should not be there, are left out with the reason.
func TestUnusableKeys(t *testing.T) {
	es, rs := testkit.NewKey(t, "k", "ES256"), testkit.NewKey(t, "k", "RS256")
	renamed := func(k testkit.Key, alg string) string {
		jwk := k.Public()
		jwk.Algorithm = alg
		return string(must(jwk.MarshalJSON()))
	}
	private := es.Public()
	private.Key = es.Private
	three := *rs.Private.Public().(*rsa.PublicKey)
	three.E = 3
	cube := rs.Public()
	cube.Key = &three
	for text, want := range map[string]string{
		renamed(es, "ES384"):                                  "does not fit",
		renamed(es, "RS256"):                                  "does not fit",
		renamed(rs, "ES256"):                                  "does not fit",
		renamed(rs, "none"):                                   "does not fit",
		renamed(rs, "HS256"):                                  "does not fit",
		renamed(rs, "RS512"):                                  "allowed",
		string(must(private.MarshalJSON())):                   "private key",
		string(must(cube.MarshalJSON())):                      "exponent 3",
		`{"kty":"oct","k":"` + strings.Repeat("A", 43) + `"}`: "shared secret",
		`{"kty":"EC","kid":7}`:                                "strict",
		`7`:                                                   "strict",
	} {
		ring, err := parseKeySet([]byte(`{"keys":[`+renamed(es, "ES256")+`,`+text+`]}`), []algorithm{es256, es384, rs256})
		if err != nil || len(ring.unusable) != 1 || !strings.Contains(ring.unusable[0], want) {
			t.Errorf("%.40s: %v %v, want %q", text, ring, err, want)
		}
	}
	many := strings.TrimSuffix(strings.Repeat(renamed(es, "ES256")+",", maxKeys+1), ",")
	for _, set := range []string{"", "null", "[]", "{}", `{"keys":{}}`, `{"keys":[]}`, `{"keys":[],"keys":[]}`, `{"keys":[{"kty":"EC","kty":"oct"}]}`, `{"keys":[` + many + `]}`} {
		if _, err := parseKeySet([]byte(set), []algorithm{es256}); err == nil {
			t.Errorf("%.40s: accepted", set)
		}
	}
}
