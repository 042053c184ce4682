package event

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A Bucket is what happened in a span of time.
type Bucket struct {
	Start    time.Time     `json:"start"`
	Outcomes [4]int64      `json:"outcomes"` // in the order of [Outcomes]
	Classes  [6]int64      `json:"classes"`  // by the first digit of the status; 0 for none
	Took     time.Duration `json:"took_ns"`  // of all of them together
}

// Total is the number of exchanges in the bucket.
func (b Bucket) Total() (n int64) {
	for _, o := range b.Outcomes {
		n += o
	}
	return n
}

// A Series is a histogram over time.
type Series struct {
	Buckets []Bucket `json:"buckets"` // the oldest first, without those in which nothing happened
	Partial bool     `json:"partial"` // there was more than [maxRows] to look at: the newest were counted
}

// maxRows is how many rows are counted where there are no counts: of a client, a principal, a rating, a prefix of ids.
const maxRows = 100_000

// Histogram counts the exchanges that f selects between its From and To, by buckets of the given span, which is rounded up
// to minutes, and to hours where From lies more than six hours back from To or two days from now.
func (r *Reader) Histogram(ctx context.Context, f Filter, span time.Duration) (Series, error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	q, err := r.compile(ctx, f)
	if err != nil || q.nothing {
		return Series{}, err
	}
	width := q.width(f)
	size := max((int64(span.Seconds())+width-1)/width, 1) * width
	if q.counted() {
		from, args := q.counts(width, q.window)
		list, err := r.buckets(ctx, fmt.Sprintf(`SELECT start / %d * %d AS at, outcome, status / 100, sum(n), sum(took)%s GROUP BY 1, 2, 3 ORDER BY 1`, size, size, from), args)
		return Series{list, false}, err
	}
	where, args := q.where(q.window)
	at := fmt.Sprintf(`seq / %d / %d * %d`, int64(1000)<<seqBits, size, size)
	list, err := r.buckets(ctx, fmt.Sprintf(`SELECT at, outcome, class, count(*), 0 FROM (SELECT %s AS at, outcome, status / 100 AS class FROM exchanges%s ORDER BY seq DESC LIMIT %d) AS newest
		GROUP BY 1, 2, 3 ORDER BY 1`, at, where, maxRows), args)
	s := Series{Buckets: list}
	n := int64(0)
	for _, b := range list {
		n += b.Total()
	}
	s.Partial = n >= maxRows
	return s, err
}

// counted tells whether the counts have all that q asks for.
func (q query) counted() bool {
	return len(q.persons) == 0 && q.rating == 0 && q.id == "" && q.rule == 0
}

// width is that of the counts which answer fast and are still there.
func (q query) width(f Filter) int64 {
	to := f.To
	if to.IsZero() {
		to = time.Now()
	}
	if f.From.IsZero() || to.Sub(f.From) > 6*time.Hour || time.Since(f.From) > keepMinutes {
		return hour
	}
	return minute
}

func (r *Reader) buckets(ctx context.Context, query string, args []any) ([]Bucket, error) {
	rows, err := r.store.DB().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	list := []Bucket{}
	for rows.Next() {
		var start, outcome, class, n, took int64
		if err := rows.Scan(&start, &outcome, &class, &n, &took); err != nil {
			return nil, err
		}
		at := time.Unix(start, 0).UTC()
		if len(list) == 0 || !list[len(list)-1].Start.Equal(at) {
			list = append(list, Bucket{Start: at})
		}
		b := &list[len(list)-1]
		b.Outcomes[outcome] += n
		b.Classes[class%6] += n
		b.Took += time.Duration(took) * time.Microsecond
	}
	return list, rows.Err()
}

// A Share is a value with how many exchanges have it.
type Share struct {
	Value string `json:"value"`
	N     int64  `json:"n"`
}

// ErrField is a field that cannot be counted by.
var ErrField = errors.New("there are no counts by this field: api, operation, method, status, outcome, code, owasp, guard, rule, client or subject")

// Top returns the n values of a field that most exchanges have of those that f selects: api, operation, method, status,
// outcome, code, owasp, guard, rule, client or subject. Of clients and subjects the newest [maxRows] exchanges are counted.
func (r *Reader) Top(ctx context.Context, f Filter, field string, n int) ([]Share, error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	column := field
	switch field {
	case "owasp":
		column = "code"
	case "api", "operation", "method", "status", "outcome", "code", "guard", "client", "subject":
	case "rule":
		return r.topRules(ctx, f, n)
	default:
		return nil, ErrField
	}
	q, err := r.compile(ctx, f)
	if err != nil || q.nothing {
		return []Share{}, err
	}
	person := field == "client" || field == "subject"
	var query string
	var args []any
	if q.counted() && !person {
		query, args = q.counts(q.width(f), q.window)
		query = `SELECT ` + column + `, sum(n), 0` + query + ` GROUP BY 1`
	} else {
		query, args = q.newest(column)
	}
	if person {
		query += fmt.Sprintf(` LIMIT %d`, n+1) // one may be nobody
	}
	return r.shares(ctx, query, args, field, n)
}

// newest counts the newest exchanges by a column, with one of each value.
func (q query) newest(column string) (string, []any) {
	where, args := q.where(q.window)
	return fmt.Sprintf(`SELECT %s, count(*), max(seq) FROM (SELECT %s, seq FROM exchanges%s ORDER BY seq DESC LIMIT %d) AS newest GROUP BY 1 ORDER BY 2 DESC`, column, column, where, maxRows), args
}

func (r *Reader) shares(ctx context.Context, query string, args []any, field string, n int) ([]Share, error) {
	rows, err := r.store.DB().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	type counted struct{ value, n, seq int64 }
	var all []counted
	for rows.Next() {
		var c counted
		if err := rows.Scan(&c.value, &c.n, &c.seq); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	sums := map[string]int64{}
	for _, c := range all {
		value, err := r.say(ctx, field, c.value, c.seq)
		if err != nil {
			return nil, err
		}
		if value != "" {
			sums[value] += c.n
		}
	}
	return largest(sums, n), nil
}

func largest(sums map[string]int64, n int) []Share {
	list := make([]Share, 0, len(sums))
	for v, c := range sums {
		list = append(list, Share{v, c})
	}
	slices.SortFunc(list, func(a, b Share) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Value, b.Value)) })
	return list[:min(n, len(list))]
}

// say is the word for what a column has; "" is nothing to count. A person's name is in a row of the person's alone.
func (r *Reader) say(ctx context.Context, field string, value, seq int64) (string, error) {
	switch field {
	case "status":
		return fmt.Sprint(value), nil
	case "outcome":
		return Outcomes[value], nil
	case "owasp":
		code, err := r.names.word(ctx, value)
		if reason := exchange.Lookup(code); err == nil && reason != nil {
			return reason.OWASP, nil
		}
		return "", err
	case "client", "subject":
		if value == 0 {
			return "", nil
		}
		return r.whose(ctx, field, seq)
	}
	return r.names.word(ctx, value)
}

func (r *Reader) whose(ctx context.Context, field string, seq int64) (string, error) {
	var public, sealed []byte
	if err := r.store.DB().QueryRowContext(ctx, `SELECT record, sealed FROM exchanges WHERE seq = $1`, seq).Scan(&public, &sealed); err != nil {
		return "", fmt.Errorf("couldn't read the store: %w", err)
	}
	record, err := r.packer.unpack("", public, sealed)
	switch {
	case err != nil:
		return "", err
	case field == "client":
		return record.Client, nil
	case record.Principal != nil:
		return record.Principal.Subject, nil
	}
	return "", nil
}

// A Noticing is what guards noticed, or in monitor mode would have refused, by rule and operation.
type Noticing struct {
	Guard     string            `json:"guard"`
	Rule      string            `json:"rule"` // rule, detector, or the code of the refusal
	API       string            `json:"api"`
	Operation string            `json:"operation"`
	Severity  exchange.Severity `json:"severity"`
	Monitored bool              `json:"monitored"` // a refusal that was not made
	N         int64             `json:"n"`
	Last      time.Time         `json:"last"` // to the minute or hour
}

// Noticed lists what was noticed in the time of f, of its API, operation and rule, the most frequent first, at most n.
func (r *Reader) Noticed(ctx context.Context, f Filter, n int) ([]Noticing, error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	q, err := r.compile(ctx, Filter{From: f.From, To: f.To, API: f.API, Operation: f.Operation, Rule: f.Rule})
	list := []Noticing{}
	if err != nil || q.nothing {
		return list, err
	}
	from, args := q.counts(q.width(f), q.window)
	from = strings.Replace(from, "FROM counts", "FROM noticed", 1)
	rows, err := r.store.DB().QueryContext(ctx, `SELECT guard, rule, api, operation, severity, monitored, sum(n), max(start)`+from+
		fmt.Sprintf(` GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 7 DESC LIMIT %d`, n), args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	type raw struct{ guard, rule, api, operation, severity, monitored, n, last int64 }
	var found []raw
	for rows.Next() {
		var c raw
		if err := rows.Scan(&c.guard, &c.rule, &c.api, &c.operation, &c.severity, &c.monitored, &c.n, &c.last); err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, c := range found {
		o := Noticing{Severity: severities[c.severity], Monitored: c.monitored == 1, N: c.n, Last: time.Unix(c.last, 0).UTC()}
		for to, number := range map[*string]int64{&o.Guard: c.guard, &o.Rule: c.rule, &o.API: c.api, &o.Operation: c.operation} {
			if *to, err = r.names.word(ctx, number); err != nil {
				return nil, err
			}
		}
		list = append(list, o)
	}
	return list, nil
}

func (r *Reader) topRules(ctx context.Context, f Filter, n int) ([]Share, error) {
	list, err := r.Noticed(ctx, f, 10_000)
	sums := map[string]int64{}
	for _, o := range list {
		sums[o.Rule] += o.N
	}
	return largest(sums, n), err
}

// A Latency is how long a guard took, or "" for the whole exchange and "upstream" for the wait for the upstream.
type Latency struct {
	Guard   string         `json:"guard"`
	Buckets [buckets]int64 `json:"buckets"` // bucket n counts times from 2^(n-1) to 2^n microseconds
	N       int64          `json:"n"`
}

// Quantile is the time within which the share p of the exchanges was, to a factor of two.
func (l Latency) Quantile(p float64) time.Duration {
	want, n := int64(p*float64(l.N)+0.5), int64(0)
	for i, c := range l.Buckets {
		if n += c; n >= want && n > 0 {
			return time.Duration(1<<i) * time.Microsecond
		}
	}
	return 0
}

// Latencies tells how long guards took in a time.
func (r *Reader) Latencies(ctx context.Context, from, to time.Time) ([]Latency, error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	f := Filter{From: from, To: to}
	q, err := r.compile(ctx, f)
	if err != nil {
		return nil, err
	}
	where, args := q.counts(q.width(f), q.window)
	rows, err := r.store.DB().QueryContext(ctx, `SELECT guard, bucket, sum(n)`+strings.Replace(where, "FROM counts", "FROM latencies", 1)+` GROUP BY 1, 2`, args...)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	by := map[int64]*Latency{}
	for rows.Next() {
		var guard, bucket, n int64
		if err := rows.Scan(&guard, &bucket, &n); err != nil {
			return nil, err
		}
		if by[guard] == nil {
			by[guard] = &Latency{}
		}
		by[guard].Buckets[bucket] += n
		by[guard].N += n
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	list := []Latency{}
	for number, l := range by {
		if l.Guard, err = r.names.word(ctx, number); err != nil {
			return nil, err
		}
		list = append(list, *l)
	}
	slices.SortFunc(list, func(a, b Latency) int { return strings.Compare(a.Guard, b.Guard) })
	return list, nil
}
