package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
)

// plainSpec has one operation of each kind that tests need; nobody is asked who they are.
const plainSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 20 } }, { name: q, in: query, schema: { type: string } }, { name: n, in: query, schema: { type: integer } } ]
      responses: { "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
    delete:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 20 } } ]
      responses: { "204": { description: gone } }
  /orders:
    post:
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses: { "200": { description: made, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
components:
  schemas:
    Order:
      type: object
      required: [id]
      properties: { id: { type: string, maxLength: 20 }, email: { type: string, x-sallyport: { kind: email, mask: partial } } }
`

const open = "    modes: { identity: off }\n    refusals: { limit: 0 }\n"

// guarded puts a guard of the test into every operation of the gateway, as the last one of its phase.
func (g *gate) guarded(phase exchange.Phase, mode config.Mode, check func(context.Context, *exchange.Exchange) (exchange.Verdict, error)) {
	for _, a := range g.current.Load().apis {
		for _, p := range append(a.plans, a.door) {
			p.phases[phase] = append(p.phases[phase], step{exchange.Guard{Name: "test", Phase: phase, Check: check}, mode})
		}
	}
}

// quiet keeps the stacks of panics that are meant out of the test's output, and returns them.
func quiet(t *testing.T) *strings.Builder {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

func orders(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":"a1"}`)
}

// post sends an order and returns status and body.
func (g *gate) post(t *testing.T, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(g.url+"/orders", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(answer)
}

// A guard that panics, in whatever phase, refuses by gateway.internal, is counted, leaves one record and tells the
// client nothing; the next request is served.
func TestPanicInEachPhase(t *testing.T) {
	for phase := exchange.OnConnect; phase <= exchange.OnResponseBody; phase++ {
		t.Run(fmt.Sprint(phase), func(t *testing.T) {
			log := quiet(t)
			g := serve(t, plainSpec, http.HandlerFunc(orders), open)
			bad := true
			g.guarded(phase, config.Enforce, func(context.Context, *exchange.Exchange) (exchange.Verdict, error) {
				if bad {
					panic("of secrets")
				}
				return exchange.Pass, nil
			})
			status, body := g.post(t, `{"id":"a1"}`)
			if status != http.StatusInternalServerError || !strings.Contains(body, `"code":"gateway.internal"`) || strings.Contains(body, "secrets") {
				t.Errorf("%d %s", status, body)
			}
			if r := g.record(t); !r.Refused || r.Code != "gateway.internal" || r.Guard != "test" || r.Status != status {
				t.Errorf("%+v", r)
			}
			if n := g.parts.Panics.Load(); n != 1 || !strings.Contains(log.String(), "secrets") {
				t.Errorf("%d panics counted; log: %s", n, log)
			}
			bad = false
			if status, body := g.post(t, `{"id":"a1"}`); status != http.StatusOK {
				t.Errorf("afterwards %d %s", status, body)
			}
		})
	}
}

// A panic outside the guards: of what forwarding needs before the answer has begun, and while it is sent.
func TestPanicInForwarding(t *testing.T) {
	quiet(t)
	g := serve(t, plainSpec, http.HandlerFunc(orders), open)
	api := g.current.Load().apis[0]
	upstream := api.upstream
	api.upstream = (*forward.Upstream)(nil)
	if status, body := g.post(t, `{"id":"a1"}`); status != http.StatusInternalServerError || !strings.Contains(body, `"code":"gateway.internal"`) {
		t.Errorf("%d %s", status, body)
	}
	if r := g.record(t); r.Code != "gateway.internal" || r.Status != http.StatusInternalServerError || g.parts.Panics.Load() != 1 {
		t.Errorf("%+v, %d panics", r, g.parts.Panics.Load())
	}
	api.upstream = upstream
	if status, body := g.post(t, `{"id":"a1"}`); status != http.StatusOK {
		t.Errorf("afterwards %d %s", status, body)
	}
}

// A panic after the answer's head is out cuts the connection: half an answer does not look whole.
func TestPanicWithinAnswer(t *testing.T) {
	quiet(t)
	g := newGate(t, plainSpec, h2cServer(t, http.HandlerFunc(orders)), open, "")
	w := &failingWriter{header: http.Header{}}
	r, _ := http.NewRequest(http.MethodPost, "/orders", strings.NewReader(`{"id":"a1"}`))
	r.Header.Set("Content-Type", "application/json")
	r.RequestURI, r.Host = "/orders", "shop.example"
	cut := func() (p any) {
		defer func() { p = recover() }()
		g.ServeHTTP(w, r)
		return nil
	}()
	if cut != http.ErrAbortHandler {
		t.Errorf("ended with %v", cut)
	}
	if r := g.record(t); !r.Refused || r.Code != "gateway.internal" || r.Status != http.StatusOK || g.parts.Panics.Load() != 1 {
		t.Errorf("%+v, %d panics", r, g.parts.Panics.Load())
	}
}

type failingWriter struct{ header http.Header }

func (w *failingWriter) Header() http.Header       { return w.header }
func (w *failingWriter) WriteHeader(int)           {}
func (w *failingWriter) Write([]byte) (int, error) { panic("of the socket") }

// A sink that panics costs its record, never the process, and gives back what the exchange held.
func TestPanicInRecorder(t *testing.T) {
	quiet(t)
	g := serve(t, plainSpec, http.HandlerFunc(orders), open+"    concurrency: { total: 1, client: 1 }\n")
	keep, calls := g.parts.Record, 0
	g.parts.Record = func(*exchange.Record) { calls++; panic("of the disk") }
	if status, body := g.post(t, `{"id":"a1"}`); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	eventually(t, "the end of the exchange", func() bool { return g.InFlight() == 0 })
	if calls != 1 || g.parts.Panics.Load() != 1 {
		t.Errorf("%d calls, %d panics", calls, g.parts.Panics.Load())
	}
	g.parts.Record = keep
	if status, body := g.post(t, `{"id":"a1"}`); status != http.StatusOK {
		t.Errorf("afterwards %d %s", status, body)
	}
	g.record(t)
}

// A guard that takes longer than the operation may is not waited for any longer, and what it then says does not pass.
func TestGuardBeyondItsTime(t *testing.T) {
	quiet(t)
	for name, check := range map[string]func(context.Context, *exchange.Exchange) (exchange.Verdict, error){
		"error": func(ctx context.Context, _ *exchange.Exchange) (exchange.Verdict, error) {
			<-ctx.Done()
			return exchange.Verdict{}, ctx.Err()
		},
		"pass": func(ctx context.Context, _ *exchange.Exchange) (exchange.Verdict, error) {
			<-ctx.Done()
			return exchange.Pass, nil
		},
	} {
		for phase := exchange.OnConnect; phase <= exchange.OnResponseBody; phase++ {
			t.Run(fmt.Sprint(name, phase), func(t *testing.T) {
				g := serve(t, plainSpec, http.HandlerFunc(orders), "    modes: { identity: off, inspect: off }\n    timeout: 100ms\n")
				g.guarded(phase, config.Enforce, check)
				status, body := g.post(t, `{"id":"a1"}`)
				if status != http.StatusInternalServerError || !strings.Contains(body, `"code":"gateway.internal"`) {
					t.Errorf("%d %s", status, body)
				}
				if r := g.record(t); r.Guard != "test" || r.Code != "gateway.internal" || !strings.Contains(r.Detail, "timeout") {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// A client that leaves while a guard is asked ends the guard, and is recorded as gone; nothing reaches the upstream.
func TestClientLeavesDuringGuard(t *testing.T) {
	g := serve(t, plainSpec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the upstream was asked") }), open)
	asked := make(chan struct{})
	g.guarded(exchange.OnHead, config.Enforce, func(ctx context.Context, _ *exchange.Exchange) (exchange.Verdict, error) {
		close(asked)
		<-ctx.Done()
		return exchange.Pass, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/orders/a1", nil)
	go func() { <-asked; cancel() }()
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if r := g.record(t); r.Status != statusClientGone || r.Upstream != nil || r.Took > 20*time.Second {
		t.Errorf("%+v", r)
	}
}
