package limit

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/bot"
)

// visitor is an exchange of a client that says this of itself.
func visitor(addr, agent string) *exchange.Exchange {
	e := from(addr, "")
	e.Client.Peer = e.Client.Addr
	e.Request = &http.Request{Method: http.MethodGet, Header: http.Header{"User-Agent": {agent}}}
	return e
}

// judged asks both guards, as the loop does.
func judged(t testing.TB, r *Rules, e *exchange.Exchange) (string, exchange.Verdict) {
	t.Helper()
	return ask(t, r.Bots([]string{"Authorization", "X-Api-Key"}, nil), e)
}

func TestActionsOfRatings(t *testing.T) {
	strict := config.Bots{Suspected: config.BotDeny, Hostile: config.BotTarpit}
	for _, c := range []struct {
		name   string
		bots   config.Bots
		change func(*exchange.Exchange)
		code   string
		rating exchange.Rating
	}{
		{"a program", strict, func(*exchange.Exchange) {}, "limit.bot", exchange.Suspected},
		{"nothing is refused out of the box", config.Bots{}, func(e *exchange.Exchange) { e.Request.Header.Set("User-Agent", "sqlmap") }, "", exchange.Hostile},
		{"with a credential", strict, func(e *exchange.Exchange) {
			e.Request.Header.Set("X-Api-Key", "good")
			e.Principal = &exchange.Principal{Subject: "acme"}
		}, "", exchange.Verified},
		{"with one that nobody looks at", strict, func(e *exchange.Exchange) { e.Request.Header.Set("Authorization", "Bearer made-up") }, "limit.bot", exchange.Suspected},
		{"in a field that is none of ours", strict, func(e *exchange.Exchange) { e.Request.Header.Set("X-Key", "x") }, "limit.bot", exchange.Suspected},
		{"with a certificate that nobody looks at", strict, func(e *exchange.Exchange) {
			e.Request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
		}, "limit.bot", exchange.Suspected},
		{"an agent that proved it", strict, func(e *exchange.Exchange) { e.Agent = &exchange.Agent{Name: "GPTBot", How: "signature"} }, "", exchange.Verified},
		{"callers are rated too", config.Bots{Suspected: config.BotDeny, Authenticated: true}, func(e *exchange.Exchange) { e.Principal = &exchange.Principal{} }, "limit.bot", exchange.Suspected},
		{"a data centre", config.Bots{Suspected: config.BotDeny, Hosting: []string{"deny"}}, func(e *exchange.Exchange) {
			e.Request.Header.Set("User-Agent", "Mozilla/5.0 (X11) Gecko/20100101 Firefox/128.0")
			e.Request.Header.Set("Accept-Language", "en")
		}, "limit.bot", exchange.Suspected},
	} {
		l := New(Options{})
		l.UseLists(lists(t, "192.0.2.0/24 # rented", ""))
		r := rulesOf(t, l, config.API{Bots: c.bots})
		e := visitor("192.0.2.1", "curl/8")
		c.change(e)
		code, v := judged(t, r, e)
		if code != c.code || e.Bot.Rating != c.rating || c.code != "" && (v.Detail == "" || !strings.Contains(v.Setting, "bots."+string(c.rating))) {
			t.Errorf("%s: %q, %+v, %+v", c.name, code, e.Bot, v)
		}
	}
}

// Behind a proxy handshake and order are the proxy's, and say nothing of the client.
func TestProxiesAreNotRated(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{})
	e := visitor("192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36")
	for _, name := range []string{"Accept-Language", "Accept-Encoding", "Sec-Fetch-Mode", "Sec-Ch-Ua"} {
		e.Request.Header.Set(name, "x")
	}
	e.Client.TLS, e.Client.JA4, e.Client.Order = true, "t13d1312h1_x", exchange.Small
	for peer, want := range map[string]exchange.Rating{"10.0.0.1": exchange.LikelyHuman, "192.0.2.1": exchange.Suspected} {
		e.Bot, e.Client.Peer = exchange.Bot{}, netip.MustParseAddr(peer)
		if judged(t, r, e); e.Bot.Rating != want {
			t.Errorf("%s: %+v %v", peer, e.Bot, bot.Reasons(e.Bot.Marks))
		}
	}
}

// What a client did without a credential is held against it, and what somebody else, or a known caller, did is not.
func TestDeedsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		r := rulesOf(t, l, config.API{})
		visit := func(addr string, principal *exchange.Principal, reason *exchange.Reason, path string) exchange.Bot {
			e := visitor(addr, "curl/8")
			e.Principal, e.Target.Path = principal, path
			judged(t, r, e)
			status := http.StatusOK
			if reason != nil {
				e.Verdict, status = exchange.Refuse(reason, ""), reason.Status
			}
			r.Charge(e, status)
			r.Release(e)
			time.Sleep(time.Millisecond)
			return e.Bot
		}
		for i := range 60 {
			visit("192.0.2.1", nil, exchange.UnknownOperation, "/"+strings.Repeat("x", i))
			visit("192.0.2.2", &exchange.Principal{Subject: "a"}, exchange.UnknownOperation, "/"+strings.Repeat("x", i))
			visit("192.0.2.3", nil, exchange.RateExceeded, "/x")
			visit("192.0.2.4", nil, exchange.Attack, "/x")
		}
		for addr, want := range map[string]string{"192.0.2.1": "program failing searching enumerating", "192.0.2.2": "program", "192.0.2.3": "program", "192.0.2.4": "program failing attacking"} {
			if b := visit(addr, nil, nil, "/x"); strings.Join(bot.Words(b.Marks), " ") != want {
				t.Errorf("%s: %v, want %s", addr, bot.Words(b.Marks), want)
			}
		}
		time.Sleep(20 * time.Minute)
		if b := visit("192.0.2.1", nil, nil, "/x"); b.Marks != uint32(bot.Program) {
			t.Errorf("after twenty minutes: %v", bot.Words(b.Marks))
		}
	})
}

// A rate for those who have the action, and for nobody else.
func TestBotsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rulesOf(t, New(Options{}), config.API{Bots: config.Bots{Suspected: config.BotLimit, Limit: &config.Rate{Limit: 2}}})
		for i := range 4 {
			code, v := judged(t, r, visitor("192.0.2.1", "curl/8"))
			if refused := i >= 2; refused != (code == "limit.rate") || refused && v.Retry == 0 {
				t.Errorf("the %d. time: %q", i, code)
			}
		}
		if code, _ := judged(t, r, visitor("192.0.2.2", "curl/8")); code != "" {
			t.Error(code)
		}
	})
}

// BenchmarkBot is what a browser pays: features, what it did, rating and action; and what remembers it at the end.
func BenchmarkBot(b *testing.B) {
	l := New(Options{})
	r := rulesOf(b, l, config.API{})
	guards := r.Bots([]string{"Authorization", "X-Api-Key"}, nil)
	e := visitor("192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36")
	for _, name := range []string{"Accept-Language", "Accept-Encoding", "Sec-Fetch-Mode", "Sec-Ch-Ua"} {
		e.Request.Header.Set(name, "x")
	}
	e.Client.TLS, e.Client.JA4, e.Client.Grease, e.Request.ProtoMajor = true, "t13d1516h2_8daaf6152771_e5627efa2ab1", true, 2
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		e.Bot = exchange.Bot{}
		for _, g := range guards {
			if v, err := g.Check(ctx, e); !v.Passed() || err != nil {
				b.Fatal(v, err)
			}
		}
		r.bots.remember(e, 200)
	}
}

// Who brings no credential is refused at the door, before anything is looked up; who brings one is not yet.
func TestStrangersAreRefusedAtTheDoor(t *testing.T) {
	r := rulesOf(t, New(Options{}), config.API{Bots: config.Bots{Suspected: config.BotDeny}})
	door := r.Bots([]string{"Authorization"}, nil)[:1]
	if code, _ := ask(t, door, visitor("192.0.2.1", "curl/8")); code != "limit.bot" {
		t.Errorf("without: %q", code)
	}
	e := visitor("192.0.2.1", "curl/8")
	e.Request.Header.Set("Authorization", "Bearer x")
	if code, _ := ask(t, door, e); code != "" {
		t.Errorf("with one: %q", code)
	}
}
