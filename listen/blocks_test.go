package listen

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/exchange"
)

// frameOf is a frame as it is sent.
func frameOf(kind, flags byte, stream uint32, payload []byte) []byte {
	out := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(out, stream), payload...)
}

const wholeRequest = flagEndHeaders | flagEndStream

func TestBlocks(t *testing.T) {
	honest := frameOf(frameHeaders, wholeRequest, 1, plainBlock)
	padded := frameOf(frameHeaders, wholeRequest|flagPadded|flagPriority, 1, slices.Concat([]byte{3, 0, 0, 0, 9, 1}, plainBlock, []byte{0, 0, 0}))
	itself := frameOf(frameHeaders, wholeRequest|flagPriority, 1, slices.Concat([]byte{0, 0, 0, 1, 1}, plainBlock))
	cut := slices.Concat(frameOf(frameHeaders, flagEndStream, 1, plainBlock[:3]), frameOf(frameContinuation, flagEndHeaders, 1, plainBlock[3:]))
	trailers := slices.Concat(frameOf(frameHeaders, flagEndHeaders, 1, plainBlock), frameOf(frameData, 0, 1, []byte("body")), frameOf(frameHeaders, wholeRequest, 1, fieldsOf("X-Bad", "1")))
	plainScheme := frameOf(frameHeaders, wholeRequest, 1, fieldsOf(":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"))
	for name, c := range map[string]struct {
		sent   []byte
		reason *exchange.Reason
	}{
		"honest":                {honest, nil},
		"padded, weighted":      {padded, nil},
		"in two frames":         {cut, nil},
		"SETTINGS":              {frameOf(4, 0, 0, make([]byte, 6)), nil},
		"trailers":              {trailers, nil}, // for net/http to judge, whose handler knows the request
		"depends on itself":     {itself, exchange.BadFraming},
		"http on TLS":           {plainScheme, exchange.BadHeader},
		"what we say ourselves": {frameOf(frameHeaders, wholeRequest, 1, block("*")), exchange.BadTarget},
	} {
		for size := 1; size <= len(c.sent); size++ {
			b := newBlocks(defaultMaxHeader, true)
			var out []byte
			for rest := c.sent; len(rest) > 0; {
				n := min(size, len(rest))
				var err error
				if out, err = b.feed(out, rest[:n]); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				rest = rest[n:]
			}
			broken := b.broken.Load()
			switch {
			case c.reason == nil && (broken != nil || !bytes.Equal(out, c.sent)):
				t.Fatalf("%s, by %d: %+v, %x became %x", name, size, broken, c.sent, out)
			case c.reason != nil && (broken == nil || broken.reason != c.reason):
				t.Fatalf("%s, by %d: %+v", name, size, broken)
			}
		}
	}
}

// fieldsOf compresses pairs as they are.
func fieldsOf(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}) // to memory
	}
	return b.Bytes()
}

// After a refusal no other block is read, as its compression may depend on the one that was not passed on; what belongs to
// streams that are open is.
func TestBlocksAfterARefusal(t *testing.T) {
	b := newBlocks(defaultMaxHeader, true)
	open := frameOf(frameHeaders, flagEndHeaders, 1, plainBlock)
	data := frameOf(frameData, flagEndStream, 1, []byte("body"))
	bad, more := frameOf(frameHeaders, wholeRequest, 3, fieldsOf("connection", "close")), frameOf(frameHeaders, wholeRequest, 5, plainBlock)
	out, err := b.feed(nil, slices.Concat(open, bad, more, data))
	if err != nil || !bytes.HasPrefix(out, open) || !bytes.HasSuffix(out, data) {
		t.Fatalf("%v: %x", err, out)
	}
	f := http2.NewFramer(io.Discard, bytes.NewReader(out[len(open):len(out)-len(data)]))
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	got, err := f.ReadFrame()
	if h, ok := got.(*http2.MetaHeadersFrame); err != nil || !ok || h.StreamID != 3 || h.PseudoValue("path") != "*" || !h.StreamEnded() {
		t.Errorf("in its place: %v, %v", got, err)
	}
	if _, err := f.ReadFrame(); err != io.EOF {
		t.Errorf("more than one request: %v", err)
	}
}

// seeds are header blocks about which a server may be of two minds.
func seeds() [][]byte {
	all := [][]byte{
		fieldsOf(":method", "CONNECT", ":authority", "a:1"),
		fieldsOf(":method", "OPTIONS", ":scheme", "http", ":path", "*"),
		{0x3f, 0xe1, 0x1f, 0x82, 0x87, 0x84, 0x41, 1, 'a'}, // a new size of the table
	}
	for _, path := range []string{"/", "*", "/%zz", "/a?%zz", "//a", "/a#b", "", "a", "/\xff"} {
		all = append(all, block(path), block(path, hpack.HeaderField{Name: "te", Value: "trailers"}, hpack.HeaderField{Name: "trailer", Value: "a, content-length"}))
	}
	for _, pair := range []string{"connection: x", "te: gzip", "A: b", "host: a", "host: b", ":path: /", ":status: 200", "expect: 100-continue", "content-length: x", "cookie: a", ": x", "a: \x00"} {
		name, value, _ := strings.Cut(pair, ": ")
		all = append(all, block("/", hpack.HeaderField{Name: name, Value: value}))
	}
	return all
}

// What blocks lets pass net/http does not refuse: it reaches the handler, and so has a record. What it does not let pass
// reaches the handler as a refusal, once. This is no fuzz target because goroutines of a server cover other lines each time.
func TestWhatPassesReachesTheHandler(t *testing.T) {
	rnd, all := rand.New(rand.NewPCG(1, 2)), seeds()
	for i := range 5000 {
		fields := slices.Clone(all[i%len(all)])
		for n := i / len(all); n > 0 && len(fields) > 0; n /= 4 { // first as they are
			at := rnd.IntN(len(fields))
			switch rnd.IntN(3) {
			case 0:
				fields[at] = byte(rnd.IntN(256))
			case 1:
				fields = slices.Insert(fields, at, byte(rnd.IntN(256)))
			default:
				fields = slices.Delete(fields, at, at+1)
			}
		}
		b := newBlocks(defaultMaxHeader, false)
		passed, failed := b.feed(nil, frameOf(frameHeaders, wholeRequest, 1, fields))
		reached, code := serveOnce(passed)
		broken := b.broken.Load()
		switch {
		case reached == nil:
			t.Fatalf("%x: %v by net/http, %+v, %v", fields, code, broken, failed)
		case (broken == nil) != (b.refused(reached) == nil):
			t.Fatalf("%x: taken for a refusal or not: %+v", fields, broken)
		}
	}
}

// However the bytes are cut, the same passes; nothing is made up but one request, and memory is bounded.
func FuzzBlocks(f *testing.F) {
	for _, s := range seeds() {
		f.Add(slices.Concat(frameOf(frameHeaders, wholeRequest, 1, s), frameOf(frameData, flagEndStream, 1, s), frameOf(frameHeaders, flagEndHeaders|flagPadded, 3, s)), uint8(5))
	}
	f.Fuzz(func(t *testing.T, sent []byte, cut uint8) {
		const most = 1 << 10
		whole, pieces := newBlocks(most, true), newBlocks(most, true)
		want, failed := whole.feed(nil, sent)
		var got []byte
		var err error
		for rest, n := sent, int(cut%16)+1; len(rest) > 0 && err == nil; rest = rest[min(n, len(rest)):] {
			got, err = pieces.feed(got, rest[:min(n, len(rest))])
			if len(pieces.held) > most+9 {
				t.Fatalf("%d bytes are held", len(pieces.held))
			}
		}
		if !bytes.Equal(got, want) || err != failed {
			t.Fatalf("%x, %v; in pieces %x, %v", want, failed, got, err)
		}
		if broken := whole.broken.Load(); broken == nil && !bytes.HasPrefix(sent, want) {
			t.Fatalf("%x became %x", sent, want)
		}
	})
}

// serveOnce is the request that reaches a handler behind net/http's server, or what the client reads instead.
func serveOnce(frames []byte) (reached *http.Request, instead http2.ErrCode) {
	server, client := net.Pipe()
	defer client.Close()
	requests := make(chan *http.Request, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { requests <- r })
	s := &http.Server{Handler: h, MaxHeaderBytes: 2 * defaultMaxHeader}
	go new(http2.Server).ServeConn(server, &http2.ServeConnOpts{Context: context.Background(), BaseConfig: s, Handler: h}) //nolint:staticcheck // see configureHTTP2
	fr := http2.NewFramer(client, client)
	go func() {
		_, _ = io.WriteString(client, http2.ClientPreface)
		_ = fr.WriteSettings()
		_, _ = client.Write(frames)
	}()
	for {
		got, err := fr.ReadFrame()
		if err != nil {
			return nil, http2.ErrCodeNo
		}
		switch got := got.(type) {
		case *http2.RSTStreamFrame:
			return nil, got.ErrCode
		case *http2.GoAwayFrame:
			return nil, got.ErrCode
		case *http2.HeadersFrame:
			select {
			case r := <-requests:
				return r, 0
			default: // an answer of its own
				return nil, http2.ErrCodeNo
			}
		}
	}
}

func BenchmarkBlocks(b *testing.B) {
	first := block("/orders/4711?expand=lines", hpack.HeaderField{Name: "authorization", Value: "Bearer " + strings.Repeat("a", 300)}, hpack.HeaderField{Name: "accept", Value: "application/json"}, hpack.HeaderField{Name: "user-agent", Value: "bench"})
	var text bytes.Buffer
	e := hpack.NewEncoder(&text)
	d := hpack.NewDecoder(4096, func(f hpack.HeaderField) { _ = e.WriteField(f) })
	_, _ = d.Write(first)
	n := text.Len()
	_, _ = d.Write(first)
	again := text.Bytes()[n:] // compressed, as every request but the first of a connection
	s := newBlocks(defaultMaxHeader, true)
	out, _ := s.feed(nil, frameOf(frameHeaders, wholeRequest, 1, text.Bytes()[:n]))
	frame, id := frameOf(frameHeaders, wholeRequest, 3, again), uint32(3)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint32(frame[5:], id)
		id += 2
		var err error
		if out, err = s.feed(out[:0], frame); err != nil || s.broken.Load() != nil {
			b.Fatal(err, s.broken.Load())
		}
	}
}
