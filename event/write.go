package event

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sallyport/sallyport/exchange"
)

// A writer puts records into the tables of the archive. It belongs to one goroutine.
type writer struct {
	*Reader
	node  int64 // tells processes apart that write at the same time
	next  int64
	days  map[string]bool // partitions that are there
	swept int64           // SQLite: what passed before this key was forgotten
	yield func()          // between two pieces of work
}

func newWriter(r *Reader, yield func()) writer {
	return writer{Reader: r, yield: yield, node: rand.Int64N(1 << 6), next: rand.Int64N(1 << 14), days: map[string]bool{}}
}

// The key of a row is the millisecond of its exchange, which the id has too, then the process, then a count: rows lie in
// the order of time, and a time range or the beginning of an id is a range of keys.
const seqBits = 20

func (w *writer) seq(ms int64) int64 {
	w.next++
	return ms<<seqBits | w.node<<14 | w.next&(1<<14-1)
}

// millis is the time in an id (ULID: ten characters of base 32); of an id that has none, the other one.
func millis(id string, otherwise time.Time) int64 {
	if at, ok := exchange.TimeOf(id); ok {
		return at.UnixMilli()
	}
	return otherwise.UnixMilli()
}

// row is an exchange as the tables have it.
type row struct {
	values   []any // in the order of columns
	findings [][]any
}

var (
	columns        = []string{"seq", "id", "outcome", "api", "operation", "method", "status", "code", "guard", "client", "subject", "rating", "record", "sealed"}
	findingColumns = []string{"seq", "n", "api", "operation", "guard", "rule", "severity", "monitored"}
	eventColumns   = []string{"seq", "id", "kind", "record", "sealed"}
)

// write keeps records and events, all or nothing. It tries twice: another process may have taken the same keys.
func (w *writer) write(ctx context.Context, records []*exchange.Record, events []*exchange.Event) error {
	err := w.try(ctx, records, events)
	if err == nil || ctx.Err() != nil {
		return err
	}
	w.node = rand.Int64N(1 << 6)
	return w.try(ctx, records, events)
}

func (w *writer) try(ctx context.Context, records []*exchange.Record, events []*exchange.Event) error {
	if len(records)+len(events) == 0 {
		return nil
	}
	if err := w.prepare(ctx, records, events); err != nil {
		return err
	}
	tables, err := w.tables(records, events)
	if err != nil {
		return err
	}
	return w.put(ctx, tables)
}

func (w *writer) put(ctx context.Context, tables []table) error {
	if w.store.Postgres() {
		return w.copy(ctx, tables)
	}
	return w.insert(ctx, tables)
}

// tables packs and seals.
func (w *writer) tables(records []*exchange.Record, events []*exchange.Event) ([]table, error) {
	exchanges, findings := make([][]any, 0, len(records)), [][]any(nil)
	for _, r := range records {
		w.yield()
		row, err := w.row(r)
		if err != nil {
			return nil, err
		}
		exchanges, findings = append(exchanges, row.values), append(findings, row.findings...)
	}
	happened := make([][]any, 0, len(events))
	for _, e := range events {
		public, sealed, err := w.packer.event(e)
		if err != nil {
			return nil, err
		}
		kind, _ := w.names.known(e.Kind)
		happened = append(happened, []any{w.seq(millis(e.ID, e.Time)), e.ID, kind, public, sealed})
	}
	return []table{{"exchanges", columns, exchanges}, {"findings", findingColumns, findings}, {"events", eventColumns, happened}}, nil
}

// table is a table with the rows that it gets.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

// prepare makes what the rows refer to: numbers of words, keys of persons, partitions of days.
func (w *writer) prepare(ctx context.Context, records []*exchange.Record, events []*exchange.Event) error {
	words, persons, days := map[string]bool{}, map[string]bool{}, map[int64]bool{}
	for _, r := range records {
		guard, code := r.Settled()
		for _, word := range []string{r.API, r.Operation, method(r.Method), guard, code} {
			words[word] = true
		}
		for _, f := range findingsOf(r) {
			words[f.guard], words[f.rule] = true, true
		}
		persons[r.Whose()], persons[r.Client] = true, true
		days[millis(r.ID, r.Time)/dayMillis] = true
	}
	for _, e := range events {
		words[e.Kind], persons[e.Whose()], persons[e.Actor] = true, true, true
		days[millis(e.ID, e.Time)/dayMillis] = true
	}
	if err := w.names.learn(ctx, slices.Collect(maps.Keys(words))); err != nil {
		return err
	}
	if err := w.ring.Prepare(slices.Collect(maps.Keys(persons))); err != nil {
		return err
	}
	if w.store.Postgres() {
		for day := range days {
			if err := w.partition(ctx, day); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) row(r *exchange.Record) (row, error) {
	public, sealed, err := w.packer.record(r)
	if err != nil {
		return row{}, err
	}
	client, err := w.person(r.Client)
	if err != nil {
		return row{}, err
	}
	subject := int64(0)
	if r.Principal != nil {
		if subject, err = w.person(r.Principal.Subject); err != nil {
			return row{}, err
		}
	}
	guard, code := r.Settled()
	seq := w.seq(millis(r.ID, r.Time))
	api, operation := w.number(r.API), w.number(r.Operation)
	out := row{values: []any{seq, r.ID, int64(outcomeOf(r)), api, operation, w.number(method(r.Method)), int64(r.Status), w.number(code), w.number(guard), client, subject, numberOf(r.Rated()), public, sealed}}
	for n, f := range findingsOf(r) {
		out.findings = append(out.findings, []any{seq, int64(n), api, operation, w.number(f.guard), w.number(f.rule), f.severity, f.monitored})
	}
	return out, nil
}

// number is that of a word that was learnt.
func (w *writer) number(word string) int64 {
	n, _ := w.names.known(word)
	return n
}

func (w *writer) person(name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	return w.ring.ID(name)
}

// insertRows is how many rows one statement inserts: parsing and stepping costs SQLite more than the rows do.
const insertRows = 16

func (w *writer) insert(ctx context.Context, tables []table) error {
	tx, err := w.store.DB().BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't write to the store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	for _, t := range tables {
		for chunk := range slices.Chunk(t.rows, insertRows) {
			w.yield()
			if _, err := tx.ExecContext(ctx, insertOf(t.name, t.columns, len(chunk)), slices.Concat(chunk...)...); err != nil {
				return fmt.Errorf("couldn't write to the store: %w", err)
			}
		}
	}
	return tx.Commit()
}

func insertOf(table string, columns []string, rows int) string {
	one := "(?" + strings.Repeat(", ?", len(columns)-1) + ")" // SQLite counts them itself
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + one + strings.Repeat(", "+one, rows-1)
}

// copy is insert for PostgreSQL, by COPY.
func (w *writer) copy(ctx context.Context, tables []table) error {
	conn, err := w.store.DB().Conn(ctx)
	if err != nil {
		return fmt.Errorf("couldn't write to the store: %w", err)
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		tx, err := driver.(*stdlib.Conn).Conn().Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it has nothing to do
		for _, t := range tables {
			if len(t.rows) == 0 {
				continue
			}
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return err
			}
		}
		return tx.Commit(ctx)
	})
	if err != nil {
		return fmt.Errorf("couldn't write to the store: %w", err)
	}
	return nil
}

// The widths of counts, in seconds. Those of minutes are kept for two days.
const (
	minute      = 60
	hour        = 3600
	keepMinutes = 48 * time.Hour
)

// count adds to the counts, in one order, so that processes that do the same wait for each other and never around a circle.
func (w *writer) count(ctx context.Context, c counted) error {
	if len(c.exchanges) == 0 {
		return nil
	}
	if err := w.names.learn(ctx, c.words()); err != nil {
		return err
	}
	tx, err := w.store.DB().BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't write to the store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it has nothing to do
	for _, width := range []int64{minute, hour} {
		if err := w.countBy(ctx, tx, width, c); err != nil {
			return fmt.Errorf("couldn't write to the store: %w", err)
		}
	}
	return tx.Commit()
}

const (
	addExchanges = `INSERT INTO counts VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (width, start, api, operation, method, status, outcome, code, guard)
		DO UPDATE SET n = counts.n + excluded.n, took = counts.took + excluded.took, bytes_in = counts.bytes_in + excluded.bytes_in, bytes_out = counts.bytes_out + excluded.bytes_out`
	addFindings = `INSERT INTO noticed VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (width, start, api, operation, guard, rule, severity, monitored) DO UPDATE SET n = noticed.n + excluded.n`
	addLatencies = `INSERT INTO latencies VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (width, start, guard, bucket) DO UPDATE SET n = latencies.n + excluded.n`
)

func (w *writer) countBy(ctx context.Context, tx *sql.Tx, width int64, c counted) error {
	var exchanges, findings, latencies [][]int64
	for k, s := range c.exchanges {
		exchanges = append(exchanges, []int64{width, k.start / width * width, w.number(k.api), w.number(k.operation), w.number(k.method), k.status, int64(k.outcome), w.number(k.code), w.number(k.guard), s.n, s.took, s.bytesIn, s.bytesOut})
	}
	for k, n := range c.findings {
		findings = append(findings, []int64{width, k.start / width * width, w.number(k.api), w.number(k.operation), w.number(k.guard), w.number(k.rule), k.severity, k.monitored, n})
	}
	for k, h := range c.latencies {
		for bucket, n := range h {
			if n > 0 {
				latencies = append(latencies, []int64{width, k.start / width * width, w.number(k.guard), int64(bucket), n})
			}
		}
	}
	for _, add := range []struct {
		query string
		rows  [][]int64
	}{{addExchanges, exchanges}, {addFindings, findings}, {addLatencies, latencies}} {
		if len(add.rows) == 0 {
			continue
		}
		if err := addAll(ctx, tx, add.query, add.rows); err != nil {
			return err
		}
	}
	return nil
}

func addAll(ctx context.Context, tx *sql.Tx, query string, rows [][]int64) error {
	statement, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer statement.Close()
	slices.SortFunc(rows, slices.Compare[[]int64])
	for _, r := range rows {
		args := make([]any, len(r))
		for i, v := range r {
			args[i] = v
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// base32 reads digits of Crockford's alphabet.
func base32(digits string) (n int64, ok bool) {
	for _, c := range []byte(digits) {
		d := strings.IndexByte(exchange.Alphabet, c)
		if d < 0 {
			return 0, false
		}
		n = n<<5 | int64(d)
	}
	return n, n >= 0 && n < 1<<41
}
