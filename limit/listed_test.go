package limit

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/list"
)

// lists are made of the text of a list that denies and one that allows.
func lists(t *testing.T, deny, allow string) *list.Set {
	t.Helper()
	var all []config.List
	for action, text := range map[config.ListAction]string{config.ListDeny: deny, config.ListAllow: allow} {
		file := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, config.List{Name: string(action), File: file, Action: action})
	}
	s, err := list.Open(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Allowed is who may not be banned and is let in though he is; his budget of refusals is that of everybody.
func TestAllowedIsNotBanned(t *testing.T) {
	l := New(Options{})
	l.Apply(config.Abuse{Bans: config.Bans{After: 2}})
	l.UseLists(lists(t, "", "192.0.2.1 # ours"))
	r := rulesOf(t, l, config.API{Refusals: &config.Rate{Limit: 2, Per: per(time.Hour)}})
	for i := range 20 {
		code := comes(t, r, "192.0.2.1", exchange.NotOwner)
		if want := map[bool]string{false: "", true: "limit.admit"}[i >= 2]; code != want {
			t.Fatalf("the %d. time: %q, want %q", i, code, want)
		}
	}
	if list := l.Bans().List(); len(list) > 0 {
		t.Errorf("banned: %v", list)
	}
	for _, a := range []string{"192.0.2.1", "192.0.2.3"} {
		l.Bans().Impose(netip.MustParseAddr(a), time.Now().Add(time.Hour), "by hand", "cli")
		if _, banned := l.Banned(netip.MustParseAddr(a)); banned != (a == "192.0.2.3") {
			t.Errorf("%s: banned %v", a, banned)
		}
	}
}

// Who is on a list pays nothing for it: a list that shrinks lets in at once.
func TestListedIsNotCharged(t *testing.T) {
	l := New(Options{})
	l.UseLists(lists(t, "2001:db8::/32 # test", ""))
	r := rulesOf(t, l, config.API{Refusals: &config.Rate{Limit: 1, Per: per(time.Hour)}})
	for range 5 {
		if code := comes(t, r, "2001:db8::7", exchange.NotOwner); code != "limit.listed" {
			t.Fatal(code)
		}
	}
	l.UseLists(nil)
	if code := comes(t, r, "2001:db8::7", exchange.NotOwner); code != "" {
		t.Error(code)
	}
}
