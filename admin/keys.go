package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/identity"
)

func (a *admin) listKeys(w http.ResponseWriter, r *http.Request) {
	list, err := identity.ListKeys(r.Context(), a.Store)
	if list == nil {
		list = []identity.StoredKey{} // not null
	}
	result(w, list, err)
}

// newKey is a key that is shown this once.
type newKey struct {
	identity.StoredKey
	Key string `json:"key"`
}

// createKey answers a form, too, with the key.
func (a *admin) createKey(w http.ResponseWriter, r *http.Request) {
	var in struct{ Subject, Identity, Tenant, Plan, Roles, Scopes, Lifetime string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	n := identity.NewKey{Identity: in.Identity, Subject: in.Subject, Tenant: in.Tenant, Plan: in.Plan, Roles: strings.Fields(in.Roles), Scopes: strings.Fields(in.Scopes)}
	if lifetime, err := time.ParseDuration(in.Lifetime); err == nil { // the schema allows no other; none is for ever
		n.Expires = time.Now().Add(lifetime)
	}
	e := happening(r, exchange.KeyCreated, "", "created an API key")
	e.Subject = in.Subject
	a.makeKey(w, r, e, func() (k newKey, err error) {
		k.Key, k.StoredKey, err = identity.CreateKey(r.Context(), a.Store, n)
		return k, err
	})
}

func (a *admin) rotateKey(w http.ResponseWriter, r *http.Request) {
	var in struct{ Grace string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	grace, err := time.ParseDuration(in.Grace)
	if err != nil {
		grace = 0 // the schema allows no other; the old key ends at once
	}
	a.makeKey(w, r, happening(r, exchange.KeyRotated, r.PathValue("id"), "rotated an API key; the old one ends after %s", grace), func() (k newKey, err error) {
		k.Key, k.StoredKey, err = identity.RotateKey(r.Context(), a.Store, r.PathValue("id"), grace)
		return k, err
	})
}

func (a *admin) makeKey(w http.ResponseWriter, r *http.Request, e *exchange.Event, do func() (newKey, error)) {
	var made newKey
	ok := a.act(w, r, e, func() (err error) {
		if made, err = do(); err != nil {
			return keyError(err)
		}
		return nil
	})
	if ok {
		answer(w, http.StatusCreated, made)
	}
}

func (a *admin) revokeKey(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a.simple(w, r, happening(r, exchange.KeyRevoked, id, "revoked an API key"), func() error {
		if err := identity.RevokeKey(r.Context(), a.Store, id); err != nil {
			return keyError(err)
		}
		return nil
	})
}

// keyError tells the operator of keys that do not exist or cannot be made; the store's troubles are for the log.
func keyError(err error) error {
	switch {
	case errors.Is(err, identity.ErrNoSuchKey):
		return refusal{http.StatusNotFound, "admin.unknown_key", "there is no such key", ""}
	case errors.As(err, new(identity.KeyError)):
		return refusal{http.StatusUnprocessableEntity, "admin.key", "this key cannot be made", err.Error()}
	}
	return err
}
