package admin

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/admin/dashboard"
	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// viewed tells pages who looks at them. Pages change nothing: forms go to the API.
func (a *admin) viewed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			again(w, r.URL.RequestURI())
			return
		}
		value := cookie(r)
		if value == "" {
			next.ServeHTTP(w, r)
			return
		}
		p, err := a.People.Session(r.Context(), value)
		if err != nil && !errors.Is(err, people.ErrRefused) {
			slog.Error("couldn't tell who looks at a page", "error", err)
		}
		if err == nil {
			r = r.WithContext(dashboard.WithViewer(r.Context(), dashboard.Viewer{Name: p.Name, Role: dashboard.Role(p.Role), CSRF: people.CSRF(value)}))
		}
		next.ServeHTTP(w, r)
	})
}

// signIn makes a session. The one that the browser had ends: a session that somebody else has planted is not taken on.
func (a *admin) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Password, Token, Next string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	user, from := in.User, peer(r)
	if in.Token != "" {
		user = "" // it has no account
	}
	if wait := a.patience.wait(user, from, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		problem(w, http.StatusTooManyRequests, exchange.TooManyFailures.Code, exchange.TooManyFailures.Title, "")
		return
	}
	p, role, err := a.recognize(r.Context(), in.User, in.Password, in.Token)
	if errors.Is(err, people.ErrRefused) {
		a.patience.failed(user, from, time.Now())
		e := concerning(r, exchange.AdminRefused, p.Name, "a sign-in was refused") // of a name that exists: people type passwords into the wrong field
		a.tell(e)
		w.Header().Set("WWW-Authenticate", `Bearer realm="admin"`)
		problem(w, http.StatusUnauthorized, "admin.sign_in", "the name or the password is wrong", "")
		return
	}
	if err != nil {
		failed(w, err)
		return
	}
	a.patience.passed(user, from, time.Now())
	e := concerning(r, exchange.AdminSignedIn, p.Name, "signed in as %s", p.Role)
	e.Actor = people.Called(p.Name)
	if value, ok := a.begin(w, r, e, p.Name, role); ok {
		a.welcome(w, r, p, value, in.Next)
	}
}

// peer is the address of who asks.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr // a socket without a port
	}
	return host
}

// recognize checks a token or a password. role is that of a session of somebody who is no user.
func (a *admin) recognize(ctx context.Context, user, password, token string) (p people.Person, role people.Role, err error) {
	if token == "" {
		p, err = a.People.SignIn(ctx, user, password)
		return p, "", err
	}
	if !a.bootstraps(token) { // users' tokens are for programs: a session would outlive them
		return people.Person{}, "", people.ErrRefused
	}
	return people.Person{Name: people.Bootstrap, Role: people.Admin}, people.Admin, nil
}

// begin gives the browser a new session.
func (a *admin) begin(w http.ResponseWriter, r *http.Request, e *exchange.Event, name string, role people.Role) (value string, ok bool) {
	ok = a.act(w, r, e, func() (err error) {
		if old := cookie(r); old != "" {
			err = a.People.End(r.Context(), old)
		}
		if err == nil {
			value, err = a.People.Begin(r.Context(), name, role)
		}
		return err
	})
	if ok {
		keep(w, r, value)
	}
	return value, ok
}

// welcome answers a sign-in.
func (a *admin) welcome(w http.ResponseWriter, r *http.Request, p people.Person, value, next string) {
	if isForm(r) {
		done(w, r, next)
		return
	}
	answer(w, http.StatusCreated, session{p.Name, p.Role, people.CSRF(value)})
}

// session is who asks.
type session struct {
	Name string      `json:"name"`
	Role people.Role `json:"role"`
	CSRF string      `json:"csrf,omitempty"`
}

func (a *admin) whoAmI(w http.ResponseWriter, r *http.Request) {
	_, who := gateway.Caller(r.Context())
	s := session{Name: who.Subject, Role: people.Role(who.Roles[len(who.Roles)-1])}
	if who.Kind == bySession {
		s.CSRF = people.CSRF(cookie(r))
	}
	answer(w, http.StatusOK, s)
}

func (a *admin) signOut(w http.ResponseWriter, r *http.Request) {
	var in struct{ All, Next string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	ok := a.act(w, r, concerning(r, exchange.AdminAct, name(r), "signed out"), func() error {
		if in.All == "true" {
			return a.People.EndAll(r.Context(), name(r))
		}
		return a.People.End(r.Context(), cookie(r))
	})
	if ok {
		keep(w, r, "")
		done(w, r, in.Next)
	}
}

// changePassword asks for the old one: who finds an open browser must not take the account.
func (a *admin) changePassword(w http.ResponseWriter, r *http.Request) {
	var in struct{ Old, New, Next string }
	err := read(r, &in)
	if err == nil {
		_, err = a.People.SignIn(r.Context(), name(r), in.Old)
	}
	if errors.Is(err, people.ErrRefused) {
		a.tell(concerning(r, exchange.AdminRefused, name(r), "a change of the password was refused: the old one is wrong"))
	}
	if err != nil {
		failed(w, err)
		return
	}
	ok := a.act(w, r, concerning(r, exchange.AdminAct, name(r), "changed the own password"), func() error {
		return a.People.SetPassword(r.Context(), name(r), in.New)
	})
	if ok {
		keep(w, r, "")
		done(w, r, in.Next)
	}
}
