package admin

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit"
)

func (a *admin) listBans(w http.ResponseWriter, _ *http.Request) {
	result(w, append([]limit.Ban{}, a.Bans()...), nil) // a list, not null
}

func (a *admin) ban(w http.ResponseWriter, r *http.Request) {
	var in struct{ Client, Reason, Lifetime, Next string }
	if err := read(r, &in); err != nil {
		failed(w, err)
		return
	}
	client, err := netip.ParseAddr(in.Client)
	lifetime, _ := time.ParseDuration(in.Lifetime) // its form was judged
	switch {
	case err != nil:
		failed(w, refusal{http.StatusUnprocessableEntity, "admin.value", "this is not acceptable", "a client is an IPv4 or IPv6 address"})
		return
	case lifetime <= 0 || lifetime > limit.LongestBan:
		failed(w, refusal{http.StatusUnprocessableEntity, "admin.value", "this is not acceptable", "a ban lasts longer than nothing and 30 days at most"})
		return
	}
	now := time.Now()
	b := limit.Ban{Client: limit.ClientOf(client), Since: now, Until: now.Add(lifetime), Times: 1, Reason: in.Reason, By: actor(r)}
	e := happening(r, exchange.BanBegan, b.Client.String(), "%s is banned for %s: %s", b.Client, lifetime, b.Reason)
	if !a.act(w, r, e, func() error { return a.decide(r.Context(), b) }) {
		return
	}
	if isForm(r) {
		done(w, r, in.Next)
		return
	}
	answer(w, http.StatusCreated, b)
}

func (a *admin) endBan(w http.ResponseWriter, r *http.Request) {
	client, err := netip.ParseAddr(r.PathValue("client"))
	a.simple(w, r, happening(r, exchange.BanEnded, limit.ClientOf(client).String(), "the ban of %s is ended", r.PathValue("client")), func() error {
		for _, b := range a.Bans() {
			if err == nil && b.Client == limit.ClientOf(client) {
				b.Until, b.Times, b.By = b.Since, 0, actor(r)
				return a.decide(r.Context(), b)
			}
		}
		return refusal{http.StatusNotFound, "admin.unknown_ban", "this client is not banned", ""}
	})
}

// decide writes a ban down and takes it into force here at once; other processes follow.
func (a *admin) decide(ctx context.Context, b limit.Ban) error {
	b.Since, b.Until = b.Since.Truncate(time.Millisecond), b.Until.Truncate(time.Millisecond) // as it is kept
	if err := limit.NewBanList(a.Store).Put(ctx, nil, b); err != nil {
		return err
	}
	a.Ban(b)
	return nil
}
