package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A small database engine: enough of SQL for the search, and so for whoever injects into it.
//
//	SELECT column, … FROM table [WHERE condition] [UNION SELECT …]
//
// Conditions know =, <>, LIKE, AND, OR and parentheses; "--" comments out the rest.

// maxSteps is where the engine gives a statement up.
const maxSteps = 3_000_000

// A row holds the values of one object by column.
type row map[string]string

// query runs a statement and counts the comparisons that it took. What cannot be parsed panics, as drivers report it.
func (s *store) query(statement string) (rows [][]string, steps int) {
	q := &statementReader{text: statement, tokens: tokenize(statement)}
	for {
		q.expect("SELECT")
		columns := q.columns()
		q.expect("FROM")
		table := s.table(q.next(), q)
		keep := func(row) bool { return true }
		if q.accept("WHERE") {
			keep = q.or()
		}
		for _, r := range table {
			if keep(r) {
				out := make([]string, len(columns))
				for i, name := range columns {
					out[i] = r[name]
				}
				rows = append(rows, out)
			}
		}
		if !q.accept("UNION") {
			break
		}
	}
	if len(q.tokens) > 0 {
		q.fail(q.tokens[0])
	}
	return rows, q.steps
}

// table returns the rows of a table.
func (s *store) table(name string, q *statementReader) (rows []row) {
	switch strings.ToLower(name) {
	case "products":
		for _, id := range s.productIDs {
			p := s.products[id]
			published := "1"
			if p.draft {
				published = "0"
			}
			rows = append(rows, row{"id": p.ID, "name": p.Name, "description": p.Description, "published": published,
				"cost": strconv.Itoa(p.CostPrice), "text": strings.Join(append([]string{p.Name, p.Description, p.Category}, p.Tags...), " ")})
		}
	case "customers":
		for _, id := range s.customerIDs {
			if c := s.customers[id]; c != nil {
				rows = append(rows, row{"id": c.ID, "email": c.Email, "passwordhash": c.PasswordHash, "phone": c.Phone, "name": c.name()})
			}
		}
	default:
		panic(fmt.Errorf(`pq: relation "%s" does not exist; statement: %s`, name, q.text))
	}
	return rows
}

// A statementReader walks over the tokens of one statement.
type statementReader struct {
	text   string
	tokens []string
	steps  int
}

func (q *statementReader) fail(at string) {
	panic(fmt.Errorf(`pq: syntax error at or near "%s"; statement: %s`, at, q.text))
}

func (q *statementReader) next() string {
	if len(q.tokens) == 0 {
		q.fail("end of input")
	}
	t := q.tokens[0]
	q.tokens = q.tokens[1:]
	return t
}

func (q *statementReader) accept(word string) bool {
	if len(q.tokens) > 0 && strings.EqualFold(q.tokens[0], word) {
		q.tokens = q.tokens[1:]
		return true
	}
	return false
}

func (q *statementReader) expect(word string) {
	if !q.accept(word) {
		q.fail(strings.Join(q.tokens[:min(1, len(q.tokens))], ""))
	}
}

func (q *statementReader) columns() []string {
	names := []string{strings.ToLower(q.next())}
	for q.accept(",") {
		names = append(names, strings.ToLower(q.next()))
	}
	return names
}

type condition = func(row) bool

func (q *statementReader) or() condition {
	all := []condition{q.and()}
	for q.accept("OR") {
		all = append(all, q.and())
	}
	return func(r row) bool { return slices.ContainsFunc(all, func(c condition) bool { return c(r) }) }
}

func (q *statementReader) and() condition {
	all := []condition{q.comparison()}
	for q.accept("AND") {
		all = append(all, q.comparison())
	}
	return func(r row) bool { return !slices.ContainsFunc(all, func(c condition) bool { return !c(r) }) }
}

func (q *statementReader) comparison() condition {
	if q.accept("(") {
		inner := q.or()
		q.expect(")")
		return inner
	}
	left, op, right := operand(q.next()), strings.ToUpper(q.next()), operand(q.next())
	switch op {
	case "=":
		return func(r row) bool { q.steps++; return left(r) == right(r) }
	case "<>":
		return func(r row) bool { q.steps++; return left(r) != right(r) }
	case "LIKE":
		return func(r row) bool { return q.like(strings.ToLower(right(r)), strings.ToLower(left(r))) }
	}
	q.fail(op)
	return nil
}

func operand(token string) func(row) string {
	if text, quoted := strings.CutPrefix(token, "'"); quoted {
		return func(row) string { return text }
	}
	if token[0] >= '0' && token[0] <= '9' {
		return func(row) string { return token }
	}
	return func(r row) string { return r[strings.ToLower(token)] }
}

// like matches with backtracking.
func (q *statementReader) like(pattern, text string) bool {
	if q.steps++; q.steps > maxSteps {
		return false
	}
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '%' {
		for i := 0; i <= len(text); i++ {
			if q.like(pattern[1:], text[i:]) {
				return true
			}
		}
		return false
	}
	return text != "" && (pattern[0] == '_' || pattern[0] == text[0]) && q.like(pattern[1:], text[1:])
}

// tokenize splits a statement. A string keeps its opening quote, and nothing else of its quoting.
func tokenize(text string) (tokens []string) {
	for i := 0; i < len(text); {
		ch := text[i]
		switch {
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r':
			i++
		case strings.HasPrefix(text[i:], "--"):
			return tokens
		case strings.HasPrefix(text[i:], "<>"):
			tokens = append(tokens, "<>")
			i += 2
		case ch == '\'':
			var b strings.Builder
			for i++; i < len(text) && (text[i] != '\'' || i+1 < len(text) && text[i+1] == '\''); i++ {
				if text[i] == '\'' {
					i++
				}
				b.WriteByte(text[i])
			}
			if i >= len(text) {
				panic(fmt.Errorf("pq: unterminated quoted string; statement: %s", text))
			}
			i++
			tokens = append(tokens, "'"+b.String())
		case wordByte(ch):
			from := i
			for i < len(text) && wordByte(text[i]) {
				i++
			}
			tokens = append(tokens, text[from:i])
		default:
			tokens = append(tokens, string(ch))
			i++
		}
	}
	return tokens
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}
