package limit

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// comes is one exchange at the door, refused for a reason where the door lets it in; it returns what the door says.
func comes(t *testing.T, r *Rules, addr string, reason *exchange.Reason) string {
	t.Helper()
	e := from(addr, "")
	code, v := ask(t, []exchange.Guard{r.Admit()}, e)
	if e.Verdict = v; code == "" {
		e.Verdict = exchange.Refuse(reason, "")
	}
	r.Charge(e, e.Verdict.Reason.Status)
	r.Release(e)
	return code
}

func TestBansEscalate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		l.Apply(config.Abuse{Bans: config.Bans{After: 5, First: per(time.Minute), Longest: per(3 * time.Minute)}})
		r := rulesOf(t, l, config.API{Refusals: &config.Rate{Limit: 2, Per: per(time.Hour)}})
		var told []Ban
		l.Bans().Tell(func(b Ban) { told = append(told, b) })
		until := func(code string) (n int) {
			for range 100 {
				if comes(t, r, "192.0.2.1", exchange.NotOwner) == code {
					return n
				}
				n++
			}
			t.Fatal("never " + code)
			return 0
		}
		if n := until("limit.banned"); n != 2+5+1 { // two refusals, five times turned away, and once too often
			t.Errorf("banned after %d", n)
		}
		if code := comes(t, r, "192.0.2.2", exchange.NotOwner); code != "" {
			t.Errorf("the neighbour: %s", code)
		}
		for times, long := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
			if times > 0 {
				until("limit.banned")
			}
			b := told[len(told)-1]
			if len(told) != times+1 || b.Until.Sub(b.Since) != long || b.Times != times+1 || b.Client.String() != "192.0.2.1/32" {
				t.Fatalf("%d: %+v", times, told)
			}
			time.Sleep(long)
			if code := comes(t, r, "192.0.2.1", exchange.NotOwner); code == "limit.banned" {
				t.Fatalf("%d: its time is over", times)
			}
			time.Sleep(2 * time.Minute) // longer than the count of being turned away lasts, shorter than a ban is remembered
		}
		time.Sleep(25 * time.Hour)
		until("limit.banned")
		if b := told[len(told)-1]; b.Until.Sub(b.Since) != 3*time.Minute {
			// it is remembered until somebody looks; see sweep
			t.Errorf("%+v", b)
		}
		time.Sleep(25 * time.Hour)
		l.Bans().Impose(netip.MustParseAddr("192.0.2.3"), time.Now().Add(time.Hour), "", "")
		until("limit.banned")
		if b := told[len(told)-1]; b.Times != 1 || b.Until.Sub(b.Since) != time.Minute {
			t.Errorf("after a day: %+v", b)
		}
	})
}

// Who keeps off for as long as it is told is never banned, however often it is refused; and nobody is for what limits say themselves.
func TestPatientClientsAreNotBanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		l.Apply(config.Abuse{Bans: config.Bans{After: 5}})
		r := rulesOf(t, l, config.API{Refusals: &config.Rate{Limit: 2, Per: per(time.Minute)}})
		for range 1000 {
			if comes(t, r, "192.0.2.1", exchange.BodyInvalid) == "limit.admit" {
				time.Sleep(30 * time.Second)
			}
			comes(t, r, "192.0.2.2", exchange.RateExceeded)
			comes(t, r, "192.0.2.2", exchange.Concurrency)
		}
		if list := l.Bans().List(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestWhoIsNotBanned(t *testing.T) {
	for addr, c := range map[string]config.Bans{"127.0.0.1": {After: 1}, "::1": {After: 1}, "192.0.2.1": {After: -1}} {
		l := New(Options{})
		l.Apply(config.Abuse{Bans: c})
		r := rulesOf(t, l, config.API{Refusals: &config.Rate{Limit: 1, Per: per(time.Hour)}})
		for range 1000 {
			if code := comes(t, r, addr, exchange.NotOwner); code == "limit.banned" {
				t.Fatalf("%s with %+v", addr, c)
			}
		}
	}
}

// A ban is of a whole subscriber: of IPv6 a /64.
func TestBansByHand(t *testing.T) {
	b := newBans(time.Now)
	for _, addr := range []string{"2001:db8::1", "::ffff:192.0.2.1"} {
		if _, ok := b.Impose(netip.MustParseAddr(addr), time.Now().Add(time.Hour), "tries cards", "admin:alice"); !ok {
			t.Fatal(addr)
		}
	}
	for addr, want := range map[string]bool{"2001:db8::ffff": true, "2001:db8:0:1::1": false, "192.0.2.1": true, "192.0.2.2": false} {
		if _, got := b.Until(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if list := b.List(); len(list) != 2 || list[0].By != "admin:alice" || list[0].Reason != "tries cards" {
		t.Errorf("%+v", list)
	}
	if !b.Lift(netip.MustParseAddr("2001:db8::5"), "admin:alice") || b.Lift(netip.MustParseAddr("2001:db8::5"), "") || len(b.List()) != 1 {
		t.Error("not lifted once")
	}
}

// However many addresses come, bans have a bound, and those in force stay.
func TestBansAreBounded(t *testing.T) {
	b := newBans(time.Now)
	until := time.Now().Add(time.Hour)
	for i := range maxBans + 10 {
		b.Impose(netip.MustParseAddr(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)), until, "", "")
	}
	if n := len(b.List()); n != maxBans || b.Refused() != 10 {
		t.Errorf("%d bans, %d refused", n, b.Refused())
	}
	if _, ok := b.Until(netip.MustParseAddr("10.0.0.0")); !ok {
		t.Error("the first is gone")
	}
	if _, ok := b.Impose(netip.MustParseAddr("10.0.0.0"), until, "again", ""); !ok {
		t.Error("one that is there already cannot be changed")
	}
}

// What a refusal costs depends on what it made us do, and one mistake shuts nobody out.
func TestRefusalsCostWhatTheyCause(t *testing.T) {
	for _, c := range []struct {
		reason *exchange.Reason
		body   int
		want   int64
	}{
		{exchange.UnknownOperation, 0, 1}, {exchange.TokenSignature, 0, 2}, {exchange.BodyInvalid, 100, 1},
		{exchange.BodyInvalid, 4 << 10, 5}, {exchange.BodyInvalid, 1 << 20, 10},
	} {
		e := from("192.0.2.1", "")
		e.Verdict = exchange.Refuse(c.reason, "")
		if c.body > 0 {
			e.Body = bodyOf(t, c.body)
		}
		if got := work(e); got != c.want {
			t.Errorf("%s with %d bytes: %d, want %d", c.reason.Code, c.body, got, c.want)
		}
	}
}
