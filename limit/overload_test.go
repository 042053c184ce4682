package limit

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
)

func bodyOf(t *testing.T, n int) *content.Body {
	t.Helper()
	b, err := content.New(make([]byte, n), content.Header{ContentType: []string{"application/octet-stream"}}, content.Limits{Bytes: int64(n)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// While work waits, strangers are bounded, but never below what is always let in; whoever is known is not.
func TestStrangersAreBoundedWhileWorkWaits(t *testing.T) {
	l := New(Options{})
	l.Apply(config.Abuse{Overload: config.Overload{Strangers: 10}})
	r := rulesOf(t, l, config.API{Concurrency: config.Concurrency{Total: -1, Client: -1}})
	door := []exchange.Guard{r.Admit()}
	s := l.abuse.Load().shedding
	enter := func(addr string) (string, *exchange.Exchange) {
		e := from(addr, "")
		code, v := ask(t, door, e)
		e.Verdict = v
		return code, e
	}
	var inside []*exchange.Exchange
	for range 100 {
		code, e := enter("192.0.2.1")
		if code != "" {
			t.Fatal(code)
		}
		inside = append(inside, e)
	}
	for i, want := range []int64{80, 64, 51, 40, 32, 25, 20, 16, 12, 10, 10} {
		l.overload.settle(time.Second, s)
		if got := l.overload.limit.Load(); got != want {
			t.Errorf("after %d moments: %d, want %d", i, got, want)
		}
	}
	if code, _ := enter("192.0.2.1"); code != "limit.overload" {
		t.Errorf("a stranger: %q", code)
	}
	known := from("198.51.100.1", "alice")
	known.Verdict = exchange.Pass
	r.Charge(known, 200)
	if code, e := enter("198.51.100.1"); code != "" {
		t.Errorf("a client that was authenticated: %q", code)
	} else {
		r.Release(e)
	}
	for _, e := range inside {
		r.Release(e)
		r.Release(e)
	}
	if n := l.overload.strangers.Load(); n != 0 {
		t.Errorf("%d places are lost", n)
	}
	for range 3 {
		l.overload.settle(0, s)
	}
	if got := l.overload.limit.Load(); got != noBound {
		t.Errorf("after the overload: %d", got)
	}
	if l.Load().Shed != 1 {
		t.Errorf("%+v", l.Load())
	}
}

// Nobody is known for having been refused, nor without a principal.
func TestWhoIsKnown(t *testing.T) {
	l := New(Options{})
	r := rulesOf(t, l, config.API{})
	for _, c := range []struct {
		subject string
		verdict exchange.Verdict
	}{{"", exchange.Pass}, {"alice", exchange.Refuse(exchange.NotOwner, "")}} {
		e := from("192.0.2.1", c.subject)
		e.Verdict = c.verdict
		r.Charge(e, 200)
		if !l.stranger(e.Client.Addr) {
			t.Errorf("%+v made a client known", c)
		}
	}
}

// What an address is to the line follows its last request: who is answered once and refused then is no longer served, and the other way round.
func TestStanding(t *testing.T) {
	l := New(Options{})
	r := rulesOf(t, l, config.API{})
	for _, c := range []struct {
		subject               string
		verdict               exchange.Verdict
		status                int
		known, served, refuse bool
	}{
		{"", exchange.Refuse(exchange.RateExceeded, ""), 429, false, false, false}, // who retries too fast was not refused
		{"", exchange.Pass, 404, false, false, false},                              // nor served
		{"", exchange.Pass, 200, false, true, false},
		{"", exchange.Refuse(exchange.NotOwner, ""), 403, false, false, true},
		{"", exchange.Pass, 200, false, true, false},
		{"alice", exchange.Pass, 200, true, false, false},
		{"", exchange.Refuse(exchange.NotOwner, ""), 403, true, false, false}, // others may sit at the same address
	} {
		e := from("192.0.2.1", c.subject)
		e.Verdict = c.verdict
		r.Charge(e, c.status)
		if known, served, refused := l.Standing(e.Client.Addr); known != c.known || served != c.served || refused != c.refuse {
			t.Errorf("after %+v: %v, %v, %v", c, known, served, refused)
		}
	}
}

func TestOverloadOff(t *testing.T) {
	var o overload
	s := newShedding(config.Overload{Strangers: -1})
	o.limit.Store(noBound)
	o.settle(time.Hour, s)
	for range 10_000 {
		if !o.enter(s) {
			t.Fatal("refused although it is off")
		}
	}
}

// What the line asks about whatever is read from a client.
func BenchmarkStanding(b *testing.B) {
	l := New(Options{Secret: []byte("secret")})
	e := from("192.0.2.1", "")
	b.ReportAllocs()
	for b.Loop() {
		l.Standing(e.Client.Addr)
	}
}
