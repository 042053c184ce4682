package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// actor is how events name who asks.
func actor(r *http.Request) string {
	if _, who := gateway.Caller(r.Context()); who != nil {
		return people.Called(who.Subject)
	}
	return ""
}

// name is that of who asks.
func name(r *http.Request) string {
	_, who := gateway.Caller(r.Context())
	return who.Subject
}

// happening is an event of an act that is being asked for.
func happening(r *http.Request, k *exchange.Kind, object, format string, args ...any) *exchange.Event {
	e := exchange.NewEvent(k, fmt.Sprintf(format, args...))
	id, _ := gateway.Caller(r.Context())
	e.Actor, e.Object, e.Data = actor(r), object, map[string]string{"exchange": id}
	return e
}

// concerning is one of what is done to a user, whom neither object nor detail name.
func concerning(r *http.Request, k *exchange.Kind, user, format string, args ...any) *exchange.Event {
	e := happening(r, k, "", format, args...)
	e.Subject = people.Called(user)
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
		not := happening(r, exchange.AdminRefused, e.Object, "this did not happen: %s", e.Detail)
		not.Subject = e.Subject
		a.tell(not)
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
