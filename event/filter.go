package event

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A Filter selects exchanges; all that it says must hold. The zero Filter selects all.
type Filter struct {
	From, To   time.Time // zero: no bound; To is not included
	API        string
	Operation  string // "GET /orders/{id}"
	Method     string
	StatusFrom int    // 0: any
	StatusTo   int    // included; 0: any
	Outcome    string // of [Outcomes]; "told" is each but passed
	Code       string // reason, of a refusal or of what a guard in monitor mode would have refused
	OWASP      string // class of that reason: "API1"
	Guard      string // who refused, or would have
	Rule       string // of a finding: rule, detector, or the code of a monitored refusal
	Client     string // address
	Subject    string // of the principal
	Rating     string // of the client, of [exchange.Ratings]
	ID         string // beginning of the exchange's id
	Before     string // id of the record after which, going back in time, the list begins
	Limit      int    // of the list; 0: 50
}

// A query is a filter with numbers in place of words.
type query struct {
	window
	nothing bool
	facets  []condition // that rows and counts both have
	rule    int64       // 0: any
	persons []condition // client and subject, that only rows have
	rating  int64       // of the client, likewise; 0: any
	id      string
}

// A condition is about one column: it is one of the values, or between two.
type condition struct {
	column string
	values []int64
	spread bool
}

// partial tells whether there is an index of the rows that are not 0 in the column, and the condition leaves no others.
func (c condition) partial() bool {
	switch c.column {
	case "client", "subject", "code", "rating":
		return true
	case "outcome":
		return c.values[0] > 0
	}
	return false
}

// sql writes the condition; an index on the column is not to be used where plain is false.
func (c condition) sql(plain bool, args []any) (string, []any) {
	column := c.column
	if !plain {
		column = "+" + column
	}
	if c.spread {
		args = append(args, c.values[0], c.values[1])
		return fmt.Sprintf(`%s BETWEEN $%d AND $%d`, column, len(args)-1, len(args)), args
	}
	marks := make([]string, len(c.values))
	for i, v := range c.values {
		args = append(args, v)
		marks[i] = fmt.Sprint("$", len(args))
	}
	if len(marks) == 1 {
		return column + ` = ` + marks[0], args
	}
	return column + ` IN (` + strings.Join(marks, ", ") + `)`, args
}

// compile looks words and persons up. Values are always arguments; names of columns are ours.
func (r *Reader) compile(ctx context.Context, f Filter) (q query, err error) {
	if q.window, err = r.span(ctx, "exchanges", f.From, f.To, f.Before); err != nil {
		return q, err
	}
	if err := q.prefix(f.ID); err != nil {
		return q, err
	}
	for _, w := range []struct{ column, word string }{{"api", f.API}, {"operation", f.Operation}, {"method", f.Method}, {"code", f.Code}, {"guard", f.Guard}} {
		if w.word != "" {
			if err := r.facet(ctx, &q, w.column, []string{w.word}); err != nil {
				return q, err
			}
		}
	}
	if f.OWASP != "" {
		if err := r.facet(ctx, &q, "code", codesOf(f.OWASP)); err != nil {
			return q, err
		}
	}
	if f.Rule != "" {
		n, ok, err := r.names.number(ctx, f.Rule)
		if err != nil {
			return q, err
		}
		q.rule, q.nothing = n, q.nothing || !ok
	}
	if f.StatusFrom > 0 || f.StatusTo > 0 {
		q.facets = append(q.facets, condition{"status", []int64{int64(f.StatusFrom), int64(or(f.StatusTo, 999))}, true})
	}
	if f.Outcome == "told" {
		q.facets = append(q.facets, condition{"outcome", []int64{int64(noticed), int64(refused)}, true})
	} else if f.Outcome != "" {
		n := slices.Index(Outcomes, f.Outcome)
		q.facets, q.nothing = append(q.facets, condition{"outcome", []int64{int64(n)}, false}), q.nothing || n < 0
	}
	for _, p := range []struct{ column, name string }{{"client", f.Client}, {"subject", f.Subject}} {
		if p.name == "" {
			continue
		}
		ids, err := r.ring.IDs(ctx, p.name)
		if err != nil {
			return q, err
		}
		q.persons, q.nothing = append(q.persons, condition{p.column, ids, false}), q.nothing || len(ids) == 0
	}
	if f.Rating != "" {
		q.rating = numberOf(exchange.Rating(f.Rating))
		q.nothing = q.nothing || q.rating == 0
	}
	q.nothing = q.nothing || q.from >= q.to
	return q, nil
}

// facet adds that the column has one of the words.
func (r *Reader) facet(ctx context.Context, q *query, column string, words []string) error {
	c := condition{column: column}
	for _, w := range words {
		n, ok, err := r.names.number(ctx, w)
		if err != nil {
			return err
		}
		if ok {
			c.values = append(c.values, n)
		}
	}
	q.facets, q.nothing = append(q.facets, c), q.nothing || len(c.values) == 0
	return nil
}

func or(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// codesOf lists the reasons of an OWASP class.
func codesOf(class string) (codes []string) {
	for _, reason := range exchange.Catalogue() {
		if reason.OWASP == class {
			codes = append(codes, reason.Code)
		}
	}
	return codes
}

// prefix narrows the window to ids that begin so: their first ten characters are a time.
func (q *query) prefix(id string) error {
	if id == "" {
		return nil
	}
	id = strings.ToUpper(id)
	head := id[:min(len(id), 10)]
	rest := 10 - len(head)
	low, ok := base32(head + strings.Repeat("0", rest))
	if !ok || len(id) > 26 {
		q.nothing = true
		return nil
	}
	q.from, q.to, q.id = max(q.from, low<<seqBits), min(q.to, (low+int64(1)<<(5*rest))<<seqBits), id
	return nil
}

// has reports whether one of the facets is about the column.
func (q query) has(column string) bool {
	return slices.ContainsFunc(q.facets, func(c condition) bool { return c.column == column })
}

// where is the condition for rows in a window, with its arguments. Conditions of partial indexes are repeated, so that
// they are used; where the person or the reason is known, the operation's index and that of ratings are the worse choice.
// Of these two that of ratings is the better one for those that are rare in peace.
func (q query) where(w window) (string, []any) {
	args := []any{max(w.from, q.from), min(w.to, q.to)}
	parts := []string{`seq >= $1`, `seq < $2`}
	precise, rare := len(q.persons) > 0 || q.has("code"), q.rating >= numberOf(exchange.Suspected)
	plain := map[string]bool{"operation": !precise && !rare, "rating": !precise && (rare || !q.has("operation"))}
	conditions := slices.Concat(q.persons, q.facets)
	if q.rating != 0 {
		conditions = append(conditions, condition{"rating", []int64{q.rating}, false})
	}
	var text string
	for _, c := range conditions {
		wanted, told := plain[c.column]
		text, args = c.sql(wanted || !told, args)
		parts = append(parts, text)
		if c.partial() {
			parts = append(parts, c.column+` <> 0`)
		}
	}
	if q.rule != 0 {
		args = append(args, q.rule) // what has findings is not among what passed: PostgreSQL leaves that out as a whole
		parts = append(parts, `outcome <> 0`, fmt.Sprintf(`seq IN (SELECT seq FROM findings WHERE rule = $%d AND seq >= $1 AND seq < $2)`, len(args)))
	}
	if q.id != "" {
		args = append(args, q.id, q.id+"~")
		parts = append(parts, fmt.Sprintf(`id >= $%d AND id < $%d`, len(args)-1, len(args)))
	}
	return ` WHERE ` + strings.Join(parts, ` AND `), args
}

// confirms looks at what only the opened record tells: past the limit of the ring, a few persons share a number.
func (f Filter) confirms(r *exchange.Record) bool {
	return (f.Client == "" || r.Client == f.Client) && (f.Subject == "" || r.Principal != nil && r.Principal.Subject == f.Subject)
}
