package limit

import (
	"context"
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
	"github.com/sallyport/sallyport/limit/quota"
	"github.com/sallyport/sallyport/openapi"
)

func planned(t testing.TB, l *Limiter, api config.API, plans ...config.Plan) *Rules {
	t.Helper()
	p, err := l.Plans(plans)
	if err != nil {
		t.Fatal(err)
	}
	api.Name = "shop"
	r, err := l.Rules(&api, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func quotaOf(t testing.TB, r *Rules, op *openapi.Operation) exchange.Guard {
	t.Helper()
	g, err := r.Quota(op)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// served asks the guard and, where it passes, settles an exchange with so many bytes. It returns the reason, "" for Pass.
func served(t testing.TB, r *Rules, g exchange.Guard, e *exchange.Exchange, bytes int64) (string, exchange.Verdict) {
	t.Helper()
	code, v := ask(t, []exchange.Guard{g}, e)
	e.Verdict = v
	if code == "" {
		e.Upstream.Attempts = 1
	}
	r.Settle(e, 0, bytes)
	r.Release(e)
	return code, v
}

var plain = config.Operation{}

// Fake time begins at midnight, UTC, of the first of January 2000.
func TestQuotasAreOfCalendarWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := planned(t, New(Options{}), config.API{Plan: "free"}, config.Plan{Name: "free", Day: config.Quota{Requests: 3}, Month: config.Quota{Requests: 5, Bytes: 1000}})
		g := quotaOf(t, r, opOf("GET /x", plain))
		time.Sleep(10 * time.Hour)
		for i, want := range []string{
			"RateLimit-Policy: \"free-day\";q=3;w=86400, \"free-month\";q=5;w=2678400, \"free-month-bytes\";q=1000;qu=\"content-bytes\";w=2678400\n" +
				"RateLimit: \"free-day\";r=2;t=50400, \"free-month\";r=4;t=2642400, \"free-month-bytes\";r=1000;t=2642400",
			"", "",
			"RateLimit-Policy: \"free-day\";q=3;w=86400, \"free-month\";q=5;w=2678400, \"free-month-bytes\";q=1000;qu=\"content-bytes\";w=2678400\n" +
				"RateLimit: \"free-day\";r=0;t=50400, \"free-month\";r=2;t=2642400, \"free-month-bytes\";r=970;t=2642400\nRetry-After: 50400",
		} {
			e := from("192.0.2.1", "alice")
			code, v := served(t, r, g, e, 10)
			if (code == exchange.QuotaExceeded.Code) != (i == 3) {
				t.Errorf("request %d: %q", i, code)
			}
			if got := reply(e, v); want != "" && got != want {
				t.Errorf("request %d:\n%s\nwant\n%s", i, got, want)
			}
		}
		if code, _ := served(t, r, g, from("192.0.2.1", "bob"), 0); code != "" {
			t.Errorf("bob pays for alice: %s", code)
		}
		time.Sleep(14*time.Hour - time.Second) // one second before midnight
		if code, _ := served(t, r, g, from("192.0.2.1", "alice"), 0); code == "" {
			t.Error("the day ended early")
		}
		time.Sleep(time.Second)
		for i, want := range []string{"", "", "limit.quota"} { // two are left of the month
			code, v := served(t, r, g, from("192.0.2.1", "alice"), 0)
			if code != want || want != "" && v.Retry != 30*24*time.Hour {
				t.Errorf("second day, request %d: %q, %s", i, code, v.Retry)
			}
		}
		time.Sleep(30 * 24 * time.Hour)
		if code, _ := served(t, r, g, from("192.0.2.1", "alice"), 0); code != "" {
			t.Errorf("February: %s", code)
		}
	})
}

// Cost counts beforehand, bytes and records afterwards: the request that goes over is the last.
func TestMeasures(t *testing.T) {
	for name, c := range map[string]struct {
		quota  config.Quota
		answer string
		passes int
	}{
		"units":                {config.Quota{Units: 25}, `{}`, 2}, // 10 each
		"requests":             {config.Quota{Requests: 4}, `{}`, 4},
		"bytes":                {config.Quota{Bytes: 101}, `{}`, 3}, // 50 each
		"records of an array":  {config.Quota{Records: 4}, `[{"a":[1,2,3]},{},{}]`, 2},
		"records of a member":  {config.Quota{Records: 4}, `{"items":[1,2],"total":2}`, 2},
		"records of no arrays": {config.Quota{Records: 1}, `{"id":1}`, 10},
	} {
		t.Run(name, func(t *testing.T) {
			r := planned(t, New(Options{}), config.API{Plan: "free"}, config.Plan{Name: "free", Day: c.quota})
			g := quotaOf(t, r, opOf("GET /x", config.Operation{Cost: 10}))
			passed := 0
			for range 10 {
				e := from("192.0.2.1", "alice")
				body, err := content.New([]byte(c.answer), content.Header{ContentType: []string{"application/json"}}, content.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				e.Response = &exchange.Response{Status: http.StatusOK, Body: body}
				if code, _ := served(t, r, g, e, 50); code == "" {
					passed++
				}
			}
			if passed != c.passes {
				t.Errorf("%d passed, want %d", passed, c.passes)
			}
		})
	}
}

func TestWhosePlan(t *testing.T) {
	l := New(Options{})
	day := func(n int) config.Quota { return config.Quota{Requests: n} }
	r := planned(t, l, config.API{Plan: "api"}, config.Plan{Name: "api", Day: day(1)},
		config.Plan{Name: "key", Day: day(2)}, config.Plan{Name: "acme", By: "tenant", Tenants: []string{"acme"}, Day: day(3)})
	g := quotaOf(t, r, opOf("GET /x", plain))
	with := func(subject, tenant, plan string) func() *exchange.Exchange {
		return func() *exchange.Exchange {
			e := from("192.0.2.1", subject)
			e.Principal.Tenant, e.Principal.Plan = tenant, plan
			return e
		}
	}
	for _, c := range []struct {
		name   string
		who    []func() *exchange.Exchange
		passes int
		then   string
	}{
		{"nobody", []func() *exchange.Exchange{func() *exchange.Exchange { return from("2001:db8::1", "") }, func() *exchange.Exchange { return from("2001:db8::2", "") }}, 1, "limit.quota"},
		{"the API's", []func() *exchange.Exchange{with("a", "", "")}, 1, "limit.quota"},
		{"the credential's", []func() *exchange.Exchange{with("b", "acme", "key")}, 2, "limit.quota"},
		{"the tenant's, shared", []func() *exchange.Exchange{with("c", "acme", ""), with("d", "acme", "")}, 3, "limit.quota"},
		{"none that is there", []func() *exchange.Exchange{with("e", "", "gone")}, 0, "limit.plan"},
	} {
		passed, last := 0, ""
		for i := range 6 {
			if last, _ = served(t, r, g, c.who[i%len(c.who)](), 0); last == "" {
				passed++
			}
		}
		if passed != c.passes || last != c.then {
			t.Errorf("%s: %d passed, then %s", c.name, passed, last)
		}
	}
	for _, u := range l.book.Used(quota.Filter{}) {
		if l.book.Find(l.keyOf(u.Holder)) == nil {
			t.Errorf("%+v is found under another key after a restart", u.Holder)
		}
	}
	// Whoever gets another plan keeps what was used.
	e := with("b", "acme", "acme")()
	used := l.book.Used(quota.Filter{Name: "b", Window: "day"})
	if len(used) != 1 || used[0].Used.Requests != 2 || (&quotas{Rules: r}).account(r.plans.named["key"], e) != l.book.Find(l.keyOf(used[0].Holder)) {
		t.Errorf("%+v", used)
	}
}

func TestPlanRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := planned(t, New(Options{}), config.API{Plan: "free"}, config.Plan{Name: "free", Rate: &config.Rate{Limit: 2}, Day: config.Quota{Requests: 3}})
		g := quotaOf(t, r, opOf("GET /x", plain))
		var codes []string
		for range 4 {
			e := from("192.0.2.1", "alice")
			code, v := served(t, r, g, e, 0)
			codes = append(codes, code)
			if len(codes) == 1 && reply(e, v) != "RateLimit-Policy: \"free\";q=2;w=60, \"free-day\";q=3;w=86400\nRateLimit: \"free\";r=1;t=30, \"free-day\";r=2;t=86400" {
				t.Error(reply(e, v))
			}
		}
		time.Sleep(time.Hour)
		for range 2 { // what the rate refused has used nothing
			code, _ := served(t, r, g, from("192.0.2.1", "alice"), 0)
			codes = append(codes, code)
		}
		if got := strings.Join(codes, " "); got != "  limit.rate limit.rate  limit.quota" {
			t.Errorf("%q", got)
		}
	})
}

func TestPurse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		r := planned(t, l, config.API{Spend: &config.Spend{Cap: 1_000_000, Price: 300_000}})
		free, usual, dear := quotaOf(t, r, opOf("GET /x", plain)), quotaOf(t, r, opOf("GET /y", plain)), quotaOf(t, r, opOf("POST /x", config.Operation{Price: 600_000}))
		e := from("192.0.2.1", "alice")
		if code, _ := ask(t, []exchange.Guard{dear}, e); code != "" {
			t.Fatal(code)
		}
		r.Settle(e, 0, 0) // nothing was sent: it is not spent
		r.Release(e)
		var codes []string
		for _, g := range []exchange.Guard{dear, usual, usual, dear, free} {
			code, v := served(t, r, g, from("192.0.2.1", "alice"), 0)
			codes = append(codes, code)
			if code != "" && v.Retry != 24*time.Hour {
				t.Error(v.Retry)
			}
		}
		if got := strings.Join(codes, ","); got != ",,limit.spent,limit.spent,limit.spent" {
			t.Error(got)
		}
		if s := l.QuotaStats(); s.Spent["shop"] != .9 || s.Caps["shop"] != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(24 * time.Hour)
		if code, _ := served(t, r, dear, from("192.0.2.1", "alice"), 0); code != "" {
			t.Error(code)
		}
	})
	r := planned(t, New(Options{}), config.API{Spend: &config.Spend{Cap: 1}})
	if _, err := r.Quota(opOf("GET /x", config.Operation{Price: 2})); err == nil {
		t.Error("a price beyond the cap")
	}
}

// However many ask at once, no more than the quota is let through.
func TestQuotasAreExact(t *testing.T) {
	r := planned(t, New(Options{}), config.API{Plan: "free"}, config.Plan{Name: "free", Day: config.Quota{Requests: 1000}, Month: config.Quota{Units: 2000}})
	g := quotaOf(t, r, opOf("GET /x", plain))
	var through atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if code, _ := served(t, r, g, from("192.0.2.1", "alice"), 1); code == "" {
					through.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if through.Load() != 1000 {
		t.Errorf("%d", through.Load())
	}
}

// A flood of addresses, and then of callers, fills the table. It gives nobody a fresh quota, takes no room from people
// who are known, and those without room share one account.
func TestFloodOfAccounts(t *testing.T) {
	l := New(Options{Accounts: 100})
	r := planned(t, l, config.API{Plan: "free"}, config.Plan{Name: "free", Day: config.Quota{Requests: 2}})
	g := quotaOf(t, r, opOf("GET /x", plain))
	for range 2 {
		if code, _ := served(t, r, g, from("192.0.2.1", "victim"), 0); code != "" {
			t.Fatal(code)
		}
	}
	through := 0
	for i := range 10_000 {
		e := from("192.0.2.1", "")
		e.Client.Addr = addrOf(i)
		if code, _ := served(t, r, g, e, 0); code == "" {
			through++
		}
	}
	if through != 50+2 { // one each of those with room, and what those without share
		t.Errorf("%d of a flood were let through", through)
	}
	if code, _ := served(t, r, g, from("192.0.2.1", "newcomer"), 0); code != "" {
		t.Errorf("a flood of addresses keeps a known newcomer out: %s", code)
	}
	for i := range 10_000 {
		_, _ = served(t, r, g, from("192.0.2.1", "x"+addrOf(i).String()), 0)
	}
	if code, _ := served(t, r, g, from("192.0.2.1", "victim"), 0); code == "" {
		t.Error("a flood has given a fresh quota")
	}
	if s := l.QuotaStats(); s.Accounts != 100 || s.Spilled == 0 {
		t.Errorf("%+v", s)
	}
}

// A decision of a plan allocates nothing but the text of the fields.
func TestQuotaAllocates(t *testing.T) {
	r := planned(t, New(Options{}), config.API{Plan: "free", RateHeaders: "off"}, config.Plan{Name: "free", Day: config.Quota{Requests: 1 << 40, Bytes: 1 << 40}})
	g, e := quotaOf(t, r, opOf("GET /x", plain)), from("192.0.2.1", "alice")
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = g.Check(ctx, e)
		r.Settle(e, 10, 10)
		r.Release(e)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The text of RateLimit is the one allocation of a request that is told of its plan, with a rate or without.
func TestQuotaFieldsAllocate(t *testing.T) {
	for name, rate := range map[string]*config.Rate{"with a rate": {Limit: 1 << 30}, "without": nil} {
		r := planned(t, New(Options{}), config.API{Plan: "free"}, config.Plan{Name: "free", Rate: rate, Day: config.Quota{Requests: 1 << 40}, Month: config.Quota{Units: 1 << 40}})
		g, e := quotaOf(t, r, opOf("GET /x", plain)), from("192.0.2.1", "alice")
		ctx := context.Background()
		if n := testing.AllocsPerRun(1000, func() {
			_, _ = g.Check(ctx, e)
			r.Settle(e, 10, 10)
			r.Release(e)
			e.Reply.Clear()
		}); n > 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkQuotaFields(b *testing.B) {
	r := planned(b, New(Options{}), config.API{Plan: "free"}, config.Plan{Name: "free", Rate: &config.Rate{Limit: 1 << 30}, Day: config.Quota{Requests: 1 << 40}, Month: config.Quota{Units: 1 << 40}})
	g, e := quotaOf(b, r, opOf("GET /x", plain)), from("192.0.2.1", "alice")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = g.Check(ctx, e)
		r.Settle(e, 10, 10)
		r.Release(e)
		e.Reply.Clear()
	}
}

func BenchmarkQuota(b *testing.B) {
	r := planned(b, New(Options{}), config.API{Plan: "free", RateHeaders: "off"}, config.Plan{Name: "free", Day: config.Quota{Requests: 1 << 40}, Month: config.Quota{Units: 1 << 40}})
	g, e := quotaOf(b, r, opOf("GET /x", plain)), from("192.0.2.1", "alice")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = g.Check(ctx, e)
		r.Settle(e, 10, 10)
		r.Release(e)
	}
}

func addrOf(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}
