package event

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// elsewhere names the PostgreSQL database in place of a path while a benchmark runs there; nil means none does.
var elsewhere func(path string) string

// open opens the store and the ring of a path.
func open(t testing.TB, path string) (*store.Store, *keyring.Ring) {
	t.Helper()
	var s *store.Store
	var err error
	if elsewhere == nil {
		s = databases.Open(t, path)
	} else if s, err = store.Connect(elsewhere(path)); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(filepath.Join(path, "keys"), keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.Close(), ring.Close() })
	return s, ring
}

func archive(t testing.TB, path string, o ArchiveOptions) *Archive {
	t.Helper()
	s, ring := open(t, path)
	a := NewArchive(s, ring, o)
	t.Cleanup(a.Close)
	return a
}

// Whatever holds for the archive in SQLite holds for it in PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }

// began is the day on which the exchanges of tests happen: yesterday at noon, so that all of them are kept.
var began = time.Now().UTC().Add(-24 * time.Hour).Truncate(24 * time.Hour).Add(12 * time.Hour)

// at is the i-th exchange, a second after the one before.
func at(i int) *exchange.Record {
	now := began.Add(time.Duration(i) * time.Second)
	return &exchange.Record{ID: exchange.NewID(now), Time: now, Took: 3 * time.Millisecond, API: "shop", Operation: "GET /orders/{id}", Method: "GET", Host: "shop.example",
		Path: fmt.Sprint("/orders/", i), Client: fmt.Sprint("203.0.113.", i%3), Principal: &exchange.RecordPrincipal{Subject: fmt.Sprint("user-", i%5), Kind: "jwt"},
		Status: 200, Steps: []exchange.RecordStep{{Guard: "identity", Mode: config.Enforce, Took: 80 * time.Microsecond}}, BytesOut: 100}
}

// denied is the i-th exchange, refused.
func denied(i int) *exchange.Record {
	r := at(i)
	r.Status, r.Refused, r.Guard, r.Code, r.OWASP = 404, true, "policy.object", "policy.not_owner", "API1"
	r.Fields = []exchange.Field{{Param: "path.id", Detail: "belongs to somebody else"}}
	r.Steps = append(r.Steps, exchange.RecordStep{Guard: "policy.object", Mode: config.Enforce, Took: time.Millisecond, Code: "policy.not_owner"})
	return r
}

// order is what a record's path says of its place.
func order(list []*exchange.Record) string {
	var places []string
	for _, r := range list {
		places = append(places, strings.TrimPrefix(r.Path, "/orders/"))
	}
	return strings.Join(places, " ")
}

func listed(t testing.TB, r *Reader, f Filter) string {
	t.Helper()
	list, err := r.Select(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return order(list)
}

func count(t testing.TB, r *Reader, where string) (n int64) {
	t.Helper()
	if err := r.store.DB().QueryRow(`SELECT count(*) FROM ` + where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestArchiveKeepsEverything(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	found := at(2)
	found.Findings = []exchange.Finding{{Guard: "protect.mask", Rule: "pan", Severity: exchange.High, Message: "a card number"}}
	all := []*exchange.Record{at(0), denied(1), found, {ID: exchange.NewID(began), Time: began, Method: "EVIL", Status: 501, Refused: true, Code: "protocol.method"}}
	for _, r := range all {
		a.Record(r)
	}
	a.Close()
	a.Close() // twice does nothing
	for _, want := range all {
		got, err := a.Find(t.Context(), want.ID)
		if err != nil {
			t.Errorf("%s: %v", want.ID, err)
			continue
		}
		if text := fmt.Sprintf("%+v %+v", *got, got.Principal); !strings.EqualFold(text[:40], fmt.Sprintf("%+v", *want)[:40]) || got.Client != want.Client || got.Path != want.Path ||
			!got.Time.Equal(want.Time) || len(got.Steps) != len(want.Steps) || len(got.Findings) != len(want.Findings) || want.Principal != nil && got.Principal.Subject != want.Principal.Subject {
			t.Errorf("%s, want %+v", text, *want)
		}
	}
	for _, id := range []string{"", "x", exchange.NewID(began), strings.Repeat("Z", 26), all[0].ID + "x"} {
		if _, err := a.Find(t.Context(), id); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if a.Dropped()+a.Sampled() != 0 {
		t.Errorf("%d dropped, %d sampled", a.Dropped(), a.Sampled())
	}
}

// Nothing that tells of a person stands in the store in clear.
func TestArchiveSealsPersons(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	a.Record(denied(1))
	e := exchange.NewEvent(exchange.KeyRevoked, "a key was ended")
	e.Actor, e.Subject = "admin:grace", "user-1"
	a.Event(e)
	a.Close()
	for _, table := range []string{"exchanges", "events"} {
		rows, err := a.store.DB().Query(`SELECT record, sealed FROM ` + table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var public, sealed []byte
			if err := rows.Scan(&public, &sealed); err != nil {
				t.Fatal(err)
			}
			plain, err := a.packer.open.DecodeAll(public, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, personal := range []string{"user-1", "203.0.113", "/orders/1", "grace"} {
				if strings.Contains(string(plain), personal) || strings.Contains(string(sealed), personal) {
					t.Errorf("%s: %s is in %s %x", table, personal, plain, sealed)
				}
			}
		}
		rows.Close()
	}
	if n := count(t, a.Reader, `names WHERE name LIKE '%user%' OR name LIKE '%203%' OR name LIKE '%grace%'`); n > 0 {
		t.Error("a person is a name")
	}
}

func TestArchiveSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		a := archive(t, dir, ArchiveOptions{})
		a.Record(denied(i))
		a.Close()
	}
	s, ring := open(t, dir)
	if got := listed(t, NewReader(s, ring), Filter{}); got != "2 1 0" {
		t.Error(got)
	}
}

// While the store takes nothing, exchanges go on. What passed is only counted then; refusals that do not fit are lost, and
// that is told.
func TestArchiveNeverBlocks(t *testing.T) {
	told := make(chan *exchange.Event, 10)
	a := archive(t, t.TempDir(), ArchiveOptions{Tell: func(e *exchange.Event) { told <- e }})
	hold, err := a.store.DB().BeginTx(t.Context(), nil) // takes the write lock
	if err != nil {
		t.Fatal(err)
	}
	const total = 2 * queueSize
	for i := range total {
		a.Record(at(i))
		a.Record(denied(i))
	}
	if a.Sampled() == 0 || a.Dropped() == 0 {
		t.Errorf("%d sampled, %d dropped of twice the queue", a.Sampled(), a.Dropped())
	}
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	if e := <-told; e.Kind != exchange.Dropped.Name || e.Data["count"] == "" || e.Data["sink"] != "archive" {
		t.Errorf("%+v", e)
	}
	a.Close()
	kept := count(t, a.Reader, "exchanges")
	if kept+a.Dropped()+a.Sampled() != 2*total {
		t.Errorf("%d kept, %d dropped, %d sampled of %d", kept, a.Dropped(), a.Sampled(), 2*total)
	}
	s, err := a.Histogram(t.Context(), Filter{From: began, To: began.Add(24 * time.Hour)}, time.Hour)
	if err != nil || sum(s).Total() != 2*total {
		t.Errorf("the counts have %d of %d, %v", sum(s).Total(), 2*total, err)
	}
}

func sum(s Series) (all Bucket) {
	for _, b := range s.Buckets {
		for i, n := range b.Outcomes {
			all.Outcomes[i] += n
		}
		for i, n := range b.Classes {
			all.Classes[i] += n
		}
		all.Took += b.Took
	}
	return all
}

// What cannot be written is counted, and the writer goes on.
func TestArchiveCountsFailures(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	if _, err := a.store.DB().Exec(`ALTER TABLE exchanges RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	a.Record(denied(1))
	for deadline := time.Now().Add(time.Minute); a.Dropped() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what could not be written was not counted")
		}
	}
	if _, err := a.store.DB().Exec(`ALTER TABLE away RENAME TO exchanges`); err != nil {
		t.Fatal(err)
	}
	a.Record(denied(2))
	a.Close()
	if got := listed(t, a.Reader, Filter{}); got != "2" {
		t.Error(got)
	}
}

// Two processes write to one store while one takes the other's place.
func TestTwoArchivesAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 2 {
		a := archive(t, dir, ArchiveOptions{})
		all.Go(func() {
			for i := range 500 {
				a.Record(denied(i))
			}
			a.Close()
			if a.Dropped() > 0 {
				t.Errorf("%d dropped", a.Dropped())
			}
		})
	}
	all.Wait()
	s, ring := open(t, dir)
	r := NewReader(s, ring)
	if n := count(t, r, "exchanges"); n != 1000 {
		t.Errorf("%d kept", n)
	}
	if s, err := r.Histogram(t.Context(), Filter{}, time.Hour); err != nil || sum(s).Total() != 1000 {
		t.Errorf("%d counted, %v", sum(s).Total(), err)
	}
}

func TestAdoptsWhatEarlierVersionsKept(t *testing.T) {
	if databases.OnPostgres() {
		t.Skip("what kept them had no PostgreSQL")
	}
	dir := t.TempDir()
	s, _ := open(t, dir)
	for i, record := range []string{`{"id":"` + denied(1).ID + `","time":"` + began.Format(time.RFC3339) + `","path":"/orders/7","status":404,"refused":true,"code":"policy.not_owner"}`, `{`} {
		if _, err := s.DB().Exec(`INSERT INTO refusals VALUES ($1, 1, $2)`, fmt.Sprint(i), []byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	a := archive(t, dir, ArchiveOptions{})
	a.Close()
	if got := listed(t, a.Reader, Filter{Code: "policy.not_owner"}); got != "7" {
		t.Error(got)
	}
	if n := count(t, a.Reader, "refusals"); n != 0 {
		t.Errorf("%d are still there in clear", n)
	}
}

func TestFindWhileWriting(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				list, err := a.Select(ctx, Filter{Limit: 5})
				if err == nil && len(list) > 0 {
					_, err = a.Find(ctx, list[0].ID)
				}
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 3000 {
		a.Record(denied(i))
	}
	a.Close()
	cancel()
	all.Wait()
	if n := count(t, a.Reader, "exchanges"); n != 3000 || a.Dropped() != 0 {
		t.Errorf("%d kept, %d dropped", n, a.Dropped())
	}
}

// A busy API pays for what is kept of a second's exchanges, not for all of them; what it refuses is kept.
func TestPassedAreRationed(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{Passed: 5})
	for i := range 200 {
		a.Record(at(i))
		a.Record(denied(i))
	}
	a.Close()
	if n := count(t, a.Reader, "exchanges WHERE outcome = 0"); n < 5*burst || n+a.Sampled() != 200 || a.Sampled() < 100 {
		t.Errorf("%d are kept, %d were sampled away", n, a.Sampled())
	}
	if n := count(t, a.Reader, "exchanges WHERE outcome = 3"); n != 200 || a.Dropped() != 0 {
		t.Errorf("%d refusals of 200 are kept, %d dropped", n, a.Dropped())
	}
	a.refill(time.Hour)
	if n := a.ration.Load(); n != 5*burst {
		t.Errorf("an hour's ration is %d", n)
	}
}

func BenchmarkTally(b *testing.B) {
	var t tally
	r := thisWeek(1 << 20).next()
	b.ReportAllocs()
	for b.Loop() {
		t.add(r)
	}
}

func BenchmarkArchiveRecord(b *testing.B) {
	a := archive(b, b.TempDir(), ArchiveOptions{})
	r := at(1)
	b.ReportAllocs()
	for b.Loop() {
		a.Record(r)
	}
}
