package admin

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/sallyport/sallyport/admin/oidc"
	"github.com/sallyport/sallyport/admin/people"
	"github.com/sallyport/sallyport/exchange"
)

// signInElsewhere sends a browser to the identity provider.
func (a *admin) signInElsewhere(w http.ResponseWriter, r *http.Request) {
	if a.OIDC == nil {
		problem(w, http.StatusNotFound, "admin.no_oidc", "nobody signs in elsewhere here", "admin.oidc names an identity provider")
		return
	}
	to, cookie, err := a.OIDC.Begin(r.Context(), ours(r.URL.Query().Get("next")))
	if err != nil {
		slog.Error("couldn't send anybody to the identity provider", "error", err)
		problem(w, http.StatusBadGateway, "admin.oidc", "the identity provider does not answer", "the log has the cause")
		return
	}
	take(w, r, cookie)
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// take gives the browser what it is to bring back. It comes from another site then: only a lax cookie is sent along.
func take(w http.ResponseWriter, r *http.Request, value string) {
	c := &http.Cookie{Name: cookieName(r) + "-oidc", Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode, MaxAge: 600}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// comeBack makes a session for whom the identity provider vouches for.
func (a *admin) comeBack(w http.ResponseWriter, r *http.Request) {
	if a.OIDC == nil {
		problem(w, http.StatusNotFound, "admin.no_oidc", "nobody signs in elsewhere here", "admin.oidc names an identity provider")
		return
	}
	cookie := ""
	if brought := r.CookiesNamed(cookieName(r) + "-oidc"); len(brought) == 1 {
		cookie = brought[0].Value
	}
	take(w, r, "") // it is good once
	q := r.URL.Query()
	who, next, err := a.OIDC.Finish(r.Context(), cookie, oidc.Answer{Code: q.Get("code"), State: q.Get("state"), Issuer: q.Get("iss"), Error: q.Get("error")})
	if err != nil {
		slog.Warn("a sign-in at the identity provider was refused", "name", who.Name, "error", err)
		if errors.Is(err, oidc.ErrRefused) {
			a.tell(concerning(r, exchange.AdminRefused, who.Name, "a sign-in at the identity provider was refused"))
			problem(w, http.StatusForbidden, "admin.oidc", "the identity provider's answer lets nobody in", "the log has the cause")
			return
		}
		problem(w, http.StatusBadGateway, "admin.oidc", "the identity provider does not answer", "the log has the cause")
		return
	}
	e := concerning(r, exchange.AdminSignedIn, who.Name, "signed in at the identity provider as %s", who.Role)
	e.Actor = people.Called(who.Name)
	if _, ok := a.begin(w, r, e, who.Name, who.Role); ok {
		again(w, next)
	}
}
