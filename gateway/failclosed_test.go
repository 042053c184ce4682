package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Whatever goes wrong inside refuses, and tells the client nothing: gateway.internal, gateway.not_ready.
func TestFailsClosed(t *testing.T) {
	for name, check := range map[string]func(context.Context, *exchange.Exchange) (exchange.Verdict, error){
		"panic": func(context.Context, *exchange.Exchange) (exchange.Verdict, error) { panic("secret") },
		"error": func(context.Context, *exchange.Exchange) (exchange.Verdict, error) {
			return exchange.Pass, errors.New("secret")
		},
		"zero verdict": func(context.Context, *exchange.Exchange) (exchange.Verdict, error) { return exchange.Verdict{}, nil },
	} {
		for _, mode := range []config.Mode{config.Enforce, config.Monitor} {
			parts := &Parts{}
			x := &serving{parts: parts}
			v := x.ask(t.Context(), []step{{exchange.Guard{Name: "test", Check: check}, mode}})
			if refused := !v.Passed(); refused != (mode == config.Enforce) {
				t.Errorf("%s in %s: refused %v", name, mode, refused)
			}
			if s := x.e.Steps[0]; s.Verdict == nil || s.Verdict.Reason != exchange.Internal {
				t.Errorf("%s in %s: the step says %+v", name, mode, s.Verdict)
			}
			if panics := parts.Panics.Load(); (panics == 1) != (name == "panic") {
				t.Errorf("%s: %d panics counted", name, panics)
			}
		}
	}
}

func TestNotReadyWithoutSnapshot(t *testing.T) {
	var records []*exchange.Record
	g := New(&Parts{Record: func(r *exchange.Record) { records = append(records, r) }})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"code":"gateway.not_ready"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(records) != 1 || records[0].Code != "gateway.not_ready" || g.Ready() {
		t.Errorf("%+v", records)
	}
}

// In monitor mode, everything that a guard changed is taken back.
func TestMonitorTakesChangesBack(t *testing.T) {
	guard := exchange.Guard{Name: "test", Check: func(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
		e.Outgoing.Set("X-Test", "1")
		e.Reply.Set("X-Test", "1")
		return exchange.Refuse(exchange.RoleMissing, "would"), nil
	}}
	for mode, changes := range map[config.Mode]int{config.Enforce: 1, config.Monitor: 0} {
		x := &serving{parts: &Parts{}}
		x.ask(t.Context(), []step{{guard, mode}})
		if x.e.Outgoing.Len() != changes || x.e.Reply.Len() != changes {
			t.Errorf("%s: %d and %d changes remain", mode, x.e.Outgoing.Len(), x.e.Reply.Len())
		}
	}
}

func operation(modes map[string]config.Mode, mode config.Mode) *openapi.Operation {
	return &openapi.Operation{Ext: config.Operation{Modes: modes, Mode: mode}}
}

func TestModes(t *testing.T) {
	b := builder{api: &config.API{Mode: config.Monitor, Modes: map[string]config.Mode{"validate": config.Off, "validate.body": config.Enforce}}}
	op := operation(map[string]config.Mode{"inspect": config.Off}, "")
	for guard, want := range map[string]config.Mode{"limit.admit": config.Monitor, "validate.params": config.Off, "validate.body": config.Enforce, "inspect.head": config.Off} {
		if got := b.mode(op, guard); got != want {
			t.Errorf("%s: %s, want %s", guard, got, want)
		}
	}
	if got := b.mode(operation(nil, config.Enforce), "validate.params"); got != config.Enforce {
		t.Errorf("the operation comes before the API: %s", got)
	}
}
