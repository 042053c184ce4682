package limit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

func per(d time.Duration) config.Duration { return config.Duration(d) }

func rulesOf(t testing.TB, l *Limiter, api config.API) *Rules {
	t.Helper()
	if api.Name == "" {
		api.Name = "shop"
	}
	r, err := l.Rules(&api, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func opOf(key string, x config.Operation) *openapi.Operation {
	return &openapi.Operation{Key: key, ID: strings.ReplaceAll(key, " ", "-"), Ext: x,
		Params: []*openapi.Param{{Name: "account", In: "query"}}}
}

func from(addr, subject string) *exchange.Exchange {
	e := &exchange.Exchange{Client: exchange.Client{Addr: netip.MustParseAddr(addr)}}
	if subject != "" {
		e.Principal = &exchange.Principal{Subject: subject, Issuer: "corp"}
	}
	return e
}

// ask walks the guards and tells the reason; "" is Pass.
func ask(t testing.TB, guards []exchange.Guard, e *exchange.Exchange) (string, exchange.Verdict) {
	t.Helper()
	for _, g := range guards {
		v, err := g.Check(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		if v.Refused() {
			return v.Reason.Code, v
		}
		if !v.Passed() {
			t.Fatal("no verdict")
		}
	}
	return "", exchange.Pass
}

func spend(t testing.TB, r *Rules, op *openapi.Operation) []exchange.Guard {
	t.Helper()
	g, err := r.Spend(op)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// reply is what the client is told, of an answer or of a refusal.
func reply(e *exchange.Exchange, v exchange.Verdict) string {
	h := http.Header{}
	e.Reply.Apply(h)
	for _, f := range v.Header {
		h.Add(f.Name, f.Value)
	}
	var lines []string
	for _, name := range []string{"RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if values := h.Values(http.CanonicalHeaderKey(name)); values != nil {
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	if v.Retry > 0 {
		lines = append(lines, fmt.Sprintf("Retry-After: %d", v.Retry/time.Second))
	}
	return strings.Join(lines, "\n")
}

func TestFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := config.API{Rate: &config.Rate{Limit: 100}, RateHeaders: "both"}
		r := rulesOf(t, New(Options{}), api)
		guards := spend(t, r, opOf("POST /pay", config.Operation{Cost: 10, Rate: &config.Rate{Limit: 2, Per: per(time.Hour)}}))
		for i, want := range []string{
			"RateLimit-Policy: \"shop\";q=100;w=60, \"POST-/pay\";q=2;w=3600\nRateLimit: \"shop\";r=90;t=1, \"POST-/pay\";r=1;t=1800\n" +
				"X-RateLimit-Limit: 2\nX-RateLimit-Remaining: 1\nX-RateLimit-Reset: 1800",
			"RateLimit-Policy: \"shop\";q=100;w=60, \"POST-/pay\";q=2;w=3600\nRateLimit: \"shop\";r=80;t=1, \"POST-/pay\";r=0;t=1800\n" +
				"X-RateLimit-Limit: 2\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 3600",
			"RateLimit-Policy: \"shop\";q=100;w=60, \"POST-/pay\";q=2;w=3600\nRateLimit: \"shop\";r=70;t=1, \"POST-/pay\";r=0;t=1800\n" +
				"X-RateLimit-Limit: 2\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 3600\nRetry-After: 1800",
		} {
			e := from("192.0.2.1", "alice")
			_, v := ask(t, guards, e)
			if got := reply(e, v); got != want {
				t.Errorf("request %d:\n%s\nwant\n%s", i, got, want)
			}
		}
		// The refused request has not spent the API's rate.
		e := from("192.0.2.1", "alice")
		_, v := ask(t, spend(t, r, opOf("GET /x", config.Operation{})), e)
		if got := reply(e, v); !strings.Contains(got, `RateLimit: "shop";r=79;t=1`) {
			t.Errorf("after a refusal:\n%s", got)
		}
		time.Sleep(30 * time.Minute)
		if code, _ := ask(t, guards, from("192.0.2.1", "alice")); code != "" {
			t.Errorf("after Retry-After: %s", code)
		}
	})
}

func TestFieldsByConfig(t *testing.T) {
	for headers, want := range map[string]string{
		"":       "RateLimit-Policy: \"s\\\"h_p\";q=5\nRateLimit: \"s\\\"h_p\";r=4;t=1",
		"draft":  "RateLimit-Policy: \"s\\\"h_p\";q=5\nRateLimit: \"s\\\"h_p\";r=4;t=1",
		"legacy": "X-RateLimit-Limit: 5\nX-RateLimit-Remaining: 4\nX-RateLimit-Reset: 1",
		"off":    "",
	} {
		r := rulesOf(t, New(Options{}), config.API{Name: "s\"h\xc3\xb6p", RateHeaders: headers, Rate: &config.Rate{Limit: 5, Per: per(time.Second / 2)}})
		e := from("192.0.2.1", "")
		_, v := ask(t, spend(t, r, opOf("GET /x", config.Operation{})), e)
		if got := reply(e, v); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", headers, got, want)
		}
	}
}

// Who is counted together and who is not.
func TestBy(t *testing.T) {
	tenant := func(addr, subject, tenant string) *exchange.Exchange {
		e := from(addr, subject)
		e.Principal.Tenant = tenant
		return e
	}
	issuer := from("192.0.2.1", "alice")
	issuer.Principal.Issuer = "other"
	for _, c := range []struct {
		by            string
		first, second *exchange.Exchange
		together      bool
	}{
		{"", from("192.0.2.1", "alice"), from("192.0.2.9", "alice"), true},
		{"", from("192.0.2.1", "alice"), from("192.0.2.1", "bob"), false},
		{"principal", from("192.0.2.1", "alice"), issuer, false},
		{"principal", from("192.0.2.1", ""), from("192.0.2.1", ""), true},
		{"principal", from("192.0.2.1", ""), from("192.0.2.2", ""), false},
		{"principal", from("192.0.2.1", ""), from("192.0.2.1", "alice"), false},
		{"client", from("192.0.2.1", "alice"), from("192.0.2.1", "bob"), true},
		{"client", from("192.0.2.1", ""), from("::ffff:192.0.2.1", ""), true},
		{"client", from("2001:db8:1:2::1", ""), from("2001:db8:1:2:ffff::9", ""), true},
		{"client", from("2001:db8:1:2::1", ""), from("2001:db8:1:3::1", ""), false},
		{"client", from("0.0.0.0", ""), from("::", ""), false},
		{"tenant", tenant("192.0.2.1", "alice", "acme"), tenant("192.0.2.2", "bob", "acme"), true},
		{"tenant", tenant("192.0.2.1", "alice", ""), tenant("192.0.2.1", "bob", ""), false},
		{"tenant", tenant("192.0.2.1", "a", "acme"), tenant("192.0.2.1", "a", "other"), false},
		{`principal.subject + "@" + client.addr`, from("192.0.2.1", "alice"), from("192.0.2.1", "alice"), true},
		{`principal.subject + "@" + client.addr`, from("192.0.2.1", "alice"), from("192.0.2.2", "alice"), false},
	} {
		r := rulesOf(t, New(Options{}), config.API{Rate: &config.Rate{Limit: 1, Per: per(time.Hour), By: c.by}})
		guards := spend(t, r, opOf("GET /x", config.Operation{}))
		if code, _ := ask(t, guards, c.first); code != "" {
			t.Errorf("by %s: the first is refused: %s", c.by, code)
		}
		code, v := ask(t, guards, c.second)
		if (code == "limit.rate") != c.together || code == "limit.rate" && v.Setting != "apis[shop].rate" {
			t.Errorf("by %s, %v and %v: %q %s, want together %v", c.by, c.first.Client.Addr, c.second.Client.Addr, code, v.Setting, c.together)
		}
	}
}

// A key that cannot be told refuses; it does not fall back to one that is easier to change.
func TestUncountable(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{Rate: &config.Rate{Limit: 100}})
	guards := spend(t, r, opOf("GET /x", config.Operation{Rate: &config.Rate{Limit: 1, By: "params.account"}}))
	code, v := ask(t, guards, from("192.0.2.1", ""))
	if code != "limit.key" || v.Setting != `apis[shop].operations["GET /x"].rate.by` {
		t.Errorf("%q %s", code, v.Setting)
	}
}

func TestReloadKeepsCounts(t *testing.T) {
	l := New(Options{})
	api := config.API{Rate: &config.Rate{Limit: 2, Per: per(time.Hour)}}
	op := opOf("GET /x", config.Operation{})
	for i, want := range []string{"", "", "limit.rate"} {
		guards := spend(t, rulesOf(t, l, api), op) // a new snapshot each time
		if code, _ := ask(t, guards, from("192.0.2.1", "alice")); code != want {
			t.Errorf("request %d: %q, want %q", i, code, want)
		}
	}
	if code, _ := ask(t, spend(t, rulesOf(t, l, config.API{Name: "other", Rate: api.Rate}), op), from("192.0.2.1", "alice")); code != "" {
		t.Errorf("another API: %q", code)
	}
}

func TestRefusalsAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		r := rulesOf(t, l, config.API{Refusals: &config.Rate{Limit: 3, Per: per(30 * time.Second)}})
		door := []exchange.Guard{r.Admit()}
		refused := func(addr string, reason *exchange.Reason) string {
			e := from(addr, "")
			code, v := ask(t, door, e)
			if e.Verdict = v; code == "" {
				e.Verdict = exchange.Refuse(reason, "")
			}
			r.Charge(e, e.Verdict.Reason.Status)
			r.Release(e)
			return code
		}
		// What is not the client's fault, and what limits say themselves, costs nothing.
		for _, reason := range []*exchange.Reason{exchange.Internal, exchange.UpstreamTimeout, exchange.ResponseInvalid, exchange.RateExceeded, exchange.TooManyFailures, exchange.Concurrency, exchange.KeysUnavailable} {
			for range 4 {
				refused("192.0.2.1", reason)
			}
		}
		for i, want := range []string{"", "", "", "limit.admit", "limit.admit"} {
			if got := refused("192.0.2.1", exchange.NotOwner); got != want {
				t.Errorf("refusal %d: %q, want %q", i, got, want)
			}
		}
		if got := refused("192.0.2.2", exchange.UnknownOperation); got != "" {
			t.Errorf("another client: %q", got)
		}
		if _, v := ask(t, door, from("192.0.2.1", "")); v.Retry != 10*time.Second || v.Setting != "apis[shop].refusals" {
			t.Errorf("retry %s, setting %s", v.Retry, v.Setting)
		}
		time.Sleep(10 * time.Second)
		if got := refused("192.0.2.1", exchange.NotOwner); got != "" {
			t.Errorf("after Retry-After: %q", got)
		}
		if got := refused("192.0.2.1", exchange.NotOwner); got != "limit.admit" {
			t.Errorf("and after one more refusal: %q", got)
		}
	})
}

// Whoever goes on is answered more and more slowly, with its refusals and with nothing else, until it has kept quiet for a while.
func TestRefusalsTakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rulesOf(t, New(Options{}), config.API{})
		wait := func(addr string, reason *exchange.Reason) time.Duration {
			e := from(addr, "")
			if reason != nil {
				e.Verdict = exchange.Refuse(reason, "")
				return r.Charge(e, reason.Status)
			}
			return r.Charge(e, 200)
		}
		for n := range 200 {
			low, high := time.Duration(0), time.Duration(0)
			if n >= 10 { // of 300
				low, high = min(time.Duration(n-10)*time.Second/40, time.Second)/2, min(time.Duration(n-8)*time.Second/40, time.Second)
			}
			if got := wait("192.0.2.1", exchange.BodyInvalid); got < low || got > high {
				t.Fatalf("refusal %d waits %s, want %s to %s", n+1, got, low, high)
			}
			if got := wait("127.0.0.1", exchange.BodyInvalid); got != 0 {
				t.Fatalf("on this machine: refusal %d waits %s", n+1, got)
			}
		}
		if got := wait("192.0.2.1", nil); got != 0 {
			t.Errorf("an answer that is no refusal waits %s", got)
		}
		if got := wait("192.0.2.1", exchange.RateExceeded); got != 0 {
			t.Errorf("a refusal that costs nothing waits %s", got)
		}
		if got := wait("192.0.2.2", exchange.BodyInvalid); got != 0 {
			t.Errorf("the neighbour waits %s", got)
		}
		if got := wait("192.0.2.3", exchange.AdmissionRefused); got != 0 {
			t.Errorf("who was charged elsewhere waits %s", got)
		}
		time.Sleep(time.Minute)
		if got := wait("192.0.2.1", exchange.BodyInvalid); got != 0 {
			t.Errorf("after a minute it waits %s", got)
		}
	})
}

func TestRefusalsOff(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{Refusals: &config.Rate{}})
	for range 1000 {
		e := from("192.0.2.1", "")
		e.Verdict = exchange.Refuse(exchange.BodyInvalid, "")
		r.Charge(e, 400)
	}
	if code, _ := ask(t, []exchange.Guard{r.Admit()}, from("192.0.2.1", "")); code != "" {
		t.Error(code)
	}
}

func login(t testing.TB, addr, email string) *exchange.Exchange {
	t.Helper()
	e := from(addr, "")
	b, err := content.New([]byte(`{"email":"`+email+`","password":"x"}`), content.Header{ContentType: []string{"application/json"}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	e.Body = b
	return e
}

// Failures are counted by account, whoever tries, and by client, whichever account is tried.
func TestFailures(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{Refusals: &config.Rate{Limit: 10, Per: per(time.Hour)}})
	guards := append([]exchange.Guard{r.Admit()}, spend(t, r, opOf("POST /login", config.Operation{
		Rate: &config.Rate{Limit: 3, Per: per(time.Hour), By: "body.email.lowerAscii()", Count: "failures"}}))...)
	if len(guards) != 2 || guards[1].Phase != exchange.OnBody {
		t.Fatalf("%d guards", len(guards))
	}
	try := func(addr, email string, status int) string {
		e := login(t, addr, email)
		code, v := ask(t, guards, e)
		if e.Verdict = v; code == "" {
			e.Response = &exchange.Response{Status: status}
		}
		r.Charge(e, status)
		r.Release(e)
		return code
	}
	for range 20 {
		if code := try("192.0.2.1", "alice@example.com", 200); code != "" {
			t.Fatalf("successes are counted: %s", code)
		}
	}
	for i, want := range []string{"", "", "", "limit.failures", "limit.failures"} {
		if got := try(fmt.Sprintf("192.0.2.%d", 10+i), "Alice@example.com", 401); got != want {
			t.Errorf("attempt %d: %q, want %q", i, got, want)
		}
	}
	if got := try("192.0.2.1", "bob@example.com", 401); got != "" {
		t.Errorf("another account: %q", got)
	}
	// One client, many accounts.
	last := ""
	for i := range 12 {
		last = try("198.51.100.1", fmt.Sprintf("u%d@example.com", i), 401)
	}
	if last != "limit.admit" {
		t.Errorf("spraying: %q", last)
	}
}

func TestConcurrency(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{Concurrency: config.Concurrency{Total: 3, Client: 2}})
	door := []exchange.Guard{r.Admit()}
	a, b, c, d := from("192.0.2.1", ""), from("192.0.2.1", ""), from("192.0.2.1", ""), from("192.0.2.2", "")
	for i, s := range []struct {
		e    *exchange.Exchange
		want string
	}{{a, ""}, {b, ""}, {c, "limit.concurrency"}, {d, ""}} {
		if got, _ := ask(t, door, s.e); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
	}
	other := from("192.0.2.3", "")
	if _, v := ask(t, door, other); !v.Refused() || v.Setting != "apis[shop].concurrency.total" || v.Retry != time.Second {
		t.Errorf("total: %+v", v)
	}
	r.Release(c) // was refused: gives nothing back
	r.Release(other)
	if got, _ := ask(t, door, from("192.0.2.3", "")); got != "limit.concurrency" {
		t.Errorf("a refused exchange gave a slot back: %q", got)
	}
	r.Release(a)
	r.Release(a)
	if got, _ := ask(t, door, from("192.0.2.1", "")); got != "" {
		t.Errorf("after a release: %q", got)
	}
	if got, _ := ask(t, door, from("192.0.2.4", "")); got != "limit.concurrency" {
		t.Errorf("a second release of the same exchange gave a slot back: %q", got)
	}
}

// However much a few clients hold, others get in; a client on its own gets what it may have.
func TestHoardersLeaveRoom(t *testing.T) {
	for hoarders, least := range map[int]int{1: 256, 4: 140, 16: 50, 200: 4} {
		r := rulesOf(t, New(Options{}), config.API{})
		door := []exchange.Guard{r.Admit()}
		held := map[int]int{}
		for range 300 { // by turns
			for i := range hoarders {
				if code, _ := ask(t, door, from(fmt.Sprintf("192.0.2.%d", i), "")); code == "" {
					held[i]++
				}
			}
		}
		for i := range hoarders {
			if held[i] < least || held[i] > 256 {
				t.Errorf("one of %d holds %d", hoarders, held[i])
			}
		}
		for i := range 8 {
			if code, v := ask(t, door, from(fmt.Sprintf("198.51.100.%d", i), "")); code != "" {
				t.Errorf("beside %d, who hold %d each: %q, %s", hoarders, held[0], code, v.Setting)
			}
		}
		if _, v := ask(t, door, from("192.0.2.0", "")); hoarders > 1 && v.Setting != "apis[shop].concurrency.total" {
			t.Errorf("one of %d is told of %q", hoarders, v.Setting)
		}
	}
}

func TestConcurrencyOfAnOperation(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{})
	op := opOf("GET /report", config.Operation{Concurrency: &config.Concurrency{Total: 1}})
	guards := append([]exchange.Guard{r.Admit()}, spend(t, r, op)...)
	a, b := from("192.0.2.1", ""), from("192.0.2.2", "")
	if code, _ := ask(t, guards, a); code != "" {
		t.Fatal(code)
	}
	if code, v := ask(t, guards, b); code != "limit.concurrency" || v.Setting != `apis[shop].operations["GET /report"].concurrency.total` {
		t.Fatal(code, v.Setting)
	}
	r.Release(b)
	r.Release(a)
	if code, _ := ask(t, guards, from("192.0.2.2", "")); code != "" {
		t.Fatal(code)
	}
}

// Slots are neither lost nor won, however requests come and go.
func TestParallelConcurrency(t *testing.T) {
	l := New(Options{})
	r := rulesOf(t, l, config.API{Concurrency: config.Concurrency{Total: 5, Client: 3}})
	door := []exchange.Guard{r.Admit()}
	var in, most atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 500 {
				e := from(fmt.Sprintf("192.0.2.%d", i%3), "")
				if code, _ := ask(t, door, e); code == "" {
					n := in.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					in.Add(-1)
				}
				r.Release(e)
			}
		})
	}
	wg.Wait()
	if most.Load() > 5 {
		t.Errorf("%d in flight", most.Load())
	}
	if n := r.slots.total.n.Load(); n != 0 {
		t.Errorf("%d slots lost", n)
	}
	for i := range l.clients.shards {
		if len(l.clients.shards[i].n) > 0 {
			t.Error("a client's slot is lost")
		}
	}
}

func TestRulesCannotBeBuilt(t *testing.T) {
	l := New(Options{})
	for setting, api := range map[string]config.API{
		"apis[shop].rate":         {Rate: &config.Rate{}},
		"apis[shop].rate.by":      {Rate: &config.Rate{Limit: 1, By: "principal.subjct"}},
		"apis[shop].rate.count":   {Rate: &config.Rate{Limit: 1, Count: "errors"}},
		"apis[shop].rate_headers": {RateHeaders: "all"},
		"apis[shop].refusals.by":  {Refusals: &config.Rate{Limit: 1, By: "principal"}},
		"apis[shop].refusals":     {Refusals: &config.Rate{Limit: -1}},
	} {
		api.Name = "shop"
		_, err := l.Rules(&api, nil)
		var at *Error
		if !errors.As(err, &at) || at.Setting != setting {
			t.Errorf("%s: %v", setting, err)
		}
	}
	r := rulesOf(t, l, config.API{Rate: &config.Rate{Limit: 10}})
	for setting, x := range map[string]config.Operation{
		`apis[shop].operations["GET /x"].cost`:    {Cost: 11},
		`apis[shop].operations["GET /x"].rate.by`: {Rate: &config.Rate{Limit: 1, By: "params.acount"}},
		`apis[shop].operations["GET /x"].rate`:    {Rate: &config.Rate{Limit: -1}},
	} {
		_, err := r.Spend(opOf("GET /x", x))
		var at *Error
		if !errors.As(err, &at) || at.Setting != setting {
			t.Errorf("%s: %v", setting, err)
		}
	}
	if _, err := r.Spend(opOf("GET /x", config.Operation{Cost: -1})); err == nil {
		t.Error("a negative cost was built")
	}
}

func BenchmarkSpend(b *testing.B) {
	for name, x := range map[string]config.Operation{
		"api":       {},
		"operation": {Rate: &config.Rate{Limit: 1 << 20, Per: per(time.Second)}},
		"cel":       {Rate: &config.Rate{Limit: 1 << 20, Per: per(time.Second), By: "principal.subject + client.addr"}},
	} {
		b.Run(name, func(b *testing.B) {
			r := rulesOf(b, New(Options{}), config.API{Rate: &config.Rate{Limit: 1 << 24, Per: per(time.Second)}})
			guards := append([]exchange.Guard{r.Admit()}, spend(b, r, opOf("GET /x", x))...)
			e := from("192.0.2.1", "alice")
			b.ReportAllocs()
			for b.Loop() {
				e.Reply = exchange.Edits{}
				if code, _ := ask(b, guards, e); code != "" {
					b.Fatal(code)
				}
				r.Charge(e, 200)
				r.Release(e)
			}
		})
	}
}
