package agent

import (
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A zone is what a DNS server on a socket of its own says: PTR records by address, A and AAAA records by name.
type zone struct {
	address string
	asked   atomic.Int64
	mu      sync.Mutex
	names   map[string][]string
	hosts   map[string][]string
	failing bool
	silent  bool
}

func serveDNS(t testing.TB) *zone {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{address: conn.LocalAddr().String(), names: map[string][]string{}, hosts: map[string][]string{}}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for buffer := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := z.answer(buffer[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return z
}

func (z *zone) set(change func()) {
	z.mu.Lock()
	defer z.mu.Unlock()
	change()
}

func (z *zone) say(names, hosts map[string][]string) {
	z.set(func() { z.names, z.hosts = names, hosts })
}

func (z *zone) answer(query []byte) []byte {
	z.asked.Add(1)
	z.mu.Lock()
	defer z.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 || z.silent {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	q := m.Questions[0]
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
	known := false
	switch q.Type {
	case dnsmessage.TypePTR:
		for a, names := range z.names {
			if reverse(netip.MustParseAddr(a)) != q.Name.String() {
				continue
			}
			known = true
			for _, n := range names {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(n)}})
			}
		}
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		list, found := z.hosts[strings.ToLower(q.Name.String())]
		known = found
		for _, text := range list {
			switch a := netip.MustParseAddr(text); {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	if z.failing {
		m.RCode, m.Answers = dnsmessage.RCodeServerFailure, nil
	}
	answer, _ := m.Pack()
	return answer
}

func reverse(a netip.Addr) string {
	if a.Is4() {
		b := a.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa.", b[3], b[2], b[1], b[0])
	}
	var s strings.Builder
	b := a.As16()
	for i := 15; i >= 0; i-- {
		fmt.Fprintf(&s, "%x.%x.", b[i]&15, b[i]>>4)
	}
	return s.String() + "ip6.arpa."
}

func crawlers(z *zone) config.Agents {
	return config.Agents{Resolver: z.address, Crawlers: []config.Crawler{
		{Name: "Google", Domains: []string{"googlebot.com", "Google.com."}, Agent: "Googlebot"}, {Name: "bingbot", Domains: []string{"search.msn.com"}}}}
}

// visit is a request from an address, by one who says what it is.
func visit(t testing.TB, a *Agents, from, says string) string {
	t.Helper()
	e := &exchange.Exchange{Request: httptest.NewRequest("GET", "/", nil), Client: exchange.Client{Addr: netip.MustParseAddr(from)}}
	e.Request.Header.Set("User-Agent", says)
	if note := ask(t, a, e); note != "" {
		t.Error(note)
	}
	if e.Agent == nil {
		return ""
	}
	return e.Agent.Name + " by " + e.Agent.How
}

// settled waits until every look-up that began has ended.
func settled(t testing.TB, n *names) {
	t.Helper()
	until(t, "look-ups end", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return len(n.flying) == 0 })
}

const googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

func TestCrawlers(t *testing.T) {
	z := serveDNS(t)
	names := map[string][]string{
		"192.0.2.1": {"Crawl-1.Googlebot.COM."}, "2001:db8::1": {"crawl-6.google.com."}, "192.0.2.2": {"msnbot.search.msn.com."}, "192.0.2.3": {"other.example.", "crawl-3.googlebot.com."},
		"203.0.113.1": {"crawl-1.googlebot.com."},   // any name for an address of one's own, but not the way back
		"203.0.113.2": {"evilgooglebot.com."},       // ends alike
		"203.0.113.3": {"googlebot.com.evil.test."}, // begins alike
		"203.0.113.4": {"nowhere.googlebot.com."},   // does not exist
		"203.0.113.6": {"crawl-mix.googlebot.com."}, // leads to another one
		"203.0.113.7": {strings.Repeat("a.", 20)[:40] + "example."},
		"203.0.113.8": {"a.test.", "b.test.", "c.test.", "d.test.", "e.test.", "f.test.", "g.test.", "h.test.", "crawl-8.googlebot.com."}, // too many to be looked at
	}
	hosts := map[string][]string{
		"crawl-1.googlebot.com.": {"192.0.2.1"}, "crawl-6.google.com.": {"2001:db8::1"}, "msnbot.search.msn.com.": {"192.0.2.9", "192.0.2.2"}, "crawl-3.googlebot.com.": {"192.0.2.3"},
		"evilgooglebot.com.": {"203.0.113.2"}, "googlebot.com.evil.test.": {"203.0.113.3"}, "crawl-mix.googlebot.com.": {"203.0.113.60"}, "crawl-8.googlebot.com.": {"203.0.113.8"},
	}
	z.say(names, hosts)
	a := agents(t, NewMemory(Options{}), crawlers(z))
	if visit(t, a, "192.0.2.1", googlebot); z.asked.Load() != 0 {
		t.Error("a config that does not serve asks")
	}
	a.Start(t.Context())
	for _, c := range []struct{ from, says, want string }{
		{"192.0.2.1", googlebot, "Google by dns"}, {"::ffff:192.0.2.1", googlebot, "Google by dns"}, {"2001:db8::1", googlebot, "Google by dns"},
		{"192.0.2.2", "bingbot/2.0", "bingbot by dns"}, {"192.0.2.3", googlebot, "Google by dns"},
		{"192.0.2.2", googlebot, ""}, {"192.0.2.1", "curl/8", ""},
		{"203.0.113.1", googlebot, ""}, {"203.0.113.2", googlebot, ""}, {"203.0.113.3", googlebot, ""}, {"203.0.113.4", googlebot, ""}, {"203.0.113.5", googlebot, ""},
		{"203.0.113.6", googlebot, ""}, {"203.0.113.7", googlebot, ""}, {"203.0.113.8", googlebot, ""},
	} {
		visit(t, a, c.from, c.says)
		settled(t, a.names)
		if got := visit(t, a, c.from, c.says); got != c.want {
			t.Errorf("%s: %q, want %q", c.from, got, c.want)
		}
	}
	asked := z.asked.Load()
	for range 100 {
		visit(t, a, "192.0.2.1", googlebot)
		visit(t, a, "203.0.113.1", googlebot)
	}
	if settled(t, a.names); z.asked.Load() != asked {
		t.Errorf("%d questions to which the answers were known", z.asked.Load()-asked)
	}
}

// Names hold for a while, are confirmed again while they are asked for, and are taken back when they lead nowhere.
func TestNamesEnd(t *testing.T) {
	z := serveDNS(t)
	z.say(map[string][]string{"192.0.2.1": {"c.googlebot.com."}}, map[string][]string{"c.googlebot.com.": {"192.0.2.1"}})
	var late atomic.Int64
	m := NewMemory(Options{Now: func() time.Time { return noon.Add(time.Duration(late.Load())) }})
	a := agents(t, m, crawlers(z))
	a.Start(t.Context())
	at := func(d time.Duration, want string) {
		t.Helper()
		late.Store(int64(d))
		got := visit(t, a, "192.0.2.1", googlebot)
		if settled(t, a.names); got != want {
			t.Errorf("after %v: %q, want %q", d, got, want)
		}
	}
	const verified = "Google by dns"
	at(0, "")
	at(time.Second, verified)
	z.set(func() { z.failing = true })
	at(5*time.Hour, verified) // is looked up again, in vain
	at(5*time.Hour+time.Second, verified)
	at(6*time.Hour+time.Minute, "") // the DNS has not told for too long
	z.set(func() { z.failing = false })
	at(7*time.Hour, "")
	at(7*time.Hour+time.Second, verified)
	z.set(func() { z.hosts = map[string][]string{} })
	at(12*time.Hour, verified) // is looked up again
	at(12*time.Hour+time.Second, "")
	z.set(func() { z.hosts = map[string][]string{"c.googlebot.com.": {"192.0.2.1"}} })
	at(12*time.Hour+time.Minute, "") // that there was none is known
	at(14*time.Hour, "")
	at(14*time.Hour+time.Second, verified)
	same := agents(t, m, crawlers(z))
	if same.Start(t.Context()); visit(t, same, "192.0.2.1", googlebot) != verified {
		t.Error("a reload forgets")
	}
}

// A forged crawler from a million addresses makes us neither ask more than we may, nor remember more, nor forget who is real.
func TestForgedCrawlersOrderNoFlood(t *testing.T) {
	z := serveDNS(t)
	z.say(map[string][]string{"192.0.2.1": {"c.googlebot.com."}}, map[string][]string{"c.googlebot.com.": {"192.0.2.1"}})
	var late atomic.Int64
	a := agents(t, NewMemory(Options{Now: func() time.Time { return noon.Add(time.Duration(late.Load())) }}), crawlers(z))
	a.Start(t.Context())
	visit(t, a, "192.0.2.1", googlebot)
	settled(t, a.names)
	asked := z.asked.Load()
	e := &exchange.Exchange{Request: httptest.NewRequest("GET", "/", nil)}
	e.Request.Header.Set("User-Agent", googlebot)
	const seconds = 10
	for i := range 200_000 {
		if i%(200_000/seconds) == 0 {
			settled(t, a.names)
		}
		late.Store(int64(i) * int64(seconds*time.Second) / 200_000)
		e.Client.Addr = netip.AddrFrom4([4]byte{198, byte(18 + i>>16), byte(i >> 8), byte(i)})
		if ask(t, a, e); e.Agent != nil {
			t.Fatal("forged")
		}
	}
	settled(t, a.names)
	if n := a.names.begun; n > (seconds+1)*perSecond+1 || n < perSecond {
		t.Errorf("%d look-ups in %d seconds", n, seconds)
	}
	if n := z.asked.Load() - asked; n > 2*(seconds+1)*perSecond {
		t.Errorf("%d questions", n)
	}
	if s := a.Stats(); s.PutOff < 190_000 || s.Names > mostConfirmed+mostOthers {
		t.Errorf("%+v", s)
	}
	if visit(t, a, "192.0.2.1", googlebot) == "" {
		t.Error("the real one is forgotten")
	}
}

// A server that is silent holds as many look-ups as may run at once, and no request.
func TestSilentServer(t *testing.T) {
	z := serveDNS(t)
	z.set(func() { z.silent = true })
	var late atomic.Int64
	a := agents(t, NewMemory(Options{Now: func() time.Time { return noon.Add(time.Duration(late.Load())) }}), crawlers(z))
	a.Start(t.Context())
	for i := range 1000 {
		late.Store(int64(i) * int64(10*time.Millisecond)) // ten seconds by the clock of the look-ups, in which 500 could begin
		visit(t, a, fmt.Sprintf("198.18.%d.%d", i/250, i%250+1), googlebot)
	}
	if a.names.mu.Lock(); len(a.names.flying) > mostAtOnce {
		t.Errorf("%d at once", len(a.names.flying))
	}
	a.names.mu.Unlock()
	z.set(func() { z.silent = false })
	settled(t, a.names)
}

func TestRoom(t *testing.T) {
	m := map[netip.Addr]int{}
	for i := range 1000 {
		makeRoom(m, 100)
		m[netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})] = i
	}
	if len(m) != 100 {
		t.Errorf("%d", len(m))
	}
}
