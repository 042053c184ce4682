package limit

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/store"
)

// gate is one process with a clock of its own.
type gate struct {
	*Limiter
	now   time.Time
	rules *Rules
	guard exchange.Guard
}

func newGate(t *testing.T, s *store.Store, now time.Time) *gate {
	t.Helper()
	g := &gate{now: now}
	g.Limiter = New(Options{Now: func() time.Time { return g.now }})
	g.rules = planned(t, g.Limiter, config.API{Plan: "free", Spend: &config.Spend{Cap: 5_000_000, Per: "month"}}, config.Plan{Name: "free", Day: config.Quota{Requests: 10, Bytes: 1000}, Month: config.Quota{Requests: 15}})
	g.guard = quotaOf(t, g.rules, opOf("GET /x", config.Operation{Price: 100_000}))
	if err := g.recall(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gate) use(t *testing.T, n int) (through int) {
	t.Helper()
	for range n {
		if code, _ := served(t, g.rules, g.guard, from("192.0.2.1", "alice"), 10); code == "" {
			through++
		}
	}
	return through
}

func (g *gate) write(t *testing.T, s *store.Store) {
	t.Helper()
	if err := g.flush(context.Background(), s); err != nil {
		t.Fatal(err)
	}
}

var newYear = time.Date(2027, 12, 31, 12, 0, 0, 0, time.UTC)

func TestRestartForgetsNothing(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	first := newGate(t, s, newYear)
	first.use(t, 4)
	first.write(t, s)
	first.use(t, 3) // lost: the process is killed before they are written
	second := newGate(t, s, newYear)
	if n := second.use(t, 20); n != 6 {
		t.Errorf("%d were let through after 4 of 10", n)
	}
	u := second.Used(UsedFilter{Window: "day", Kind: "principal"})
	if len(u) != 1 || u[0].Used != (Amounts{10, 10, 100, 0}) || u[0].Limit.Requests != 10 || u[0].Share != 1 || u[0].Plan != "free" || u[0].Name != "alice" {
		t.Errorf("%+v", u)
	}
	if spent := second.QuotaStats().Spent["shop"]; spent != 1 {
		t.Errorf("%v is spent", spent)
	}
	// The other day there are five left of the month; the use of the day that ended is written nevertheless.
	second.now = newYear.Add(-24 * time.Hour)
	if n := second.use(t, 20); n != 0 {
		t.Errorf("a clock that is set back gives %d", n)
	}
	second.now = newYear
	second.write(t, s)
}

// What a window has used that ended before it was written is not forgotten, and not counted in the next one.
func TestWindowsThatEndUnwritten(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	g.use(t, 3)
	g.now = newYear.Add(12 * time.Hour)
	g.use(t, 2)
	g.write(t, s)
	got := map[string]int64{}
	rows, err := s.DB().Query(`SELECT span, start, requests FROM quotas WHERE kind = 'principal'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var span string
		var start, n int64
		if err := rows.Scan(&span, &start, &n); err != nil {
			t.Fatal(err)
		}
		got[span+time.Unix(start, 0).UTC().Format(" 2006-01-02")] = n
	}
	want := map[string]int64{"day 2027-12-31": 3, "month 2027-12-01": 3, "day 2028-01-01": 2, "month 2028-01-01": 2}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %d, want %d", k, got[k], n)
		}
	}
}

// Two processes on one store learn of each other when they write, so a quota is exceeded by no more than what each
// counts between.
func TestProcessesShareQuotas(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	a, b := newGate(t, s, newYear), newGate(t, s, newYear)
	total := 0
	for range 10 {
		total += a.use(t, 1) + b.use(t, 1)
		a.write(t, s)
		b.write(t, s)
	}
	if total < 10 || total > 11 {
		t.Errorf("%d were let through", total)
	}
}

// While the store cannot be written, counting goes on, and is written when it can be.
func TestStoreIsGone(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 {
		if n := g.use(t, 3); n != 3 {
			t.Fatalf("%d", n)
		}
		if g.flush(ended, s) == nil {
			t.Fatal("it was written")
		}
	}
	if n := g.use(t, 5); n != 1 {
		t.Errorf("%d of the last one", n)
	}
	g.write(t, s)
	if n := newGate(t, s, newYear).use(t, 1); n != 0 {
		t.Error("something was not written")
	}
	g.write(t, s)
	if s := g.QuotaStats(); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

// Accounts whose month has ended make room; that of an upstream stays.
func TestAccountsEndWithTheirMonth(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	g.use(t, 1)
	g.written(s)
	before := g.QuotaStats().Accounts
	g.now = newYear.Add(24 * time.Hour)
	g.written(s)
	if after := g.QuotaStats().Accounts; before != 2 || after != 1 {
		t.Errorf("%d accounts, then %d", before, after)
	}
	if n := g.use(t, 20); n != 10 {
		t.Errorf("%d", n)
	}
}

func TestErase(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	g.use(t, 10)
	g.write(t, s)
	if err := Erase(context.Background(), s, "alice"); err != nil {
		t.Fatal(err)
	}
	if u := newGate(t, s, newYear).Used(UsedFilter{Name: "alice"}); len(u) != 0 {
		t.Errorf("%+v", u)
	}
}

// BenchmarkAccounts reports what a full table of accounts holds in memory.
func BenchmarkAccounts(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := New(Options{})
		p := &plan{name: "free"}
		w := l.calendar.at(time.Now())
		for i := range 200_000 {
			h := Holder{"principal", "corp", "subject-" + strconv.Itoa(i)}
			a := l.accounts.open(l.keyOf(h), h)
			a.roll(w)
			a.plan, a.named = p, p.name
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
		runtime.KeepAlive(l)
	}
}
