package event

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// ago is a record of so long ago.
func ago(r *exchange.Record, d time.Duration) *exchange.Record {
	r.Time = time.Now().Add(-d)
	r.ID, r.Path = exchange.NewID(r.Time), "/orders/"+d.String()
	return r
}

func TestRetention(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{Retention: 48 * time.Hour, Refusals: 96 * time.Hour})
	for _, days := range []time.Duration{0, 1, 3, 4, 6} {
		a.Record(ago(at(0), days*24*time.Hour))
		a.Record(ago(denied(0), days*24*time.Hour))
	}
	e := exchange.NewEvent(exchange.ConfigApplied, "old")
	e.ID = exchange.NewID(time.Now().Add(-6 * 24 * time.Hour))
	a.Event(e)
	a.Close()
	for done := false; !done; {
		var err error
		if done, err = a.sweep(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	// Days of PostgreSQL go as a whole, so that what is just over the age may be there.
	got := listed(t, a.Reader, Filter{Outcome: "passed"})
	if got != "0s 24h0m0s" {
		t.Errorf("passed: %s", got)
	}
	if got = listed(t, a.Reader, Filter{Outcome: "refused"}); got != "0s 24h0m0s 72h0m0s" && got != "0s 24h0m0s 72h0m0s 96h0m0s" {
		t.Errorf("refused: %s", got)
	}
	if list, err := a.Events(t.Context(), EventFilter{}); err != nil || len(list) != 0 {
		t.Errorf("events: %v %v", list, err)
	}
	if n := count(t, a.Reader, "counts WHERE width = 60"); n != 4 {
		t.Errorf("%d counts by minute", n)
	}
	if n := count(t, a.Reader, "findings"); n != 0 {
		t.Errorf("%d findings", n)
	}
}

// Too much is forgotten from the old end, exchanges that passed first.
func TestSizeIsBounded(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{Passed: 10_000})
	for day := range 4 {
		for i := range 1500 {
			a.Record(ago(at(i), time.Duration(3-day)*24*time.Hour))
		}
		a.Record(ago(denied(day), time.Duration(3-day)*24*time.Hour))
	}
	a.Close()
	size, err := a.store.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.options.MaxBytes = size - 200<<10
	for done := false; !done; {
		if done, err = a.sweep(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := a.store.Size(t.Context()); err != nil || after > a.options.MaxBytes {
		t.Errorf("%d bytes of %d, %v", after, a.options.MaxBytes, err)
	}
	if n := count(t, a.Reader, "exchanges WHERE outcome = 0"); n == 0 || n == 6000 {
		t.Errorf("%d passed are kept", n)
	}
	if n := count(t, a.Reader, "exchanges WHERE outcome <> 0"); n != 4 {
		t.Errorf("%d refusals are kept", n)
	}
	// Where nothing that passed is left to forget, the oldest refusals go; PostgreSQL keeps today's, and takes no more of what passes.
	a.options.MaxBytes = 1
	for done := false; !done; {
		if done, err = a.sweep(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, a.Reader, "exchanges"); n > 1501 || a.store.Postgres() != a.full.Load() {
		t.Errorf("%d are kept, full: %v", n, a.full.Load())
	}
}

// Measure 5: when the key is destroyed, the person is unreadable in the store, in a copy of it made before, and in sealed
// bytes elsewhere; others are not touched.
func TestErasure(t *testing.T) {
	dir := t.TempDir()
	a := archive(t, dir, ArchiveOptions{})
	ada, bob := denied(1), denied(2)
	ada.Principal.Subject, ada.Client, ada.UserAgent, bob.Principal.Subject = "ada@example.org", "203.0.113.77", "ada's phone", "bob"
	a.Record(ada)
	a.Record(bob)
	e := exchange.NewEvent(exchange.KeyRevoked, "")
	e.Subject = "ada@example.org"
	a.Event(e)
	a.Close()
	elsewhereSealed, err := a.ring.Seal("ada@example.org", []byte("in a spool"))
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, a.Reader, Filter{Subject: "ada@example.org"}); got != "1" {
		t.Fatalf("before: %q", got)
	}
	backup := backedUp(t, dir, a.store)
	if err := a.Forget(t.Context(), "ada@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := a.Forget(t.Context(), "ada@example.org"); !errors.Is(err, keyring.ErrUnknown) {
		t.Errorf("a second time: %v", err)
	}
	for name, r := range map[string]*Reader{"store": a.Reader, "backup": NewReader(backup, a.ring)} {
		got, err := r.Find(t.Context(), ada.ID)
		if err != nil || got.Principal.Subject != Erased || got.Client != Erased || got.Path != Erased || got.UserAgent != "" {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		if got == nil || got.Code != "policy.not_owner" || got.ID != ada.ID {
			t.Errorf("%s: what is not personal went, too: %+v", name, got)
		}
		if got := listed(t, r, Filter{Subject: "ada@example.org"}); got != "" {
			t.Errorf("%s: still found by subject: %s", name, got)
		}
		if got, err := r.Find(t.Context(), bob.ID); err != nil || got.Principal.Subject != "bob" || got.Path != "/orders/2" {
			t.Errorf("%s: bob: %+v %v", name, got, err)
		}
		if list, err := r.Events(t.Context(), EventFilter{}); err != nil || len(list) != 1 || list[0].Subject != Erased {
			t.Errorf("%s: %+v %v", name, list, err)
		}
		if list, err := r.Top(t.Context(), Filter{}, "subject", 9); err != nil || len(list) == 0 || list[len(list)-1].Value == "ada@example.org" {
			t.Errorf("%s: %v %v", name, list, err)
		}
	}
	if got := listed(t, a.Reader, Filter{Client: "203.0.113.77"}); got != "" {
		t.Errorf("the address still leads to the exchange: %s", got)
	}
	if _, err := a.ring.Open(elsewhereSealed); !errors.Is(err, ErrErased) {
		t.Errorf("elsewhere: %v", err)
	}
	// Nor do the files have anything of her, keys and journals included.
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, text := range []string{"ada@", "203.0.113.77", "phone"} {
			if bytes.Contains(data, []byte(text)) {
				t.Errorf("%s has %q", path, text)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// backedUp is a copy of the store as it is now: of PostgreSQL's rows, by a copy of the database.
func backedUp(t *testing.T, dir string, s *store.Store) *store.Store {
	t.Helper()
	copied := t.TempDir()
	if s.Postgres() {
		return copiedRows(t, s, copied)
	}
	if _, err := s.DB().Exec(`VACUUM INTO $1`, filepath.Join(copied, store.File)); err != nil {
		t.Fatal(err)
	}
	b, err := store.Open(copied)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// copiedRows puts the rows of a PostgreSQL database into a SQLite one, as an export would.
func copiedRows(t *testing.T, from *store.Store, dir string) *store.Store {
	t.Helper()
	to, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = to.Close() })
	for _, table := range []struct{ name, columns string }{{"names", "n, name"}, {"exchanges", "seq, id, outcome, api, operation, method, status, code, guard, client, subject, record, sealed"}, {"events", "seq, id, kind, record, sealed"}} {
		rows, err := from.DB().Query(`SELECT ` + table.columns + ` FROM ` + table.name)
		if err != nil {
			t.Fatal(err)
		}
		names, _ := rows.Columns()
		for rows.Next() {
			values, at := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				at[i] = &values[i]
			}
			if err := rows.Scan(at...); err != nil {
				t.Fatal(err)
			}
			if _, err := to.DB().Exec(insertOf(table.name, names, 1), values...); err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
	}
	return to
}
