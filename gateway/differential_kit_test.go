package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/differential"
)

// differentialSpec declares what must stay closed; everything else passes as unknown, so that as much as can be passes.
const differentialSpec = `
openapi: 3.1.0
info: { title: differential, version: "1" }
paths:
  /admin:
    get:
      security: [ { corp: [] } ]
      responses: { "204": { description: closed } }
components:
  securitySchemes:
    corp: { type: apiKey, in: header, name: X-Api-Key }
`

const differentialAPI = `
    unknown: inspect
    security: { corp: partners }
    modes: { inspect: off }
    refusals: { limit: 0 }
    timeout: 20s
`

// A judged gateway stands before one upstream and tells what it judged: the last guard of a phase, put there by the test,
// takes down what all guards before it were given.
type judged struct {
	*gate
	upstream *differential.Upstream
	client   *differential.Client

	mu       sync.Mutex
	readings map[string]*differential.Reading // by exchange
	last     []*exchange.Record               // of the message at hand
	body     map[string]*bytes.Buffer         // of streams, by exchange
	maybe    []*differential.Reading          // judged and sent, but not answered: may have been read, and may be told late
	tally    tally
}

// tally counts what became of messages.
type tally struct {
	messages, passed int // passed are requests, not messages
	unread           int // requests that the upstream itself refused or did not get whole
	disagreements    []string
}

func (t *tally) add(more tally) {
	t.messages, t.passed, t.unread = t.messages+more.messages, t.passed+more.passed, t.unread+more.unread
	t.disagreements = append(t.disagreements, more.disagreements...)
}

// judge builds one. Buffered, bodies are read and judged before they are sent; otherwise they are passed on as they come.
func judge(t testing.TB, u *differential.Upstream, buffered bool) *judged {
	t.Helper()
	upstream := fmt.Sprintf("{ targets: [%q], breaker: { failures: -1 } }", u.URL)
	keys := "identity: [ { name: partners, api_key: { header: X-API-Key } } ]"
	j := &judged{gate: newGate(t, differentialSpec, upstream, differentialAPI, keys), upstream: u,
		readings: map[string]*differential.Reading{}, body: map[string]*bytes.Buffer{}}
	phase, guard := exchange.OnHead, j.tapHead
	if buffered {
		phase, guard = exchange.OnBody, j.tapBody
	}
	door := j.current.Load().apis[0].door
	door.phases[phase] = append(door.phases[phase], step{exchange.Guard{Name: "tap", Phase: phase, Check: guard}, config.Enforce})
	door.enforcesBody = buffered
	j.open(t)
	j.client = &differential.Client{Address: strings.TrimPrefix(j.url, "http://"), Served: j.served, Busy: func() bool { return j.InFlight() > 0 },
		Quiet: 5 * time.Second, Idle: 5 * time.Second}
	t.Cleanup(j.client.Close)
	return j
}

func (j *judged) tapHead(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	r := reading(e)
	body := new(bytes.Buffer)
	if e.Request.Body != nil && e.Request.Body != http.NoBody {
		e.Request.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(e.Request.Body, body), e.Request.Body}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.readings[e.ID], j.body[e.ID] = r, body
	return exchange.Pass, nil
}

func (j *judged) tapBody(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	r := reading(e)
	if e.Body != nil {
		r.Body = bytes.Clone(e.Body.Bytes())
		r.Header.Del("Content-Encoding") // it is decoded
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.readings[e.ID] = r
	return exchange.Pass, nil
}

// reading is what the guards were given.
func reading(e *exchange.Exchange) *differential.Reading {
	r := &differential.Reading{Method: e.Request.Method, Target: e.Target.Path, Path: "/" + strings.Join(e.Target.Segments, "/"),
		Query: url.Values{}, Host: e.Request.Host, Header: differential.EndToEnd(e.Request.Header.Clone())}
	if e.Target.RawQuery != "" {
		r.Target += "?" + e.Target.RawQuery
	}
	for _, p := range e.Target.Query {
		r.Query.Add(p.Name, p.Value)
	}
	return r
}

// served waits until nothing is served, and tells how much was, and whether the last request was the probe.
func (j *judged) served() (int, bool) {
	for j.InFlight() > 0 {
		time.Sleep(50 * time.Microsecond)
	}
	for len(j.records) > 0 {
		j.last = append(j.last, <-j.records)
	}
	n := len(j.last)
	return n, n > 0 && j.last[n-1].Path == differential.Probe
}

// send sends a message and holds what was judged against what was read. It returns the records, without the probe's.
func (j *judged) send(t testing.TB, name string, message []byte, cut bool) (differential.Outcome, []*exchange.Record) {
	j.last = nil
	o, err := j.client.Send(message, cut)
	if err != nil {
		t.Errorf("%s: %s: %v", j.upstream.Name, name, err)
	}
	j.settle(name, message)
	records := j.last
	if n := len(records); n > 0 && records[n-1].Path == differential.Probe {
		records = records[:n-1]
	}
	return o, records
}

// settle compares everything that was served since the last message with what the upstream read since.
func (j *judged) settle(name string, message []byte) {
	j.served()
	j.tally.messages++
	for _, r := range j.last {
		if detail := j.compare(r); detail != "" {
			j.disagree(name, message, detail)
		}
	}
	for len(j.upstream.Readings) > 0 {
		if r := <-j.upstream.Readings; !j.late(&r) {
			j.disagree(name, message, fmt.Sprintf("read %s %s, which nobody judged", r.Method, r.Target))
		}
	}
	for len(j.upstream.Broken) > 0 {
		j.disagree(name, message, "could not read "+<-j.upstream.Broken)
	}
	j.mu.Lock()
	clear(j.readings)
	clear(j.body)
	j.mu.Unlock()
}

func (j *judged) disagree(name string, message []byte, detail string) {
	j.tally.disagreements = append(j.tally.disagreements, fmt.Sprintf("%s: %s: %s: %q", j.upstream.Name, name, detail, message))
}

func gotAnswer(r *exchange.Record) bool {
	return r.Upstream != nil && r.Upstream.Status == http.StatusNoContent
}

// compare holds the reading that belongs to a record against what was judged.
func (j *judged) compare(r *exchange.Record) string {
	j.mu.Lock()
	want, body := j.readings[r.ID], j.body[r.ID]
	j.mu.Unlock()
	if want != nil && body != nil {
		want.Body = body.Bytes()
	}
	switch {
	case !gotAnswer(r) && want != nil:
		j.tally.unread++
		j.maybe = append(j.maybe[max(0, len(j.maybe)-64):], want)
		return ""
	case !gotAnswer(r):
		return ""
	case want == nil:
		return "sent without having been judged"
	}
	j.tally.passed++
	if path, _, _ := strings.Cut(want.Target, "?"); r.Method != want.Method || r.Path != path && len(path) < maxPath && !strings.Contains(r.Path, "*") {
		return fmt.Sprintf("the record says %s %s, judged %s %s", r.Method, r.Path, want.Method, path)
	}
	for {
		select {
		case read := <-j.upstream.Readings:
			if detail := want.Differs(&read); detail == "" || !j.late(&read) {
				return detail
			}
		case <-time.After(20 * time.Second):
			return "answered without having been read"
		}
	}
}

// late reports whether a reading is one of those that need not have come any more, and forgets it.
func (j *judged) late(read *differential.Reading) bool {
	for i, want := range j.maybe {
		if want.Differs(read) == "" {
			j.maybe = slices.Delete(j.maybe, i, i+1)
			return true
		}
	}
	return false
}

// became says what is wrong with what became of a message.
func (j *judged) became(want differential.Want, o differential.Outcome, records []*exchange.Record) string {
	passed := sent(records)
	switch {
	case len(o.Statuses) == 0 && !want.Any:
		return "no answer"
	case want.Any && passed > 1, !want.Any && passed != want.Passed:
		return fmt.Sprintf("%d requests were sent on", passed)
	case want.Refused && o.Statuses[0] < 400,
		want.Status != 0 && o.Statuses[0] != want.Status:
		return fmt.Sprintf("status %d", o.Statuses[0])
	case want.Closed && (!o.Closed || len(o.Statuses) > 1):
		return "the connection was used further"
	}
	return ""
}
