package admin

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/limit"
)

// A ban that people impose holds here at once, is kept for the others, says who did it, and can be ended.
func TestBans(t *testing.T) {
	s := newStand(t)
	var made limit.Ban
	w := s.send("/api/v1/bans", body("client", "2001:db8::7", "reason", "tries cards", "lifetime", "2h"))
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 201 || made.Client.String() != "2001:db8::/64" || made.By != "admin:bootstrap" || made.Until.Sub(made.Since) != 2*time.Hour {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if _, is := s.bans.Until(netip.MustParseAddr("2001:db8::ffff")); !is {
		t.Error("it does not hold here")
	}
	others := limit.New(limit.Options{Keys: 1}).Bans()
	follow := limit.NewBanList(s.store)
	merge := func() {
		list, err := follow.Changes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			others.Merge(b)
		}
	}
	if merge(); len(others.List()) != 1 || others.List()[0].Reason != "tries cards" {
		t.Errorf("another process has %+v", others.List())
	}
	if w := s.asOperator("GET", "/api/v1/bans"); w.Code != 200 || strings.Count(w.Body.String(), `"client":"2001:db8::/64"`) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.send("/api/v1/bans/2001:db8::9/end", ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if merge(); len(s.bans.List()) != 0 || len(others.List()) != 0 {
		t.Error("it has not ended")
	}
	if w := s.send("/api/v1/bans/2001:db8::9/end", ""); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, wrong := range []string{body("client", "everybody", "reason", "x", "lifetime", "1h"), body("client", "192.0.2.0/24", "reason", "x", "lifetime", "1h"), body("client", "192.0.2.1", "reason", "x", "lifetime", "721h")} {
		if w := s.send("/api/v1/bans", wrong); w.Code != 422 || !strings.Contains(w.Body.String(), "admin.value") {
			t.Errorf("%s: %d %s", wrong, w.Code, w.Body)
		}
	}
	if w := s.send("/api/v1/bans", body("client", "192.0.2.1", "lifetime", "1h")); w.Code != 400 {
		t.Errorf("without a reason: %d %s", w.Code, w.Body)
	}
	if len(s.bans.List()) != 0 {
		t.Errorf("%+v", s.bans.List())
	}
	want := []string{"ban.began admin:bootstrap 2001:db8::/64", "ban.ended admin:bootstrap 2001:db8::/64", "ban.ended admin:bootstrap 2001:db8::/64", "admin.refused admin:bootstrap 2001:db8::/64"}
	if got := s.events(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
