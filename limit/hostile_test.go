package limit

import (
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Somebody with ten times as many keys as the table holds, addresses and subjects both, cannot push an honest client's
// spent rate out of it, nor its half-spent one, nor a quota. With SALLYPORT_ALL=1 the table is that of production and
// the keys are ten million; else both are a hundredth.
func TestManyKeysBuyNoFreshBudget(t *testing.T) {
	size := 10_000
	if os.Getenv("SALLYPORT_ALL") != "" {
		size = 1_000_000
	}
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Keys: size, Accounts: size / 5})
		r := planned(t, l, config.API{Rate: &config.Rate{Limit: 100, Per: per(24 * time.Hour)}, RateHeaders: "off", Plan: "free"},
			config.Plan{Name: "free", Month: config.Quota{Requests: 150}})
		guards := append(spend(t, r, opOf("GET /x", plain)), quotaOf(t, r, opOf("GET /x", plain)))
		through := func(e *exchange.Exchange) bool {
			code, _ := ask(t, guards, e)
			r.Release(e)
			return code == ""
		}
		use := func(subject string, n int) (passed int) {
			for range n {
				if through(from("192.0.2.1", subject)) {
					passed++
				}
			}
			return passed
		}
		if use("spent", 200) != 100 || use("half", 40) != 40 {
			t.Fatal("not what the rate says")
		}
		e := from("192.0.2.1", "attacker")
		who := *e.Principal
		for i := range 10 * size {
			e.Principal, e.Client.Addr = nil, addrOf(i)
			if i%2 == 0 {
				who.Subject = "attacker" + strconv.Itoa(i)
				e.Principal = &who
			}
			through(e)
		}
		if n := use("spent", 200); n != 0 {
			t.Errorf("%d more of a spent rate", n)
		}
		if n := use("half", 200); n != 60 {
			t.Errorf("%d more where 60 were left", n)
		}
		time.Sleep(24 * time.Hour) // the rate is back, the month's quota is not
		if n := use("spent", 200); n != 50 {
			t.Errorf("%d more where the quota has 50", n)
		}
		s := l.Stats()
		if s.Overflow == 0 || s.Keys > s.Capacity {
			t.Errorf("the table was not full: %+v", s)
		}
		t.Logf("%d keys asked for, %+v, %+v", 10*size, s, l.QuotaStats())
	})
}

var decision exchange.Verdict

// BenchmarkDecision is the whole of "limit.spend": key, table, verdict, without the text of fields.
func BenchmarkDecision(b *testing.B) {
	for _, others := range []int{0, 1_000_000} {
		b.Run(strconv.Itoa(others)+" other keys", func(b *testing.B) {
			l := New(Options{})
			r := rulesOf(b, l, config.API{Rate: &config.Rate{Limit: 1 << 30, Per: per(time.Second)}, RateHeaders: "off"})
			g := spend(b, r, opOf("GET /x", plain))[0]
			e := from("192.0.2.1", "")
			for i := range others {
				l.counters.take(l.client(1, addrOf(i)), 1, &r.rate.rate, 1<<62, 1)
			}
			many := make([]exchange.Principal, 1<<16)
			for i := range many {
				many[i] = exchange.Principal{Issuer: "corp", Subject: "subject-" + strconv.Itoa(i)}
			}
			ctx, i := b.Context(), 0
			b.ReportAllocs()
			for b.Loop() {
				e.Principal = &many[i&(1<<16-1)]
				decision, _ = g.Check(ctx, e)
				i++
			}
		})
	}
}
