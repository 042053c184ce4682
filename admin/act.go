package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// actor is how events name who asks.
func actor(r *http.Request) string {
	if _, who := gateway.Caller(r.Context()); who != nil {
		return "admin:" + who.Subject
	}
	return ""
}

// name is that of who asks.
func name(r *http.Request) string {
	_, who := gateway.Caller(r.Context())
	return who.Subject
}

// event is one of an act that is being asked for.
func happening(r *http.Request, k *exchange.Kind, object, format string, args ...any) *exchange.Event {
	e := exchange.NewEvent(k, fmt.Sprintf(format, args...))
	id, _ := gateway.Caller(r.Context())
	e.Actor, e.Object, e.Data = actor(r), object, map[string]string{"exchange": id}
	return e
}

// act tells of an act and then does it, and tells again where that fails. The client is answered where one of the two
// fails, and act is false.
func (a *admin) act(w http.ResponseWriter, r *http.Request, e *exchange.Event, do func() error) bool {
	if err := a.Tell(r.Context(), e); err != nil {
		slog.Error("an act was not done, since nobody could be told of it", "kind", e.Kind, "object", e.Object, "error", err)
		problem(w, http.StatusServiceUnavailable, "admin.untold", "nobody can be told of this now, so it is not done", "the log has the cause")
		return false
	}
	if err := do(); err != nil {
		a.tell(happening(r, exchange.AdminRefused, e.Object, "this did not happen: %s", e.Detail))
		failed(w, err)
		return false
	}
	return true
}

// tell is for what has happened whether or not anybody can be told.
func (a *admin) tell(e *exchange.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := a.Tell(ctx, e); err != nil {
		slog.Error("nobody could be told", "kind", e.Kind, "detail", e.Detail, "error", err)
	}
}
