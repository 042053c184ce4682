package inspect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const benignGet = "GET /v1/items/42?fields=name,price&limit=10&sort=-created HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: okhttp/4.12.0\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n\r\n"

func BenchmarkGet(b *testing.B) {
	e, err := readExchange([]byte(benignGet))
	if err != nil {
		b.Fatal(err)
	}
	for _, paranoia := range []int{1, 4} {
		j := testJudge(b, config.Inspect{Paranoia: paranoia, Threshold: 1000})
		b.Run(fmt.Sprintf("paranoia %d", paranoia), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Findings = e.Findings[:0]
				if v, err := j.head(context.Background(), e); err != nil || !v.Passed() {
					b.Fatal(v, err)
				}
			}
		})
	}
}

func BenchmarkPost(b *testing.B) {
	j := testJudge(b, config.Inspect{})
	data, err := os.ReadFile(shared(b, "bench/bodies/order-1k.json"))
	if err != nil {
		b.Skip(err)
	}
	r := recorded{Method: "POST", Path: "/v1/orders", Body: string(data), Headers: map[string]any{"Host": "api.example.com",
		"User-Agent": "okhttp/4.12.0", "Accept": "application/json", "Content-Type": "application/json"}}
	e, err := readExchange(r.raw())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if v, err := j.head(context.Background(), e); err != nil || !v.Passed() {
			b.Fatal(v, err)
		}
		if v, err := j.body(context.Background(), e); err != nil || !v.Passed() {
			b.Fatal(v, err)
		}
	}
}

// The same body, confined by the schema of the shared API.
func BenchmarkPostConfined(b *testing.B) { benchmarkConfined(b, sharedOrder(b)) }

// The check of URLs in the same body, in which no schema speaks of one.
func BenchmarkNoURL(b *testing.B) {
	x := sharedOrder(b)
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		b.Fatal(err)
	}
	guards, err := i.Guards(config.Inspect{}, x.Operation, false)
	if err != nil {
		b.Fatal(err)
	}
	guard := guards[slices.IndexFunc(guards, func(g exchange.Guard) bool { return g.Name == "inspect.url" && g.Phase == exchange.OnBody })]
	b.ReportAllocs()
	for b.Loop() {
		e := exchange.Exchange{Operation: x.Operation, Body: x.Body, BodySpec: x.BodySpec}
		if v, err := guard.Check(context.Background(), &e); err != nil || !v.Passed() {
			b.Fatal(v, err)
		}
	}
}

// sharedOrder is an order of 1 KB to the shared API.
func sharedOrder(b *testing.B) *exchange.Exchange {
	doc, problems := openapi.Load(shared(b, "bench/openapi-noauth.json"), openapi.Options{})
	if problems.Failed() {
		b.Fatal(problems)
	}
	x := bodyOf(b, shared(b, "bench/bodies/order-1k.json"))
	x.Operation = doc.Operations[slices.IndexFunc(doc.Operations, func(o *openapi.Operation) bool { return o.Key == "POST /v1/orders" })]
	x.BodySpec = openapi.FindMedia(x.Operation.Body.Content, "application/json")
	return x
}

func BenchmarkURL(b *testing.B) {
	p := policy(b, config.URLs{}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.check(context.Background(), "https://hooks.example.com:8443/services/T000/B000?x=1"); err != nil {
			b.Fatal(err)
		}
	}
}

// Both engines on the same messages.
func BenchmarkEngines(b *testing.B) {
	messages := map[string]*Message{}
	get, err := readExchange([]byte(benignGet))
	if err != nil {
		b.Fatal(err)
	}
	head := new(Message)
	head.readHead(get)
	messages["GET"] = head
	if data, err := os.ReadFile(shared(b, "bench/bodies/order-1k.json")); err == nil {
		r := recorded{Method: "POST", Path: "/v1/orders", Body: string(data), Headers: map[string]any{"Host": "api.example.com",
			"User-Agent": "okhttp/4.12.0", "Accept": "application/json", "Content-Type": "application/json"}}
		post, err := readExchange(r.raw())
		if err != nil {
			b.Fatal(err)
		}
		m := new(Message)
		m.reset(Body)
		m.readHead(post)
		if err := m.readBody(post.Body, nil, nil); err != nil {
			b.Fatal(err)
		}
		messages["POST 1 KB"] = m
	}
	for _, paranoia := range []int{1, 4} {
		p := newPair(b, paranoia)
		for name, m := range messages {
			for engine, e := range map[string]Engine{"compiled": p.ours, "Coraza": p.oracle} {
				b.Run(fmt.Sprintf("%s/paranoia %d/%s", name, paranoia, engine), func(b *testing.B) {
					b.ReportAllocs()
					var dst []Match
					for b.Loop() {
						if dst, err = e.Inspect(context.Background(), m, dst[:0]); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// Bodies of some 1 KB, each with its head, by the engine alone: an order with addresses and free text, telemetry, nested lists of
// ids, a profile with addresses of all kinds, a long note, and a shipment that a schema could confine. Of a message that comes
// again texts are remembered; of a "new" one each text of the body ends in other letters and digits than the one before.
func BenchmarkBodies(b *testing.B) {
	names, err := filepath.Glob("testdata/bodies/*.json")
	if err != nil {
		b.Fatal(err)
	}
	for _, paranoia := range []int{1, 4} {
		e, err := newCompiled(settings{paranoia: paranoia})
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range names {
			x := bodyOf(b, name)
			m := new(Message)
			m.reset(Body)
			m.readHead(x)
			if err := m.readBody(x.Body, nil, nil); err != nil {
				b.Fatal(err)
			}
			for _, kind := range []string{"again", "new"} {
				b.Run(fmt.Sprintf("%s/paranoia %d/%s", strings.TrimSuffix(filepath.Base(name), ".json"), paranoia, kind), func(b *testing.B) {
					benchmarkMessage(b, e, m, kind == "new")
				})
			}
		}
	}
}

var renewals int

func benchmarkMessage(b *testing.B, e Engine, m *Message, renewed bool) {
	ends := endings(m)
	b.ReportAllocs()
	var dst []Match
	var err error
	for b.Loop() {
		if renewed {
			renewals++ // over all runs: what has come in one is remembered in the next
			for _, end := range ends {
				renew(end, renewals)
			}
		}
		if dst, err = e.Inspect(context.Background(), m, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// endings makes copies of the texts of the body and returns the last bytes of each.
func endings(m *Message) (ends [][]byte) {
	for i := range m.Values {
		if v := &m.Values[i]; v.Part > CookiePart && v.Text != "" {
			text := []byte(v.Text)
			v.Text = unsafe.String(&text[0], len(text))
			ends = append(ends, text[max(0, len(text)-8):])
		}
	}
	return ends
}

// renew writes other letters for letters, and other digits for digits.
func renew(end []byte, i int) {
	for at, c := range end {
		switch {
		case 'a' <= c && c <= 'z':
			end[at], i = 'a'+byte(i%26), i/26
		case '0' <= c && c <= '9':
			end[at], i = '0'+byte(i%10), i/10
		}
	}
}

// A shipment, by the guard of the head alone, and by both guards without and with the help of its schema: what is between
// them is the body's.
func BenchmarkConfined(b *testing.B) {
	doc, problems := openapi.Load("testdata/bodies/confined.yaml", openapi.Options{})
	if problems.Failed() {
		b.Fatal(problems)
	}
	x := bodyOf(b, "testdata/bodies/confined.json")
	x.Operation = doc.Operations[0]
	x.BodySpec = openapi.FindMedia(x.Operation.Body.Content, "application/json")
	benchmarkConfined(b, x)
}

func benchmarkConfined(b *testing.B, x *exchange.Exchange) {
	plain, helped := testJudge(b, config.Inspect{}), testJudge(b, config.Inspect{})
	helped.shapes = shapesOf(helped.engine, x.Operation, languages())
	for _, way := range []struct {
		name  string
		judge *judge
		body  bool
	}{{"head", plain, false}, {"both", plain, true}, {"both, confined", helped, true}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, err := way.judge.head(context.Background(), x)
				if err == nil && v.Passed() && way.body {
					v, err = way.judge.body(context.Background(), x)
				}
				if err != nil || !v.Passed() {
					b.Fatal(v, err)
				}
				if m, _ := x.Inspected.(*Message); m != nil {
					x.Inspected = nil
					release(m)
				}
			}
		})
	}
}

func bodyOf(b *testing.B, name string) *exchange.Exchange {
	data, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	r := recorded{Method: "POST", Path: "/v1/orders", Body: string(data), Headers: map[string]any{"Host": "api.example.com",
		"User-Agent": "okhttp/4.12.0", "Accept": "application/json", "Content-Type": "application/json"}}
	x, err := readExchange(r.raw())
	if err != nil {
		b.Fatal(err)
	}
	return x
}
