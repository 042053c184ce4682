package event

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// A week of traffic as it may be: 3 APIs with 100 operations, 5,000 clients, 2,000 principals; 95 of 100 pass, some are
// refused, one in a million for a rare reason; a fifth of all comes in one hour.
type week struct {
	random *rand.Rand
	begin  time.Time
	rows   int
	at     int
}

func (w *week) next() *exchange.Record {
	w.at++
	x := w.random
	when := w.begin.Add(time.Duration(float64(w.at) / float64(w.rows) * float64(7*24*time.Hour)))
	if w.at%5 == 0 {
		when = w.begin.Add(100*time.Hour + time.Duration(float64(w.at)/float64(w.rows)*float64(time.Hour)))
	}
	n := min(int(x.ExpFloat64()*20), 99)
	r := &exchange.Record{ID: exchange.NewID(when), Time: when, Took: time.Duration(x.IntN(20_000)) * time.Microsecond, API: []string{"shop", "partners", "internal"}[n%3],
		Operation: fmt.Sprintf("GET /things-%d/{id}", n), Method: "GET", Host: "api.example.com", Path: fmt.Sprintf("/things-%d/%d", n, x.IntN(1_000_000)), Proto: "HTTP/2.0",
		Client: fmt.Sprintf("198.51.%d.%d", x.IntN(20), x.IntN(250)), UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1",
		Principal: &exchange.RecordPrincipal{Subject: fmt.Sprint("user-", x.IntN(2000)), Issuer: "https://idp.example/", Kind: "jwt", Roles: []string{"customer"}},
		Bot:       &exchange.RecordBot{Rating: rated(w.at)},
		Status:    200, BytesIn: int64(x.IntN(2000)), BytesOut: int64(x.IntN(20000)), Upstream: &exchange.RecordUpstream{Target: "http://127.0.0.1:9000", Status: 200, Attempts: 1, Took: time.Millisecond}}
	for _, g := range []string{"limit.admit", "identity", "policy.operation", "limit.spend", "validate.params", "policy.object", "inspect.head", "inspect.url", "protect.errors", "validate.response", "inspect.response", "protect.filter", "protect.mask"} {
		r.Steps = append(r.Steps, exchange.RecordStep{Guard: g, Mode: config.Enforce, Took: time.Duration(x.IntN(50_000))})
	}
	refuse := func(status int, guard string, reason *exchange.Reason) {
		r.Status, r.Refused, r.Guard, r.Code, r.OWASP, r.Upstream = status, true, guard, reason.Code, reason.OWASP, nil
		r.Steps[5].Code = reason.Code
	}
	switch p := x.IntN(1_000_000); {
	case w.at%1_000_000 == 77:
		refuse(403, "inspect.body", exchange.RCE)
	case p < 15_000:
		refuse(404, "policy.object", exchange.NotOwner)
	case p < 30_000:
		refuse(401, "identity", exchange.TokenExpired)
	case p < 35_000:
		r.Findings = []exchange.Finding{{Guard: "inspect.body", Rule: fmt.Sprint(942100 + x.IntN(40)*10), Severity: exchange.Medium, Message: "SQL injection"}}
	case p < 45_000:
		r.Steps[6] = exchange.RecordStep{Guard: "inspect.head", Mode: config.Monitor, Code: "inspect.sqli"}
	case p < 50_000:
		r.Status = 503
	}
	return r
}

// rated is verified for most, a browser for some; two of a hundred are hostile, three suspected.
func rated(n int) exchange.Rating {
	switch n %= 100; {
	case n < 2:
		return exchange.Hostile
	case n < 5:
		return exchange.Suspected
	case n < 20:
		return exchange.LikelyHuman
	}
	return exchange.Verified
}

// fill writes the week as the archive does.
func fill(b testing.TB, a *Archive, w *week) {
	b.Helper()
	ctx := context.Background()
	for w.at < w.rows {
		var batch []*exchange.Record
		for len(batch) < batchSize && w.at < w.rows {
			r := w.next()
			a.tally.add(r)
			batch = append(batch, r)
		}
		if err := a.writer.write(ctx, batch, nil); err != nil {
			b.Fatal(err)
		}
		if w.at/batchSize%20 == 0 || w.at == w.rows {
			a.flush()
		}
	}
}

func thisWeek(rows int) *week {
	return &week{random: rand.New(rand.NewPCG(1, 2)), begin: time.Now().Add(-7 * 24 * time.Hour), rows: rows}
}

// TestWeekToLookAt makes a store of SALLYPORT_ROWS exchanges in the folder SALLYPORT_STORE, for what is to be looked at:
// docs/dashboard.md.
func TestWeekToLookAt(t *testing.T) {
	dir := os.Getenv("SALLYPORT_STORE")
	rows, _ := strconv.Atoi(os.Getenv("SALLYPORT_ROWS"))
	if dir == "" || rows == 0 {
		t.Skip("SALLYPORT_STORE and SALLYPORT_ROWS make a store to look at")
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ring, err := keyring.Open(filepath.Join(dir, "keys"), keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	a := NewArchive(s, ring, ArchiveOptions{MaxBytes: 1 << 40})
	a.Close()
	fill(t, a, thisWeek(rows))
}

// What a dashboard asks, of five million exchanges (SALLYPORT_ALL=1; otherwise of few): docs/store.md. To write them takes
// longer than to ask: SALLYPORT_WEEK names a folder in which those of SQLite stay for the next time, and the keys; those of
// PostgreSQL stay in the database of SALLYPORT_WEEK_URL.
func BenchmarkDashboard(b *testing.B) {
	rows := 20_000
	if os.Getenv("SALLYPORT_ALL") != "" {
		rows = 5_000_000
	}
	b.Run("sqlite", func(b *testing.B) { dashboard(b, rows) })
	b.Run("postgres", func(b *testing.B) {
		database := os.Getenv("SALLYPORT_WEEK_URL")
		if database == "" {
			database = testkit.Postgres(b)()
		}
		elsewhere = func(string) string { return database }
		defer func() { elsewhere = nil }()
		dashboard(b, rows)
	})
}

func dashboard(b *testing.B, rows int) {
	dir := os.Getenv("SALLYPORT_WEEK")
	switch {
	case dir == "" || elsewhere != nil && os.Getenv("SALLYPORT_WEEK_URL") == "":
		dir = b.TempDir()
	case elsewhere != nil:
		dir = filepath.Join(dir, "postgres")
	}
	a := archive(b, dir, ArchiveOptions{MaxBytes: 1 << 40, Retention: 10 * 365 * 24 * time.Hour})
	a.Close()
	w, began := thisWeek(rows), time.Now()
	have := int(count(b, a.Reader, "exchanges"))
	w.at = min(have, rows)
	fill(b, a, w)
	took := time.Since(began)
	size, err := a.store.Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d exchanges in %s (%.0f/s), %d bytes each", rows, took.Round(time.Second), float64(rows-have)/took.Seconds(), size/int64(rows))
	some, err := a.Select(b.Context(), Filter{From: w.begin.Add(50 * time.Hour), To: w.begin.Add(51 * time.Hour), Limit: 1})
	if err != nil || len(some) != 1 {
		b.Fatal(err, len(some))
	}
	rare, week := exchange.RCE.Code, Filter{From: w.begin, To: w.begin.Add(7 * 24 * time.Hour)}
	with := func(change func(*Filter)) Filter { f := week; change(&f); return f }
	lists := map[string]Filter{"newest": {}, "page in the middle": {Before: some[0].ID}, "refused": {Outcome: "refused"}, "monitored": {Outcome: "monitored"}, "api": {API: "internal"},
		"operation, common": {Operation: "GET /things-1/{id}"}, "operation, rare": {Operation: "GET /things-95/{id}"}, "status 503": {StatusFrom: 503, StatusTo: 503}, "code, rare": {Code: rare},
		"owasp": {OWASP: "API1"}, "guard": {Guard: "identity"}, "rule": {Rule: "942250"}, "client": {Client: "198.51.7.7"}, "subject": {Subject: "user-77"}, "beginning of an id": {ID: some[0].ID[:14]},
		"operation and status": {Operation: "GET /things-40/{id}", StatusFrom: 500}, "operation and rare code": {Operation: "GET /things-99/{id}", Code: rare}, "client and outcome": {Client: "198.51.7.7", Outcome: "refused"},
		"nothing": {Operation: "GET /things-1/{id}", Method: "DELETE"}, "thousand": {Limit: 1000}, "rule and operation": {Rule: "942250", Operation: "GET /things-40/{id}"}}
	for name, f := range lists {
		b.Run("list/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := a.Select(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	asks := map[string]func() error{
		"find":            func() error { _, err := a.Find(b.Context(), some[0].ID); return err },
		"histogram, week": func() error { _, err := a.Histogram(b.Context(), week, time.Hour); return err },
		"histogram, hour": func() error {
			_, err := a.Histogram(b.Context(), Filter{From: time.Now().Add(-time.Hour), To: time.Now()}, time.Minute)
			return err
		},
		"histogram, code": func() error {
			_, err := a.Histogram(b.Context(), with(func(f *Filter) { f.Code = rare }), time.Hour)
			return err
		},
		"histogram, client": func() error {
			_, err := a.Histogram(b.Context(), with(func(f *Filter) { f.Client = "198.51.7.7" }), time.Hour)
			return err
		},
		"histogram, subject": func() error {
			_, err := a.Histogram(b.Context(), with(func(f *Filter) { f.Subject = "user-77" }), time.Hour)
			return err
		},
		"histogram, rule": func() error {
			_, err := a.Histogram(b.Context(), with(func(f *Filter) { f.Rule = "942250" }), time.Hour)
			return err
		},
		"latencies": func() error { _, err := a.Latencies(b.Context(), week.From, week.To); return err },
		"noticed":   func() error { _, err := a.Noticed(b.Context(), week, 100); return err },
	}
	for _, field := range []string{"operation", "status", "code", "owasp", "guard", "rule", "client", "subject"} {
		asks["top/"+field] = func() error { _, err := a.Top(b.Context(), week, field, 10); return err }
	}
	asks["top/client, refused"] = func() error {
		_, err := a.Top(b.Context(), with(func(f *Filter) { f.Outcome = "refused" }), "client", 10)
		return err
	}
	for name, ask := range asks {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Measure 7: exchanges a second that are written in batches, with what it takes to pack and seal them and without.
func BenchmarkWrite(b *testing.B) {
	b.Run("sqlite", writes)
	b.Run("postgres", func(b *testing.B) {
		database := testkit.Postgres(b)
		elsewhere = func(string) string { return database() }
		defer func() { elsewhere = nil }()
		writes(b)
	})
}

func writes(b *testing.B) {
	a := archive(b, b.TempDir(), ArchiveOptions{MaxBytes: 1 << 40})
	a.Close()
	traffic := thisWeek(1 << 30)
	var batches [][]*exchange.Record
	for range 40 {
		var batch []*exchange.Record
		for range batchSize {
			batch = append(batch, traffic.next())
		}
		if err := a.writer.prepare(b.Context(), batch, nil); err != nil { // keys and days are there
			b.Fatal(err)
		}
		batches = append(batches, batch)
	}
	rates := func(b *testing.B, write func(int) error) {
		n := 0
		for b.Loop() {
			if err := write(n); err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64(n*batchSize)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("whole", func(b *testing.B) {
		rates(b, func(n int) error { return a.writer.write(b.Context(), batches[n%len(batches)], nil) })
	})
	b.Run("pack", func(b *testing.B) {
		rates(b, func(n int) error { _, err := a.writer.tables(batches[n%len(batches)], nil); return err })
	})
	b.Run("insert", func(b *testing.B) {
		tables, err := a.writer.tables(batches[0], nil)
		if err != nil {
			b.Fatal(err)
		}
		rates(b, func(int) error {
			for _, t := range tables {
				for _, row := range t.rows {
					row[0] = row[0].(int64) + batchSize<<3 // another key
				}
			}
			return a.writer.put(b.Context(), tables)
		})
	})
}
