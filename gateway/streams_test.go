package gateway

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// streamSpec has each kind of stream on an operation that declares it, and below /plain on one that does not.
const streamSpec = `
openapi: 3.1.0
info: { title: Streams, version: "1" }
paths:
  /events: { get: { x-sallyport: { streaming: sse }, responses: { "200": &events { description: events, content: { text/event-stream: {} } } } } }
  /asked: { post: { x-sallyport: { streaming: sse }, requestBody: { content: { application/octet-stream: {} } }, responses: { "200": *events } } }
  /plain/events: { get: { responses: { "200": *events } } }
  /socket: { get: { x-sallyport: { streaming: websocket }, responses: { "101": { description: socket } } } }
  /plain/socket: { get: { responses: { "200": { description: no socket } } } }
  /file:
    get: { x-sallyport: { streaming: body }, responses: { "200": &file { description: file, content: { application/octet-stream: {} } } } }
    put: { x-sallyport: { streaming: body }, requestBody: &upload { content: { application/octet-stream: {} } }, responses: { "204": { description: kept } } }
  /plain/file:
    get: { responses: { "200": *file } }
    put: { requestBody: *upload, responses: { "204": { description: kept } } }
`

// Each event arrives before the upstream writes the next, which waits until the client says that it has the last.
func TestEventsAreNeverKeptBack(t *testing.T) {
	t.Run("declared", func(t *testing.T) { ticks(t, "/events", open, "") })
	t.Run("monitored", func(t *testing.T) { ticks(t, "/plain/events", open+"    mode: monitor\n", "validate.response") })
}

func ticks(t *testing.T, path, api, code string) {
	seen := make(chan struct{})
	g := serve(t, streamSpec, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, "data: tick\n\n")
			w.(http.Flusher).Flush()
			select {
			case <-seen:
			case <-time.After(10 * time.Second):
				t.Error("the event was kept back")
			}
		}
	}), api)
	resp, err := http.Get(g.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if lines.Text() == "data: tick" {
			events++
			seen <- struct{}{}
		}
	}
	if events != 3 {
		t.Errorf("%d events", events)
	}
	r := g.record(t)
	if r.Refused || r.Status != http.StatusOK || r.BytesOut != 36 || r.Operation != "GET "+path {
		t.Errorf("%+v", r)
	}
	if noted := slices.ContainsFunc(r.Steps, func(s exchange.RecordStep) bool { return s.Code != "" && s.Code == code }); noted != (code != "") {
		t.Errorf("%+v", r.Steps)
	}
}

// Events outlive the operation's timeout, which bounds what comes before them, whether the request was judged or not.
func TestEventsOutliveTheTimeout(t *testing.T) {
	for _, mode := range []string{"enforce", "off"} {
		g := serve(t, streamSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/event-stream")
			for range 2 {
				_, _ = io.WriteString(w, "data: tick\n\n")
				w.(http.Flusher).Flush()
				time.Sleep(600 * time.Millisecond) // more than the timeout and a moment
			}
		}), "    mode: "+mode+"\n    modes: { identity: off, inspect: off }\n    timeout: 200ms\n")
		resp, err := http.Post(g.url+"/asked", "application/octet-stream", strings.NewReader("which"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || strings.Count(string(body), "tick") != 2 {
			t.Errorf("%s: %s %v %q", mode, resp.Status, err, body)
		}
		g.record(t)
	}
}

// endless writes events until the client has gone, which it tells gone.
func endless(gone chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "data: "+strings.Repeat("tick ", 100)+"\n\n")
			w.(http.Flusher).Flush()
		}
		gone <- r.Context().Err()
	})
}

// Without the declaration an endless answer is read up to the limit and refused, and the upstream is let go.
func TestEventsUndeclared(t *testing.T) {
	gone := make(chan error, 1)
	g := serve(t, streamSpec, endless(gone), open+"    max_response: 64KiB\n")
	resp, err := http.Get(g.url + "/plain/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadGateway || strings.Contains(string(body), "tick") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	<-gone
	if r := g.record(t); !r.Refused || r.Code != "validate.response" || !strings.Contains(r.Setting, "streaming") {
		t.Errorf("%+v", r)
	}
}

// A client that leaves an endless stream ends it at the upstream too.
func TestLeavingCancelsUpstream(t *testing.T) {
	gone := make(chan error, 1)
	g := serve(t, streamSpec, endless(gone), open)
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/events", nil)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Fatal("the upstream was not told")
	}
	if r := g.record(t); r.Refused || r.Status != http.StatusOK || r.BytesOut < 1000 {
		t.Errorf("%+v", r)
	}
}

// The same while the upstream has not answered yet: there is nobody to refuse, and the record says so.
func TestLeavingBeforeAnswer(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	g := serve(t, plainSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/orders/slow" {
			orders(w, r)
			return
		}
		asked <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}), "    modes: { identity: off }\n    refusals: { limit: 1, per: 1h }\n")
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/orders/slow", nil)
		go func() { <-asked; cancel() }()
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
			t.Fatalf("there was an answer: %s", resp.Status)
		}
		<-gone
		if r := g.record(t); r.Status != statusClientGone || r.Upstream == nil {
			t.Errorf("%+v", r)
		}
	}
	if status, body := g.post(t, `{"id":"a1"}`); status != http.StatusOK { // leaving costs nothing
		t.Errorf("%d %s", status, body)
	}
}

// A stream that breaks off at the upstream breaks off for the client, and the record tells why.
func TestBrokenStream(t *testing.T) {
	g := serve(t, streamSpec, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: tick\n\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}), open)
	resp, err := http.Get(g.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looked whole", body)
	}
	r := g.record(t)
	if last := r.Steps[len(r.Steps)-1]; last.Guard != "forward" || last.Code != "forward.broken" {
		t.Errorf("%+v", r)
	}
}
