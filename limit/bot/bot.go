// Package bot rates clients: verified, likely_human, suspected or hostile.
//
// A rating is a sum of points. Each [Mark] that is seen in a request, or in what its client did lately, gives some, and has a
// sentence that says why, so that whoever is rated wrongly can be told what to change. Three kinds of marks are looked for:
//
//   - what the client says of itself: that it is a program, a scanner or a crawler, or nothing at all;
//   - what contradicts it. Who claims to be a browser is held to it: browsers of its kind send certain fields, in a certain
//     order, and greet in a certain way (JA4, GREASE of RFC 8701, HTTP/2);
//   - what it did: requests in a hurry or by the clock, failures, wrong credentials, searching without a credential.
//
// Nothing that a client can choose makes a rating better. To say nothing, or something unknown, is not to be a browser, and
// what is no browser is suspected. Who imitates a browser in all that is looked at, and behaves, is taken for one:
// ratings raise the price of attacks, they are no proof. What is proof makes a client verified, and is established elsewhere
// ([exchange.Agent], [exchange.Principal]).
//
// No mark makes a client hostile alone, but to be a scanner by its own words: browsers behind proxies that open TLS, with
// extensions that remove fields, or many of them behind one address, have a mark or two.
//
// What was done is remembered by address, or /64, in a [Memory] of fixed size. The package knows neither configs nor guards.
package bot

import (
	"net/http"

	"github.com/sallyport/sallyport/exchange"
)

// Points from which on a client is rated so.
const (
	suspectedFrom = 3
	hostileFrom   = 10
)

// Features are what one request shows of its client. Nothing is allocated for them. They have JSON for traces.
type Features struct {
	Agent   string         `json:"agent,omitzero"`   // the User-Agent, as it is
	Names   Names          `json:"names,omitzero"`   // of fields that are there
	HTTP2   bool           `json:"http2,omitzero"`   // HTTP/2 or 3
	TLS     bool           `json:"tls,omitzero"`     // between the client and whoever vouches for it
	JA4     string         `json:"ja4,omitzero"`     // "" where the handshake is not the client's own, or there was none
	Grease  bool           `json:"grease,omitzero"`  // of the same handshake
	Order   exchange.Order `json:"order,omitzero"`   // not known: 0
	Hosting bool           `json:"hosting,omitzero"` // the address is one of a data centre
	Did     Deeds          `json:"did,omitzero"`
}

// Names are the fields, and kinds of requests, that are looked for.
type Names uint8

// The names.
const (
	AcceptLanguage Names = 1 << iota
	AcceptEncoding
	FetchMetadata // Sec-Fetch-Mode
	ClientHints   // Sec-CH-UA
	Preflight     // OPTIONS, to which browsers add no hints
	Upgrade       // to WebSocket, for which browsers speak HTTP/1.1, without hints and metadata
)

// Of is what the request shows: all but Hosting and Did. What belongs to the connection is the client's only where no proxy is between.
func Of(e *exchange.Exchange) Features {
	r := e.Request
	f := Features{Agent: r.UserAgent(), TLS: e.Client.TLS, HTTP2: r.ProtoMajor >= 2}
	if e.Client.Addr == e.Client.Peer {
		f.JA4, f.Grease, f.Order = e.Client.JA4, e.Client.Grease, e.Client.Order
	}
	for i := range named {
		if len(r.Header[named[i].field]) > 0 {
			f.Names |= named[i].name
		}
	}
	if r.Method == http.MethodOptions {
		f.Names |= Preflight
	}
	return f
}

var named = [...]struct {
	field string
	name  Names
}{{"Accept-Language", AcceptLanguage}, {"Accept-Encoding", AcceptEncoding}, {"Sec-Fetch-Mode", FetchMetadata}, {"Sec-Ch-Ua", ClientHints}, {"Upgrade", Upgrade}}

// Judge rates what proved nothing.
func Judge(f *Features) exchange.Bot {
	var b exchange.Bot
	a := read(f.Agent)
	marks := said(a) | contradicted(a, f) | f.Did.marks()
	if f.Hosting {
		marks |= Hosting
	}
	for i := range marked {
		if marks&(1<<i) != 0 {
			b.Points += marked[i].points
		}
	}
	b.Marks, b.Rating = uint32(marks), Rate(b.Points)
	return b
}

// Rate is the rating of a sum of points.
func Rate(points int) exchange.Rating {
	switch {
	case points >= hostileFrom:
		return exchange.Hostile
	case points >= suspectedFrom:
		return exchange.Suspected
	}
	return exchange.LikelyHuman
}

// Mark is one thing that speaks for a rating; a set of them is the sum.
type Mark uint32

// The marks, in the order of their sentences.
const (
	Scanner Mark = 1 << iota
	Nameless
	Program
	Headless
	Crawler
	Strange
	Stale
	NoLanguage
	NoEncoding
	NoMetadata
	NoHints
	WrongOrder
	WrongHandshake
	Hosting
	Hasty
	Regular
	Failing
	Guessing
	Searching
	Attacking
	Enumerating
	Authenticated
	Proved
)

// marked has the points and the sentence of each mark.
var marked = [...]struct {
	points   int
	name     string
	sentence string
}{
	{10, "scanner", "its User-Agent is that of a scanner"},
	{4, "nameless", "it has no User-Agent"},
	{4, "program", "its User-Agent is a program's, and no browser's"},
	{4, "headless", "its browser says that nobody sits in front of it"},
	{4, "crawler", "it says that it is a crawler, and has not proved it"},
	{3, "strange", "it says that it is a browser, and not a known one"},
	{3, "stale", "the browser that it claims to be is years old"},
	{3, "no-language", "it claims to be a browser, and sends no Accept-Language"},
	{2, "no-encoding", "it claims to be a browser, and sends no Accept-Encoding"},
	{3, "no-metadata", "it claims to be a browser, and sends no Sec-Fetch fields"},
	{3, "no-hints", "it claims to be Chromium, and sends no Sec-CH-UA"},
	{3, "order", "it claims to be a browser, and sends fields in another order or writing"},
	{4, "handshake", "it claims to be a browser, and its handshake is not that of one"},
	{2, "hosting", "its address is one of a data centre"},
	{6, "hasty", "it sent more than a thousand requests without a credential in about a minute"},
	{2, "regular", "its requests come by the clock"},
	{4, "failing", "most of what it asked for lately failed"},
	{4, "guessing", "ten or more of its credentials were wrong lately"},
	{4, "searching", "it asked lately for many things that there are not"},
	{4, "attacking", "several of its requests were refused as attacks lately"},
	{3, "enumerating", "it asked for many different objects without a credential lately"},
	{0, "authenticated", "its credential was verified"},
	{0, "proved", "it proved who it is"},
}

// Reasons are the sentences of marks. Each is a constant.
func Reasons(marks uint32) []string {
	return list(marks, func(i int) string { return marked[i].sentence })
}

// Words are the names of marks.
func Words(marks uint32) []string { return list(marks, func(i int) string { return marked[i].name }) }

func list(marks uint32, of func(i int) string) (words []string) {
	for i := range marked {
		if marks&(1<<i) != 0 {
			words = append(words, of(i))
		}
	}
	return words
}
