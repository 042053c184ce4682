package quota

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/store"
)

var person = Holder{"principal", "corp", "alice@example.test"}

// spends has each of them use n requests, and writes it.
func (g *gate) spends(t *testing.T, s *store.Store, n int64, holders ...Holder) {
	t.Helper()
	for _, h := range holders {
		g.Charge(g.Open(keyOf(h), h), Use{Requests: n})
	}
	g.write(t, s)
}

// spent is what the store knows at a start.
func spent(t *testing.T, s *store.Store, h Holder) (n int64) {
	t.Helper()
	for _, u := range newGate(t, s, newYear).Used(Filter{Name: h.Name, Kind: h.Kind, Window: "month"}) {
		n += u.Used.Requests
	}
	return n
}

func TestNamesOfAccountsAreSealed(t *testing.T) {
	path := t.TempDir()
	s := databases.Unlock(t, databases.Open(t, path))
	all := []Holder{person, {"tenant", "corp", "wonderland"}, {"client", "", "203.0.113.77"}, shop}
	g := newGate(t, s, newYear)
	g.spends(t, s, 2, all...)
	g.spends(t, s, 3, all...)
	for _, h := range all {
		if n := spent(t, s, h); n != 5 {
			t.Errorf("%d of %v", n, h)
		}
		if h != shop && databases.Holds(t, path, h.Name) {
			t.Errorf("%s stands in the database", h.Name)
		}
	}
	if err := Erase(t.Context(), s, person.Name); err != nil {
		t.Fatal(err)
	}
	if n, others := spent(t, s, person), spent(t, s, all[1]); n != 0 || others != 5 {
		t.Errorf("%d are left, and of others %d", n, others)
	}
}

// What older versions have written is counted, before it is sealed and afterwards, and by whoever seals only once.
func TestOlderAccountsAreSealed(t *testing.T) {
	path := t.TempDir()
	s := databases.Open(t, path)
	old := newGate(t, s, newYear)
	old.spends(t, s, 4, person, shop)
	if !databases.Holds(t, path, person.Name) {
		t.Fatal("it is not in clear")
	}
	databases.Unlock(t, s)
	newGate(t, s, newYear).spends(t, s, 1, person)
	if n := spent(t, s, person); n != 5 {
		t.Errorf("%d before", n)
	}
	var done sync.WaitGroup
	for range 4 {
		other := databases.Unlock(t, databases.Open(t, path))
		done.Go(func() {
			if _, err := Seal(context.Background(), other, newYear.AddDate(0, 0, -31)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	old.spends(t, databases.Open(t, path), 2, person) // runs on beside
	if n, err := Seal(t.Context(), s, time.Time{}); err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, caps := spent(t, s, person), spent(t, s, shop); n != 7 || caps != 4 {
		t.Errorf("%d afterwards, %d of the upstream", n, caps)
	}
	if databases.Holds(t, path, person.Name) {
		t.Error("it stands there still")
	}
}

// A sealed name is worth nothing in another row, and without the keys.
func TestSealedNamesStayInTheirRow(t *testing.T) {
	path := t.TempDir()
	s := databases.Unlock(t, databases.Open(t, path))
	other := Holder{"principal", "corp", "bob"}
	newGate(t, s, newYear).spends(t, s, 3, person, other)
	if n := spent(t, databases.Open(t, path), person); n != 0 {
		t.Errorf("%d were read without keys", n)
	}
	tag := nameOf(s.Names(), other)
	if _, err := s.DB().Exec(`UPDATE quotas SET sealed = (SELECT sealed FROM quotas WHERE name <> $1 LIMIT 1) WHERE name = $1`, tag); err != nil {
		t.Fatal(err)
	}
	if n := spent(t, s, person); n != 3 {
		t.Errorf("%d: who moves a name charges somebody else", n)
	}
}
