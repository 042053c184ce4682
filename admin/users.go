package admin

import (
	"net/http"
	"time"

	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/exchange"
)

func (a *admin) listUsers(w http.ResponseWriter, r *http.Request) {
	list, err := a.People.List(r.Context())
	result(w, list, err)
}

func (a *admin) addUser(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name, Password, Next string
		Role                 people.Role
	}
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	e := concerning(r, exchange.AdminAct, in.Name, "added a user as %s", in.Role)
	if a.act(w, r, e, func() error { return a.People.Add(r.Context(), in.Name, in.Role, in.Password) }) {
		done(w, r, in.Next)
	}
}

func (a *admin) setRole(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Role people.Role
		Next string
	}
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	user := r.PathValue("name")
	e := concerning(r, exchange.AdminAct, user, "made a user %s", in.Role)
	if a.act(w, r, e, func() error { return a.People.SetRole(r.Context(), user, in.Role) }) {
		done(w, r, in.Next)
	}
}

func (a *admin) setPassword(w http.ResponseWriter, r *http.Request) {
	var in struct{ Password, Next string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	user := r.PathValue("name")
	e := concerning(r, exchange.AdminAct, user, "set the password of a user")
	if a.act(w, r, e, func() error { return a.People.SetPassword(r.Context(), user, in.Password) }) {
		done(w, r, in.Next)
	}
}

func (a *admin) endSessions(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("name")
	a.simple(w, r, concerning(r, exchange.AdminAct, user, "ended the sessions of a user"), func() error { return a.People.EndAll(r.Context(), user) })
}

func (a *admin) removeUser(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("name")
	a.simple(w, r, concerning(r, exchange.AdminAct, user, "removed a user"), func() error { return a.People.Remove(r.Context(), user) })
}

// simple is an act that takes nothing but its target.
func (a *admin) simple(w http.ResponseWriter, r *http.Request, e *exchange.Event, do func() error) {
	var in struct{ Next string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	if a.act(w, r, e, do) {
		done(w, r, in.Next)
	}
}

func (a *admin) listTokens(w http.ResponseWriter, r *http.Request) {
	list, err := a.People.Tokens(r.Context(), name(r))
	result(w, list, err)
}

// createToken answers a form too with the token: it is shown this once.
func (a *admin) createToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Role            people.Role
		Lifetime, Label string
	}
	err := read(r, &in)
	lifetime, durationErr := time.ParseDuration(in.Lifetime)
	if err == nil {
		err = durationErr
	}
	if err != nil {
		failed(w, err)
		return
	}
	var made struct {
		people.Token
		Secret string `json:"token"`
	}
	e := concerning(r, exchange.AdminAct, name(r), "made a token with the role %s for %s", in.Role, in.Lifetime)
	ok := a.act(w, r, e, func() (err error) {
		made.Secret, made.Token, err = a.People.NewToken(r.Context(), name(r), in.Role, in.Label, lifetime)
		return err
	})
	if ok {
		answer(w, http.StatusCreated, made)
	}
}

func (a *admin) revokeToken(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a.simple(w, r, happening(r, exchange.AdminAct, id, "revoked a token"), func() error { return a.People.Revoke(r.Context(), name(r), id) })
}
