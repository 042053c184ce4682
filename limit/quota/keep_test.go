package quota

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/store"
)

// Whatever holds with SQLite holds with PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }

// gate is one process with a clock of its own, whose plan gives alice 10 requests and 1000 bytes a day and 15 requests a month,
// and whose upstream may cost 5 a month, 0.1 a request.
type gate struct {
	*Book
	now time.Time
}

var (
	free  = Limits{Day: {Requests: 10, Octets: 1000}, Month: {Requests: 15}}
	spend = Limits{Month: {Units: 5_000_000}}
	alice = Holder{"principal", "corp", "alice"}
	shop  = Holder{"upstream", "", "shop"}
)

func keyOf(h Holder) Key {
	sum := sha256.Sum256([]byte(h.Kind + "\x00" + h.Issuer + "\x00" + h.Name))
	return Key{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}
}

func newGate(t *testing.T, s *store.Store, now time.Time) *gate {
	t.Helper()
	g := &gate{now: now}
	g.Book = New(Options{Accounts: 1000, Now: func() time.Time { return g.now }, Key: keyOf})
	g.Open(keyOf(shop), shop)
	if err := g.recall(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	return g
}

// use asks n times for alice, 10 bytes each, and returns how often she was let through.
func (g *gate) use(n int) (through int) {
	for range n {
		w := g.At(g.now)
		a := g.Open(keyOf(alice), alice)
		if _, _, ok := g.Take(a, &free, "free", Use{Requests: 1, Units: 1}, w); !ok {
			continue
		}
		through++
		g.Take(g.Find(keyOf(shop)), &spend, "", Use{Requests: 1, Units: 100_000}, w)
		g.Charge(a, Use{Octets: 10})
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
	first.use(4)
	first.write(t, s)
	first.use(3) // lost: the process is killed before they are written
	second := newGate(t, s, newYear)
	if n := second.use(20); n != 6 {
		t.Errorf("%d were let through after 4 of 10", n)
	}
	u := second.Used(Filter{Window: "day", Kind: "principal"})
	if len(u) != 1 || u[0].Used != (Amounts{10, 10, 100, 0}) || u[0].Limit.Requests != 10 || u[0].Share != 1 || u[0].Plan != "free" || u[0].Name != "alice" {
		t.Errorf("%+v", u)
	}
	if spent := second.Used(Filter{Kind: "upstream", Window: "month"}); len(spent) != 1 || spent[0].Used.Units != 1_000_000 || spent[0].Limit.Units != 5_000_000 {
		t.Errorf("%+v is spent", spent)
	}
	// The other day there are five left of the month; the use of the day that ended is written nevertheless.
	second.now = newYear.Add(-24 * time.Hour)
	if n := second.use(20); n != 0 {
		t.Errorf("a clock that is set back gives %d", n)
	}
	second.now = newYear
	second.write(t, s)
}

// What a window has used that ended before it was written is not forgotten, and not counted in the next one.
func TestWindowsThatEndUnwritten(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	g.use(3)
	g.now = newYear.Add(12 * time.Hour)
	g.use(2)
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
		total += a.use(1) + b.use(1)
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
		if n := g.use(3); n != 3 {
			t.Fatalf("%d", n)
		}
		if g.flush(ended, s) == nil {
			t.Fatal("it was written")
		}
	}
	if n := g.use(5); n != 1 {
		t.Errorf("%d of the last one", n)
	}
	g.write(t, s)
	if n := newGate(t, s, newYear).use(1); n != 0 {
		t.Error("something was not written")
	}
	g.write(t, s)
	if s := g.Stats(); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

// Accounts whose month has ended make room; that of an upstream stays.
func TestAccountsEndWithTheirMonth(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	g.use(1)
	g.written(s)
	before := g.Stats().Accounts
	g.now = newYear.Add(24 * time.Hour)
	g.written(s)
	if after := g.Stats().Accounts; before != 2 || after != 1 {
		t.Errorf("%d accounts, then %d", before, after)
	}
	if n := g.use(20); n != 10 {
		t.Errorf("%d", n)
	}
}

func TestErase(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	g := newGate(t, s, newYear)
	g.use(10)
	g.write(t, s)
	if err := Erase(context.Background(), s, "alice"); err != nil {
		t.Fatal(err)
	}
	if u := newGate(t, s, newYear).Used(Filter{Name: "alice"}); len(u) != 0 {
		t.Errorf("%+v", u)
	}
}

// BenchmarkAccounts reports what a full table of accounts holds in memory.
func BenchmarkAccounts(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := New(Options{Accounts: 200_000, Now: time.Now, Key: keyOf})
		w := l.At(time.Now())
		for i := range 200_000 {
			h := Holder{"principal", "corp", "subject-" + strconv.Itoa(i)}
			l.Take(l.Open(keyOf(h), h), &free, "free", Use{}, w)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
		runtime.KeepAlive(l)
	}
}
