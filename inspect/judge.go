package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// busyRetry is after what time a client may try again for which no slot became free.
const busyRetry = 5 * time.Second

// DefaultMaxBytes is what max_bytes is where it is not set, as large as a body may be by default: some half a second of one
// core at worst, a fifth of one for plain text.
const DefaultMaxBytes = 1 << 20

// maxFindings bounds what one guard writes into a record. Scores count beyond it.
const maxFindings = 32

// A judge holds what is decided ahead for one operation.
type judge struct {
	engine    Engine
	slots     *slots
	operation string
	threshold int
	leakAt    int // threshold of answers
	maxBytes  int
	partly    bool // bodies with more text than maxBytes are inspected in part, not refused
	secrets   bool // judged like everything else
	excluded  []exclusion
	monitored []exclusion                   // recorded without a score
	shapes    map[*openapi.MediaType]*shape // of bodies that validation has confined
	bodies    unmarked
	now       func() time.Time
}

func (i *Inspector) newJudge(c config.Inspect, operation string) (*judge, error) {
	threshold, leakAt := or(c.Threshold, 5), or(c.ResponseThreshold, 4)
	var bounds error
	if threshold < 1 || leakAt < 1 {
		bounds = errors.New("inspect.threshold and inspect.response_threshold must be positive")
	}
	engine, err := i.engine(c)
	if err != nil {
		return nil, errors.Join(bounds, err)
	}
	names := knownRules(engine)
	excluded, err := exclusionsOf(c.Exclude, operation, names)
	for _, r := range urlRules() { // its guard judges by no score: a mode monitors it
		delete(names, r.ID)
	}
	monitored, other := compileExclusions("monitor", c.Monitor, operation, names)
	if err = errors.Join(bounds, err, other); err != nil {
		return nil, err
	}
	return &judge{engine, &i.o.Pool.slots, operation, threshold, leakAt, int(c.MaxBytes.Or(DefaultMaxBytes)), c.Beyond == "pass", c.Secrets == "inspect", excluded, monitored, nil, nil, i.o.Now}, nil
}

func or(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// knownRules are the ids and tags that an exclusion may name.
func knownRules(e Engine) map[string]bool {
	known := map[string]bool{}
	note := func(rules []Rule) {
		for _, r := range rules {
			known[r.ID] = true
			for _, t := range r.Tags {
				known[t] = true
			}
		}
	}
	note(e.Rules())
	note(detectorRules)
	return known
}

// head is the guard inspect.head.
func (j *judge) head(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	m := borrow(Head)
	m.readHead(e)
	v, err := j.request(ctx, e, m, "inspect.head")
	if e.Request.ContentLength != 0 && v.Passed() {
		m.judge, e.Inspected = j, m
	} else {
		release(m)
	}
	return v, err
}

// read is the head as this judge has read it, or reads it now.
func (j *judge) read(e *exchange.Exchange) *Message {
	m, _ := e.Inspected.(*Message)
	if e.Inspected = nil; m != nil && m.judge == j {
		m.Stage = Body
		return m
	}
	m = borrow(Body)
	m.readHead(e)
	return m
}

// body is the guard inspect.body.
func (j *judge) body(ctx context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	if e.Body == nil || len(e.Body.Bytes()) == 0 {
		return exchange.Pass, nil
	}
	m := j.read(e)
	defer release(m)
	m.open = j.secrets
	if err := m.readBody(e.Body, secrets(j.bodies.marks(e)), j.shapes[e.BodySpec]); err != nil {
		return exchange.Malformed(err), nil // where validation does not enforce, this guard is the first to refuse it
	}
	return j.request(ctx, e, m, "inspect.body")
}

// request judges a request by all findings so far: the rules know one score for head and body together.
func (j *judge) request(ctx context.Context, e *exchange.Exchange, m *Message, guard string) (exchange.Verdict, error) {
	if m.size > j.maxBytes {
		if m.Stage != Body || !j.partly {
			return j.tooLarge(m), nil
		}
		e.Findings = append(e.Findings, m.part(j.maxBytes))
	}
	if m.size > heavy {
		if !j.slots.take(ctx) {
			return tooLate("no slot for a large message became free in time"), nil
		}
		defer j.slots.give()
	}
	matches, err := j.engine.Inspect(ctx, m, nil)
	if err != nil && ctx.Err() != nil {
		return tooLate("judging took longer than the exchange may"), nil
	}
	if err != nil {
		return exchange.Verdict{}, fmt.Errorf("couldn't inspect the request: %w", err)
	}
	found := j.findings(guard, m, matches, e.Findings)
	e.Findings = append(e.Findings, found[:min(len(found), maxFindings)]...)
	if len(found) == 0 {
		return exchange.Pass, nil // what earlier guards found was theirs to judge
	}
	for _, f := range e.Findings {
		if f.Guard == "inspect.head" && guard != f.Guard {
			found = append(found, f)
		}
	}
	if score := total(found); score >= j.threshold {
		return refuse(weigh(found), found, score, j.threshold, j.operation), nil
	}
	return exchange.Pass, nil
}

// tooLate is the refusal of what was not judged in time: the engine is short of time, and nothing is wrong with it.
func tooLate(detail string) exchange.Verdict {
	return exchange.Refuse(exchange.InspectionBusy, detail).WithRetry(busyRetry).WithSetting("x-sallyport: { timeout: … } of the operation")
}

func (j *judge) tooLarge(m *Message) exchange.Verdict {
	detail := fmt.Sprintf("%d bytes of text are more than the %d that are inspected", m.size, j.maxBytes)
	return exchange.Refuse(exchange.TooMuchText, detail).WithSetting(fmt.Sprintf("apis[].inspect.max_bytes: %d", m.size))
}

// findings translates the matches that no exclusion covers and that have not been reported for this exchange.
func (j *judge) findings(guard string, m *Message, matches []Match, have []exchange.Finding) []exchange.Finding {
	if len(matches) == 0 {
		return nil
	}
	now := j.now()
	var out []exchange.Finding
	score := 0
	for i := range matches {
		h := &matches[i]
		if m.Stage == Body && m.inHead(h) || m.joined(h) || m.described(h) {
			continue // inspect.head has judged it, or is switched off
		}
		m.fields(h, func(field string) bool {
			if !excluded(j.excluded, h.Rule.ID, h.Rule.Tags, field, now) && !known(have, h.Rule.ID, field) {
				f := finding(guard, field, h)
				f.Score = j.score(h.Rule, field, now)
				out = append(out, f)
				score += f.Score
			}
			return score < max(j.threshold, j.leakAt) || len(out) < maxFindings
		})
	}
	return out
}

// score is what a match in a field adds.
func (j *judge) score(r *Rule, field string, now time.Time) int {
	switch {
	case excluded(j.monitored, r.ID, r.Tags, field, now):
		return 0
	case r.Alone:
		return max(j.threshold, j.leakAt)
	}
	return r.Score
}

func finding(guard, field string, h *Match) exchange.Finding {
	message := h.Message
	if h.InName {
		message += " (in the name)"
	}
	return exchange.Finding{Guard: guard, Rule: h.Rule.ID, Message: message, Field: field,
		Severity: h.Rule.Severity, Score: h.Rule.Score, Tags: h.Rule.Tags, Match: mask(h.Fragment)}
}

// inHead reports whether a match lies in what the Head stage judges.
func (m *Message) inHead(h *Match) bool {
	if h.Value >= 0 {
		return m.Values[h.Value].Part <= CookiePart
	}
	return h.Place != "body" && h.Place != "request"
}

// joined reports whether a match of the file rules lies in the dots with which we join the names of JSON members:
// {"a": {"profile": 1}} is named json.a.profile, and .profile is a file of a shell. What a single member's name holds
// stays a match.
func (m *Message) joined(h *Match) bool {
	if !h.InName || h.Value < 0 || !m.Media.JSON() || !slices.Contains(h.Rule.Tags, "attack-lfi") {
		return false
	}
	for s := m.Values[h.Value].step; s >= 0; s = m.steps[s].parent {
		if strings.ContainsAny(m.steps[s].name, "./\\%") {
			return false
		}
	}
	return m.Values[h.Value].Part == BodyPart
}

// described reports whether a match is one of the form of a Content-Type that content.ParseMedia has read. That is the
// stricter judge of the grammar and of charsets; the rules know only the parameters of the web, and media types have
// others: application/json; profile=x.
func (m *Message) described(h *Match) bool {
	return m.Media.Type != "" && (h.Rule.ID == "920470" || h.Rule.ID == "920480")
}

func known(have []exchange.Finding, rule, field string) bool {
	for i := range have {
		if have[i].Rule == rule && have[i].Field == field {
			return true
		}
	}
	return false
}

func total(found []exchange.Finding) int {
	n := 0
	for i := range found {
		n += found[i].Score
	}
	return n
}
