package gateway_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
)

// recordings names what was recorded of an API and the spec that its vendor publishes.
var recordings = []struct{ api, traffic, spec string }{
	{"github", "github.jsonl.gz", "github/api.github.com.json"},
	{"datadog", "datadog-v1.jsonl.gz", "datadog/openapi.yaml"},
}

// TestReplay sends real traffic through a gateway that monitors: it must change nothing of it, and what it would have
// refused must be exactly what testdata/replay.txt explains. SALLYPORT_REPLAY=update rewrites that file: explanations
// are kept, and what has none gets the cause "?", which fails.
func TestReplay(t *testing.T) {
	if testing.Short() {
		t.Skip("replays 965 exchanges against two large specs")
	}
	got := map[string]int{}
	for _, r := range recordings {
		s := tally{pairs: readPairs(t, r.traffic)}
		s.replay(t, r.api, r.spec)
		t.Logf("%s: %d pairs, %d matched an operation, %d without a finding, %d groups", r.api, len(s.pairs), s.matched, s.clean, len(s.groups))
		for g, n := range s.groups {
			got[r.api+"\t"+g] += n
		}
	}
	compareExplained(t, got)
}

// A pair is a recorded request and its answer.
type pair struct {
	ID, Method, Path, Query, Body string
	BodyB64                       string         `json:"body_b64"`
	Headers                       map[string]any // a string or a list of them
	Response                      struct {
		Status  int
		Headers map[string]any
		Body    string
	}
}

// tally is the replay of one API.
type tally struct {
	pairs          []pair
	matched, clean int
	groups         map[string]int // operation, code and place, by tabs
}

func (s *tally) replay(t *testing.T, api, spec string) {
	var current atomic.Pointer[pair]
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { current.Load().answer(w) }))
	t.Cleanup(upstream.Close)
	records := make(chan *exchange.Record, 1)
	front := httptest.NewServer(monitoring(t, api, extractSpec(t, spec), upstream.URL, records))
	t.Cleanup(front.Close)
	s.groups = map[string]int{}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	for i := range s.pairs {
		p := &s.pairs[i]
		current.Store(p)
		resp, err := client.Do(p.request(t, front.URL))
		if err != nil {
			t.Fatalf("%s: %v", p.ID, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Errorf("%s: the answer broke off: %v", p.ID, err)
		}
		r := <-records
		s.count(p, r)
		if r.Operation != "" || !r.Refused { // what has no single reading or no operation is refused in every mode
			unchanged(t, p, resp.StatusCode, string(body))
		}
	}
}

func unchanged(t *testing.T, p *pair, status int, body string) {
	t.Helper()
	want := p.Response.Body
	if p.Method == http.MethodHead || p.Response.Status == http.StatusNoContent || p.Response.Status == http.StatusNotModified {
		want = ""
	}
	if status != p.Response.Status || body != want {
		t.Errorf("%s: %s %s was answered with %d and %d bytes; recorded are %d and %d", p.ID, p.Method, p.Path, status, len(body), p.Response.Status, len(want))
	}
}

// count files every objection to one exchange.
func (s *tally) count(p *pair, r *exchange.Record) {
	operation := r.Operation
	found := map[string]bool{}
	if operation == "" {
		operation = "-"
		found["-\t"+r.Code+"\t"+p.Method+" "+p.Path] = true
	} else {
		s.matched++
	}
	for _, step := range r.Steps {
		if step.Code == "" {
			continue
		}
		if len(step.Fields) == 0 {
			for _, one := range strings.Split(step.Detail, "; ") { // of an answer, the detail lists all places
				found[operation+"\t"+step.Code+"\t"+general(place.ReplaceAllString(one, "$1"))] = true
			}
		}
		for _, f := range step.Fields {
			found[operation+"\t"+step.Code+"\t"+strings.TrimSpace(f.Param+" "+general(f.Pointer)+" "+f.Detail)] = true
		}
	}
	for _, f := range r.Findings {
		found[operation+"\tfinding "+f.Guard+"\t"+f.Rule+" "+general(f.Field)] = true
	}
	if len(found) == 0 {
		s.clean++
	}
	for g := range found {
		s.groups[g]++
	}
}

// index is an array index in a JSON Pointer.
var index = regexp.MustCompile(`/[0-9]+(/| |$)`)

// place is where a rule of the inspection matched. Of several matches, which one the detail names is not determined;
// the findings list them all.
var place = regexp.MustCompile(`(reached the threshold of .*: rule [0-9]+) in .*`)

// general replaces the array indices of a pointer, so that one cause makes one group.
func general(pointer string) string {
	return index.ReplaceAllString(index.ReplaceAllString(pointer, "/*$1"), "/*$1")
}

// placeholders unwraps what a recorder put in place of names, like <GITHUB_LOGIN>: no client sends such a target.
var placeholders = strings.NewReplacer("<", "", ">", "")

// request is the recorded request, sent to base.
func (p *pair) request(t *testing.T, base string) *http.Request {
	body := []byte(p.Body)
	if p.BodyB64 != "" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(p.BodyB64); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), p.Method, base, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque, r.URL.RawQuery = placeholders.Replace(p.Path), placeholders.Replace(p.Query) // otherwise as on the wire
	for name, v := range p.Headers {
		for _, line := range lines(v) {
			r.Header.Add(name, line)
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	return r
}

func (p *pair) answer(w http.ResponseWriter) {
	for name, v := range p.Response.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Transfer-Encoding", "Connection", "Content-Encoding": // of another framing: bodies were recorded decoded
			continue
		}
		for _, line := range lines(v) {
			w.Header().Add(name, line)
		}
	}
	w.WriteHeader(p.Response.Status)
	_, _ = io.WriteString(w, p.Response.Body) // 204 and 304 have none
}

func lines(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return []string{fmt.Sprint(v)}
	}
	values := make([]string, len(list))
	for i, x := range list {
		values[i] = fmt.Sprint(x)
	}
	return values
}

// monitoring is a gateway in monitor mode in front of upstream.
func monitoring(t *testing.T, api, spec, upstream string, records chan<- *exchange.Record) *gateway.Gateway {
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	// One client sends everything: what bounds the refusals of a client would hide what it is refused for.
	settings := fmt.Sprintf("version: 1\nlisten: [ { address: \"127.0.0.1:0\" } ]\napis:\n  - name: %s\n    spec: %q\n    upstream: %s\n    mode: monitor\n    modes: { identity: off }\n    refusals: { limit: 0 }\n", api, spec, upstream)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	c, src, problems := config.Load(file)
	if problems.Failed() {
		t.Fatal(problems)
	}
	parts := &gateway.Parts{
		Providers: func(list []config.Identity) (*identity.Providers, error) {
			return identity.New(list, nil, identity.Options{})
		},
		Upstreams: forward.NewPool(), Limiter: limit.New(limit.Options{}), Inspectors: new(inspect.Pool),
		Record: func(r *exchange.Record) { records <- r },
	}
	t.Cleanup(parts.Upstreams.Close)
	snapshot, problems := gateway.Build(c, src, parts)
	if snapshot == nil {
		t.Fatal(problems)
	}
	g := gateway.New(parts)
	g.Swap(snapshot)
	return g
}
