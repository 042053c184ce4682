package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
)

func open(t testing.TB, path string) *sql.DB {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.DB()
}

// refused is a record of a refusal with an id that sorts by i.
func refused(i int) *exchange.Record {
	return &exchange.Record{ID: fmt.Sprintf("01KB%022d", i), Time: time.Unix(1_800_000_000+int64(i), 0).UTC(), API: "shop", Operation: "GET /orders/{id}", Method: "GET",
		Path: fmt.Sprint("/orders/", i), Client: fmt.Sprint("203.0.113.", i%3), Principal: &exchange.RecordPrincipal{Subject: fmt.Sprint("user-", i%5)},
		Status: 404, Refused: true, Guard: "policy.object", Code: "policy.not_owner",
		Fields: []exchange.Field{{Param: "path.id", Detail: "belongs to somebody else"}},
		Steps:  []exchange.RecordStep{{Guard: "policy.object", Mode: config.Enforce, Took: time.Millisecond, Code: "policy.not_owner"}}}
}

func count(t testing.TB, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(`SELECT count(*) FROM refusals`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func listed(t testing.TB, db *sql.DB, f Filter) string {
	t.Helper()
	list, err := Select(t.Context(), db, f)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range list {
		ids = append(ids, strings.TrimLeft(strings.TrimPrefix(r.ID, "01KB"), "0"))
	}
	return strings.Join(ids, " ")
}

// What somebody may ask about is kept; exchanges without anything to tell are not.
func TestRefusalsKeepWhatMatters(t *testing.T) {
	plain := &exchange.Record{ID: "plain", Steps: []exchange.RecordStep{{Guard: "identity", Mode: config.Enforce}}}
	monitored := &exchange.Record{ID: "monitored", Steps: []exchange.RecordStep{{Guard: "inspect.body", Mode: config.Monitor, Code: "inspect.sqli"}}}
	noticed := &exchange.Record{ID: "noticed", Findings: []exchange.Finding{{Guard: "protect", Rule: "pan"}}}
	db := open(t, t.TempDir())
	k := NewRefusals(db, 0)
	for _, r := range []*exchange.Record{plain, monitored, noticed, refused(1)} {
		k.Record(r)
	}
	k.Close()
	k.Close() // twice does nothing
	for id, want := range map[string]bool{"plain": false, "monitored": true, "noticed": true, refused(1).ID: true} {
		r, err := Find(t.Context(), db, id)
		if kept := err == nil; kept != want || !kept && !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v %v", id, r, err)
		}
	}
	got, err := Find(t.Context(), db, refused(1).ID)
	if want := refused(1); err != nil || fmt.Sprintf("%+v %+v", *got.Principal, got.Steps) != fmt.Sprintf("%+v %+v", *want.Principal, want.Steps) ||
		!got.Time.Equal(want.Time) || got.Fields[0] != want.Fields[0] || got.Code != want.Code {
		t.Errorf("%+v %v", got, err)
	}
	if k.Dropped() != 0 {
		t.Errorf("%d dropped", k.Dropped())
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	db := open(t, t.TempDir())
	for round := range 3 {
		k := NewRefusals(db, 100)
		for i := range 1500 {
			k.Record(refused(round*1500 + i))
		}
		k.Close()
		if n := count(t, db); n != 100 {
			t.Fatalf("round %d: %d records are kept, want 100", round, n)
		}
		if got, want := listed(t, db, Filter{Limit: 2}), fmt.Sprintf("%d %d", round*1500+1499, round*1500+1498); got != want {
			t.Fatalf("round %d: the newest are %s, want %s", round, got, want)
		}
	}
}

// A restart loses nothing of what was kept.
func TestRefusalsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		k := NewRefusals(s.DB(), 10)
		k.Record(refused(i + 1))
		k.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := listed(t, open(t, dir), Filter{}); got != "3 2 1" {
		t.Error(got)
	}
}

// While the store takes nothing, exchanges go on; what the queue cannot hold is counted.
func TestRefusalsNeverBlock(t *testing.T) {
	db := open(t, t.TempDir())
	hold, err := db.BeginTx(t.Context(), nil) // takes the write lock
	if err != nil {
		t.Fatal(err)
	}
	k := NewRefusals(db, 100_000)
	const total = 3 * queueSize
	for i := range total {
		k.Record(refused(i))
	}
	if k.Dropped() == 0 {
		t.Error("three times the queue was taken while nothing could be written")
	}
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	k.Close()
	if kept := int64(count(t, db)); kept+k.Dropped() != total {
		t.Errorf("%d kept and %d dropped of %d", kept, k.Dropped(), total)
	}
}

// What cannot be written is counted, and the writer goes on.
func TestRefusalsCountFailures(t *testing.T) {
	db := open(t, t.TempDir())
	if _, err := db.Exec(`CREATE TRIGGER full BEFORE INSERT ON refusals WHEN (SELECT count(*) FROM refusals) >= 3 BEGIN SELECT RAISE(ABORT, 'full'); END`); err != nil {
		t.Fatal(err)
	}
	k := NewRefusals(db, 10)
	for i := range 4 {
		k.Record(refused(i))
	}
	k.Close()
	if n := count(t, db); int64(n)+k.Dropped() != 4 || k.Dropped() == 0 {
		t.Errorf("%d kept, %d dropped", n, k.Dropped())
	}
}

func TestSelect(t *testing.T) {
	db := open(t, t.TempDir())
	k := NewRefusals(db, 1000)
	for i := 1; i <= 30; i++ {
		r := refused(i)
		switch {
		case i%10 == 0:
			r.API, r.Code, r.Principal = "other", "identity.missing", nil
		case i%10 == 5:
			r.Refused, r.Code, r.Steps = false, "", []exchange.RecordStep{{Guard: "inspect.body", Mode: config.Monitor, Code: "inspect.sqli"}}
		}
		k.Record(r)
	}
	k.Close()
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"newest":           {Filter{Limit: 3}, "30 29 28"},
		"next page":        {Filter{Limit: 3, Before: refused(28).ID}, "27 26 25"},
		"last page":        {Filter{Limit: 3, Before: refused(2).ID}, "1"},
		"after the last":   {Filter{Before: refused(1).ID}, ""},
		"unknown cursor":   {Filter{Before: "nothing"}, ""},
		"api":              {Filter{API: "other"}, "30 20 10"},
		"code":             {Filter{Code: "identity.missing"}, "30 20 10"},
		"monitored code":   {Filter{Code: "inspect.sqli"}, "25 15 5"},
		"client":           {Filter{Client: "203.0.113.1", Limit: 2}, "28 25"},
		"subject":          {Filter{Subject: "user-1", Limit: 3}, "26 21 16"},
		"together":         {Filter{API: "shop", Code: "policy.not_owner", Client: "203.0.113.0", Subject: "user-4"}, "24 9"},
		"together, paged":  {Filter{API: "shop", Subject: "user-4", Limit: 1, Before: refused(24).ID}, "19"},
		"nobody":           {Filter{Subject: "user-9"}, ""},
		"no SQL":           {Filter{API: "shop' OR '1'='1"}, ""},
		"no SQL in cursor": {Filter{Before: "x') OR 1=1 --"}, ""},
	} {
		if got := listed(t, db, c.filter); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if list, err := Newest(t.Context(), db, 2); err != nil || len(list) != 2 {
		t.Errorf("%v %v", list, err)
	}
	if list, _ := Select(t.Context(), db, Filter{API: "none"}); list == nil {
		t.Error("a list of none is nil, and null in JSON")
	}
}

// Readers and the writer do not disturb each other.
func TestFindWhileWriting(t *testing.T) {
	db := open(t, t.TempDir())
	k := NewRefusals(db, 50)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				list, err := Newest(ctx, db, 5)
				if err == nil && len(list) > 0 {
					_, err = Find(ctx, db, list[0].ID)
				}
				if err != nil && !errors.Is(err, ErrUnknown) && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 300 {
		k.Record(refused(i))
	}
	k.Close()
	cancel()
	all.Wait()
	if n := count(t, db); n != 50 || k.Dropped() != 0 {
		t.Errorf("%d kept, %d dropped", n, k.Dropped())
	}
}

func TestFindTellsWhatIsWrong(t *testing.T) {
	db := open(t, t.TempDir())
	if _, err := db.Exec(`INSERT INTO refusals (id, time, record) VALUES ('broken', 0, CAST('{' AS BLOB))`); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(t.Context(), db, "broken"); err == nil || errors.Is(err, ErrUnknown) {
		t.Errorf("a damaged record: %v", err)
	}
	_ = db.Close()
	if _, err := Find(t.Context(), db, "x"); err == nil || errors.Is(err, ErrUnknown) {
		t.Errorf("a store that cannot be read: %v", err)
	}
	if _, err := Newest(t.Context(), db, 1); err == nil {
		t.Error("a store that cannot be read has no records")
	}
}

func BenchmarkRefusals(b *testing.B) {
	k := NewRefusals(open(b, b.TempDir()), 10_000)
	defer k.Close()
	plain, r := &exchange.Record{Steps: make([]exchange.RecordStep, 10)}, refused(1)
	b.Run("nothing to keep", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			k.Record(plain)
		}
	})
	b.Run("flood", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			k.Record(r)
		}
	})
}
