package limit

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/databases"
)

// Whatever holds in SQLite holds in PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }

func banned(client string, since, until time.Time) Ban {
	return Ban{Client: netip.MustParsePrefix(client), Since: since, Until: until, Times: 1, Reason: "tries cards", By: "cli"}
}

// What one process decides the others follow, also when a client is banned again or let in again.
func TestBansAreFollowed(t *testing.T) {
	db := databases.Open(t, t.TempDir())
	here, there, ctx := NewBanList(db), New(Options{}).Bans(), t.Context()
	follower := NewBanList(db)
	now := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	follow := func() {
		t.Helper()
		list, err := follower.Changes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			there.Merge(b)
		}
	}
	put := func(b ...Ban) {
		t.Helper()
		if err := here.Put(ctx, nil, b...); err != nil {
			t.Fatal(err)
		}
	}
	follow()
	put(banned("192.0.2.1/32", now, now.Add(time.Hour)), banned("2001:db8::/64", now, now.Add(time.Hour)))
	follow()
	if list := there.List(); len(list) != 2 || list[0].Reason != "tries cards" || list[0].By != "cli" || !list[0].Until.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", list)
	}
	put(banned("192.0.2.1/32", now.Add(time.Second), now.Add(2*time.Hour)))
	follow()
	if until, _ := there.Until(netip.MustParseAddr("192.0.2.1")); !until.Equal(now.Add(2 * time.Hour)) {
		t.Errorf("banned again: %s", until)
	}
	ended := banned("192.0.2.1/32", now.Add(time.Second), now.Add(time.Second))
	put(ended)
	follow()
	if _, is := there.Until(netip.MustParseAddr("192.0.2.1")); is {
		t.Error("the end was not followed")
	}
	there.Merge(banned("192.0.2.1/32", now, now.Add(time.Hour))) // comes late
	if _, is := there.Until(netip.MustParseAddr("192.0.2.1")); is {
		t.Error("an earlier decision took the place of a later one")
	}
	if list, err := here.Active(ctx, time.Now()); err != nil || len(list) != 1 || list[0].Client.String() != "2001:db8::/64" {
		t.Errorf("%+v %v", list, err)
	}
	if err := here.Sweep(ctx, now.Add(26*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if list, err := NewBanList(db).Changes(ctx); err != nil || len(list) != 0 {
		t.Errorf("after a day: %+v %v", list, err)
	}
}

// A ban of which nobody can be told is none.
func TestBanAndEventTogether(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	l, now, e := NewBanList(s), time.Now(), exchange.NewEvent(exchange.BanBegan, "banned")
	if err := l.Put(t.Context(), e, banned("192.0.2.1/32", now, now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := l.Put(t.Context(), e, banned("192.0.2.2/32", now, now.Add(time.Hour))); err == nil { // the event is there already
		t.Error("an event that cannot be announced")
	}
	if list, err := l.Active(t.Context(), now); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}

// The real nft accepts what is written for it.
func TestFeeds(t *testing.T) {
	now := time.Now()
	bans := []Ban{banned("192.0.2.1/32", now, now.Add(time.Hour)), banned("2001:db8::/64", now, now.Add(90*time.Second)), banned("192.0.2.2/32", now, now)}
	var text, nft bytes.Buffer
	if err := errors.Join(WriteBans(&text, bans[:2]), WriteNft(&nft, bans, now)); err != nil {
		t.Fatal(err)
	}
	if text.String() != "192.0.2.1/32\n2001:db8::/64\n" {
		t.Errorf("%q", text.String())
	}
	if s := nft.String(); !strings.Contains(s, "banned4 { 192.0.2.1 timeout 3600s }") || !strings.Contains(s, "banned6 { 2001:db8::/64 timeout 90s }") || strings.Contains(s, "192.0.2.2") {
		t.Error(s)
	}
	file := filepath.Join(t.TempDir(), "bans.nft")
	if err := os.WriteFile(file, nft.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("without nft (apt-get install nftables) nobody reads the feed")
	}
	if out, err := exec.Command(program, "--check", "--file", file).CombinedOutput(); err != nil && !strings.Contains(string(out), "Operation not permitted") && !strings.Contains(string(out), "cache initialization failed") {
		t.Errorf("%v: %s\n%s", err, out, nft.String())
	}
}
