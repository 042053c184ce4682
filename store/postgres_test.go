package store

import (
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

func connect(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestPostgres(t *testing.T) {
	database := testkit.Postgres(t)
	t.Run("many at once migrate once", func(t *testing.T) {
		address := database()
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				s, err := Connect(address)
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Close()
			})
		}
		all.Wait()
		var n int
		if err := connect(t, address).DB().QueryRow(`SELECT count(*) FROM sallyport_version`).Scan(&n); err != nil || n != 1 {
			t.Errorf("migrated %d times, %v", n, err)
		}
	})
	t.Run("a newer version", func(t *testing.T) {
		address := database()
		if _, err := connect(t, address).DB().Exec(`INSERT INTO sallyport_version VALUES (99)`); err != nil {
			t.Fatal(err)
		}
		if s, err := Connect(address); err == nil {
			_ = s.Close()
			t.Error("opened")
		}
	})
	t.Run("acts are announced", func(t *testing.T) { delivers(t, connect(t, database())) })
	t.Run("changes of keys are counted", func(t *testing.T) { countsChanges(t, connect(t, database())) })
	t.Run("partitions", func(t *testing.T) { partitions(t, connect(t, database())) })
	t.Run("size", func(t *testing.T) {
		if n, err := connect(t, database()).Size(t.Context()); err != nil || n < 1<<20 {
			t.Errorf("%d %v", n, err)
		}
	})
}

// Days are made by whoever comes first, hold their rows, and go as a whole.
func partitions(t *testing.T, s *Store) {
	first := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 3 {
				if err := s.Partition(t.Context(), "events", first.AddDate(0, 0, i), int64(10*i), int64(10*i+10)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for seq := range 30 {
		if _, err := s.DB().Exec(`INSERT INTO events VALUES ($1, 'x', 1, '', '')`, seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DropPartition(t.Context(), "events", first); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := s.DB().QueryRow(`SELECT count(*) FROM events`).Scan(&n); err != nil || n != 20 {
		t.Errorf("%d rows, %v", n, err)
	}
	if days, err := s.Partitions(t.Context(), "events"); err != nil || len(days) != 2 || !days[0].Equal(first.AddDate(0, 0, 1)) {
		t.Errorf("%v %v", days, err)
	}
}

func TestConnectRefuses(t *testing.T) {
	for _, address := range []string{"postgres:///nothing?host=/nonexistent&connect_timeout=2", "postgres://%zz"} {
		if s, err := Connect(address); err == nil {
			_ = s.Close()
			t.Errorf("%s: connected", address)
		}
	}
}
