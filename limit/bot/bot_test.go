package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

const (
	chromeSays  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	firefoxSays = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	safariSays  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15"
	iosSays     = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/123.0.6312.52 Mobile/15E148 Safari/604.1"
)

func order(names string) (o exchange.Order) {
	for name := range strings.FieldsSeq(names) {
		o = o.With(name)
	}
	return o
}

// chrome is how Chromium shows itself over TLS.
func chrome() Features {
	return Features{Agent: chromeSays, Names: AcceptLanguage | AcceptEncoding | FetchMetadata | ClientHints, HTTP2: true, TLS: true, Grease: true,
		JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1", Order: order(":method :authority :scheme :path sec-ch-ua user-agent accept sec-fetch-mode accept-encoding accept-language")}
}

func with(f Features, change func(*Features)) *Features { change(&f); return &f }

func TestRatings(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      *Features
		rating exchange.Rating
		words  string
	}{
		{"chromium", with(chrome(), func(*Features) {}), exchange.LikelyHuman, ""},
		{"chromium behind a proxy that speaks TLS", with(chrome(), func(f *Features) { f.JA4, f.Grease, f.Order, f.HTTP2 = "", false, 0, false }), exchange.LikelyHuman, ""},
		{"chromium without TLS", with(chrome(), func(f *Features) {
			f.TLS, f.JA4, f.Names, f.HTTP2 = false, "", AcceptLanguage|AcceptEncoding, false
		}), exchange.LikelyHuman, ""},
		{"chromium's preflight", with(chrome(), func(f *Features) { f.Names = AcceptLanguage | AcceptEncoding | FetchMetadata | Preflight }), exchange.LikelyHuman, ""},
		{"chromium's WebSocket", with(chrome(), func(f *Features) {
			f.Names, f.HTTP2, f.JA4 = AcceptLanguage|AcceptEncoding|Upgrade, false, "t13d1516h1_8daaf6152771_e5627efa2ab1"
		}), exchange.LikelyHuman, ""},
		{"chromium behind a company's TLS", with(chrome(), func(f *Features) {
			f.Grease, f.JA4, f.HTTP2 = false, "t12d3110h1_8daaf6152771_e5627efa2ab1", false
		}), exchange.Suspected, "handshake"},
		{"chromium in a data centre", with(chrome(), func(f *Features) { f.Hosting = true }), exchange.LikelyHuman, "hosting"},
		{"headless", with(chrome(), func(f *Features) { f.Agent = strings.Replace(chromeSays, "Chrome", "HeadlessChrome", 1) }), exchange.Suspected, "headless"},
		{"firefox", &Features{Agent: firefoxSays, Names: AcceptLanguage | AcceptEncoding | FetchMetadata, HTTP2: true, TLS: true, JA4: "t13d1715h2_5b57614c22b0_3d5424432f57",
			Order: order(":method :path :authority :scheme user-agent accept accept-language accept-encoding")}, exchange.LikelyHuman, ""},
		{"safari", &Features{Agent: safariSays, Names: AcceptLanguage | AcceptEncoding | FetchMetadata, HTTP2: true, TLS: true, Grease: true, JA4: "t13d2014h2_a09f3c656075_14788d8d241b"}, exchange.LikelyHuman, ""},
		{"chrome of a telephone of Apple", &Features{Agent: iosSays, Names: AcceptLanguage | AcceptEncoding, HTTP2: true, TLS: true, Grease: true, JA4: "t13d2014h2_a09f3c656075_14788d8d241b"}, exchange.LikelyHuman, ""},
		{"a telephone called CUBOT", with(chrome(), func(f *Features) {
			f.Agent = strings.Replace(chromeSays, "X11; Linux x86_64", "Linux; Android 14; CUBOT X30", 1)
		}), exchange.LikelyHuman, ""},

		{"curl", &Features{Agent: "curl/8.5.0", TLS: true, HTTP2: true, JA4: "t13d3112h2_e8f1e7e78f70_375ca2c5e164"}, exchange.Suspected, "program"},
		{"nobody", &Features{}, exchange.Suspected, "nameless"},
		{"a crawler", &Features{Agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, exchange.Suspected, "crawler"},
		{"a crawler in a browser's words", &Features{Agent: "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot) Chrome/131.0.0.0 Safari/537.36"}, exchange.Suspected, "crawler"},
		{"something else", &Features{Agent: "Mozilla/5.0", Names: AcceptLanguage | AcceptEncoding}, exchange.Suspected, "strange"},
		{"a scanner", &Features{Agent: "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)"}, exchange.Hostile, "scanner"},
		{"another", &Features{Agent: "Fuzz Faster U Fool v1.1.0"}, exchange.Hostile, "scanner"},
		{"a scanner behind a long line", &Features{Agent: strings.Repeat("a ", 40) + "sqlmap"}, exchange.Hostile, "scanner"},

		{"curl as chromium", &Features{Agent: chromeSays, TLS: true, HTTP2: true, JA4: "t13d3112h2_e8f1e7e78f70_375ca2c5e164",
			Order: order(":method :path :scheme :authority user-agent accept")}, exchange.Hostile, "no-language no-encoding no-metadata no-hints order handshake"},
		{"node as chromium", &Features{Agent: chromeSays, TLS: true, Names: AcceptLanguage | AcceptEncoding | FetchMetadata, JA4: "t13d521100_b262b3658495_8e6e362c5eac",
			Order: order("host connection accept accept-language sec-fetch-mode user-agent accept-encoding") | exchange.Small}, exchange.Hostile, "no-hints order handshake"},
		{"firefox as chromium", with(chrome(), func(f *Features) { f.Grease = false }), exchange.Suspected, "handshake"},
		{"chromium in small letters", with(chrome(), func(f *Features) { f.Order |= exchange.Small }), exchange.Suspected, "order"},
		{"what the handshake cannot be", &Features{Agent: chromeSays, TLS: true, JA4: "t13"}, exchange.Hostile, "no-language no-encoding no-metadata no-hints handshake"},
		{"python as an old firefox", &Features{Agent: "Mozilla/5.0 (Windows NT 6.1; rv:45.0) Gecko/20100101 Firefox/45.0", TLS: true, Names: AcceptEncoding, JA4: "t13d3013h1_e8f1e7e78f70_375ca2c5e164"}, exchange.Hostile, "stale no-language handshake"},

		{"a program in a hurry", &Features{Agent: "curl/8", Did: Deeds{Requests: 5000}}, exchange.Hostile, "program hasty"},
		{"a program by the clock", &Features{Agent: "curl/8", Hosting: true, Did: Deeds{Requests: 60, InTurn: 60, Every: 1, Off: 0.01}}, exchange.Suspected, "program hosting regular"},
		{"a program that searches", &Features{Agent: "curl/8", Did: Deeds{Requests: 100, Failed: 90, Missed: 90}}, exchange.Hostile, "program failing searching"},
		{"a browser that guesses", with(chrome(), func(f *Features) { f.Did = Deeds{Requests: 40, Failed: 35, Denied: 35} }), exchange.Suspected, "failing guessing"},
		{"a browser that attacks and searches", with(chrome(), func(f *Features) { f.Did = Deeds{Requests: 40, Failed: 35, Missed: 20, Attacks: 10} }), exchange.Hostile, "failing searching attacking"},
		{"many behind one address", with(chrome(), func(f *Features) { f.Did = Deeds{Requests: 2000, Failed: 100, Objects: 200} }), exchange.Suspected, "hasty enumerating"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Judge(c.f)
			if got := strings.Join(Words(b.Marks), " "); b.Rating != c.rating || got != c.words {
				t.Errorf("%s (%d): %s; want %s: %s", b.Rating, b.Points, got, c.rating, c.words)
			}
		})
	}
}

func TestOneMarkIsNoHostility(t *testing.T) {
	for i := range marked {
		if m := marked[i]; m.points >= hostileFrom && m.name != "scanner" {
			t.Errorf("%s alone makes hostile", m.name)
		}
		if marked[i].sentence == "" {
			t.Errorf("mark %d has no sentence", i)
		}
	}
	if n := Proved; 1<<(len(marked)-1) != n {
		t.Errorf("%d marks, the last one is %b", len(marked), n)
	}
}

// Whatever a client says of itself in place of what it says, it is not rated better than a browser that it is not.
func FuzzNoAgentMakesBetter(f *testing.F) {
	for _, s := range []string{"", "curl/8", chromeSays, firefoxSays, safariSays, iosSays, "Mozilla/5.0 (", "bot", "Chrome/999999999999", "Version/18 Safari/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, says string) {
		// Python's handshake and fields.
		b := Judge(&Features{Agent: says, TLS: true, Names: AcceptEncoding, JA4: "t13d3013h1_e8f1e7e78f70_375ca2c5e164", Order: order("host user-agent accept-encoding accept connection")})
		if b.Rating == exchange.LikelyHuman {
			t.Errorf("%q: %s %v", says, b.Rating, Words(b.Marks))
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	f := chrome()
	f.Did = Deeds{Requests: 100, Every: 1}
	b.ReportAllocs()
	for b.Loop() {
		Judge(&f)
	}
}

func BenchmarkMemory(b *testing.B) {
	m := NewMemory(1 << 17)
	b.ReportAllocs()
	now := time.Duration(0)
	for i := uint64(0); b.Loop(); i++ {
		hi, lo := i*0x9e3779b97f4a7c15, i%100_000*0xbf58476d1ce4e5b9
		now += time.Microsecond
		m.Recall(hi, lo, now)
		m.Note(hi, lo, Act{At: now, Status: 200, Object: i})
	}
}
