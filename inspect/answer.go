package inspect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// answer is the guard inspect.response. The rules see at most maxBytes of text, our own detectors all of it.
func (j *judge) answer(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Response == nil || e.Response.Body == nil || len(e.Response.Body.Bytes()) == 0 {
		return exchange.Pass, nil
	}
	m := borrow(Answer)
	defer release(m)
	m.readLine(e)
	m.readAnswer(e.Response)
	found := j.leaks(e.Response, m)
	if cut := m.truncate(j.maxBytes); cut > 0 {
		found = append(found, exchange.Finding{Guard: "inspect.response", Rule: partialRule.ID, Severity: partialRule.Severity,
			Field: "response", Message: fmt.Sprintf("the last %d bytes of text were looked at by the leak detectors only", cut)})
	}
	matches, err := j.engine.Inspect(ctx, m, nil)
	if err != nil && ctx.Err() != nil {
		return tooLate("judging the answer took longer than the exchange may"), nil
	}
	if err != nil {
		return exchange.Verdict{}, fmt.Errorf("couldn't inspect the answer: %w", err)
	}
	found = append(found, quoted(e.Response, j.findings("inspect.response", m, matches, nil))...)
	e.Findings = append(e.Findings, found[:min(len(found), maxFindings)]...)
	if score := total(found); score >= j.leakAt {
		return refuse(exchange.Leak, found, score, j.leakAt, j.operation), nil
	}
	return exchange.Pass, nil
}

// quoted takes the score of what the rules call disclosure and what stands in a field that the spec declares: a forum
// post about an error of a database is no error of ours. Otherwise whoever can write one post takes the list of all
// posts away from everybody.
func quoted(r *exchange.Response, found []exchange.Finding) []exchange.Finding {
	for i := range found {
		f := &found[i]
		if r.Status < 400 && f.Field != "response" && slices.Contains(f.Tags, "attack-disclosure") && declared(r, f.Field) {
			f.Score = 0
		}
	}
	return found
}

// truncate keeps the first max bytes of text and returns how many it dropped.
func (m *Message) truncate(max int) int {
	for i := range m.Values {
		v := &m.Values[i]
		if len(v.Text) <= max {
			max -= len(v.Text)
			continue
		}
		cut := len(v.Text) - max
		v.Text = v.Text[:max]
		for _, w := range m.Values[i+1:] {
			cut += len(w.Text)
		}
		m.Values = m.Values[:i+1]
		return cut
	}
	return 0
}

// text joins the values, each on a line of its own: frames of a stack trace often come as a list of strings.
func (m *Message) text() string {
	if len(m.Values) == 1 {
		return m.Values[0].Text
	}
	n := 0
	for i := range m.Values {
		n += len(m.Values[i].Text) + 1
	}
	var b strings.Builder
	b.Grow(n)
	for i := range m.Values {
		b.WriteString(m.Values[i].Text)
		b.WriteByte('\n')
	}
	return b.String()
}

// at returns the value in which an offset into text lies.
func (m *Message) at(offset int) *Value {
	for i := range m.Values {
		if offset <= len(m.Values[i].Text) {
			return &m.Values[i]
		}
		offset -= len(m.Values[i].Text) + 1
	}
	return &m.Values[len(m.Values)-1]
}

// hinted reports whether one of our detectors may find something.
func (m *Message) hinted() bool {
	for i := range m.Values {
		if start, _ := hints.First(m.Values[i].Text); start >= 0 {
			return true
		}
	}
	return false
}

// leaks runs our own detectors.
func (j *judge) leaks(r *exchange.Response, m *Message) []exchange.Finding {
	if !m.hinted() {
		return nil
	}
	text := m.text()
	var out []exchange.Finding
	for _, f := range detect(text) {
		field := m.Field(m.at(f.start))
		if excluded(j.excluded, f.ID, f.Tags, field, j.now()) {
			continue
		}
		score := j.score(&f.Rule, field, j.now())
		if !f.always && r.Status < 400 && declared(r, field) {
			score = 0
		}
		out = append(out, exchange.Finding{Guard: "inspect.response", Rule: f.ID, Message: f.message, Field: field,
			Severity: f.Severity, Score: score, Tags: f.Tags, Match: mask(text[f.start:f.end])})
	}
	return out
}

// declared reports whether the spec knows a field of the answer.
func declared(r *exchange.Response, field string) bool {
	judged := r.Judge()
	if r.Media == nil || r.Media.Schema == nil {
		return false
	}
	if judged == nil {
		return true
	}
	tree, err := r.Body.Tree()
	if err != nil {
		return false
	}
	for _, u := range judged.Undeclared {
		if covers("response"+notation(tree, u.Pointer), field) {
			return false
		}
	}
	return true
}

// covers reports whether a field is one, or lies below it.
func covers(above, field string) bool {
	rest, ok := strings.CutPrefix(field, above)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
