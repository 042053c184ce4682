package listen

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/config"
)

var ok = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") })

// Every flood ends its own connection, with a code that says why, and nobody else's.
func TestFloods(t *testing.T) {
	const many = 20_000
	for name, c := range map[string]struct {
		cause cut
		send  func(*rawH2) func() error
	}{
		"rapid reset": {manyResets, func(c *rawH2) func() error {
			return func() error {
				if err := c.request(true); err != nil {
					return err
				}
				return c.WriteRSTStream(c.last, http2.ErrCodeCancel)
			}
		}},
		"resets that we are made to do": {manyResets, func(c *rawH2) func() error {
			return func() error {
				if err := c.request(true); err != nil {
					return err
				}
				return c.WriteRawFrame(http2.FrameWindowUpdate, 0, c.last, []byte{0, 0, 0, 0})
			}
		}},
		"SETTINGS": {manyControl, func(c *rawH2) func() error {
			return func() error { return c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535}) }
		}},
		"PING": {manyControl, func(c *rawH2) func() error { return func() error { return c.WritePing(false, [8]byte{}) } }},
		"PRIORITY": {manyControl, func(c *rawH2) func() error {
			return func() error { return c.WritePriority(5, http2.PriorityParam{StreamDep: 3, Weight: 1}) }
		}},
		"WINDOW_UPDATE":  {manyControl, func(c *rawH2) func() error { return func() error { return c.WriteWindowUpdate(0, 1) } }},
		"unknown frames": {manyControl, func(c *rawH2) func() error { return func() error { return c.WriteRawFrame(0x42, 0, 0, nil) } }},
		"empty DATA": {manyControl, func(c *rawH2) func() error {
			_ = c.request(false)
			return func() error { return c.WriteData(c.last, false, nil) }
		}},
		"padding only": {manyControl, func(c *rawH2) func() error {
			_ = c.request(false)
			return func() error { return c.WriteDataPadded(c.last, false, nil, make([]byte, 1)) }
		}},
		"CONTINUATION without end": {continuations, func(c *rawH2) func() error {
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: plainBlock})
			return func() error { return c.WriteContinuation(1, false, nil) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secure(t, config.Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				ok(w, r)
			}))
			served := good(t, s)
			defer served()
			a := dialH2(t, s)
			if code := a.flooded(many, c.send(a)); code != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("ended with %v", code)
			}
			if got := s.Stats().Cuts; got[c.cause.String()] != 1 {
				t.Errorf("%v", got)
			}
		})
	}
}

// One address cannot go on with a new connection where the last one was cut.
func TestResetsOfAnAddress(t *testing.T) {
	s := secure(t, config.Limits{Resets: 20}, ok)
	var all []*rawH2 // opened before any is cut
	for range 20 {
		all = append(all, dialH2(t, s))
	}
	for _, a := range all {
		rapidlyReset(a)
	}
	if got := s.Stats().Cuts; got["resets_per_client"] < 10 || got["resets"] > 6 {
		t.Errorf("%v", got)
	}
}

func rapidlyReset(a *rawH2) {
	a.flooded(1000, func() error {
		if err := a.request(true); err != nil {
			return err
		}
		return a.WriteRSTStream(a.last, http2.ErrCodeCancel)
	})
}

// Who floods again and again is refused before it costs a handshake; what it has open goes on, and so does everybody else.
func TestFloodsAreHeldBack(t *testing.T) {
	s := secure(t, config.Limits{Resets: 20, Handshakes: 8}, ok)
	again := func(local string) (*tls.Conn, error) {
		c := tls.Client(dialFrom(t, local, s), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		return c, c.Handshake()
	}
	before, err := again("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if !answered(before) { // so that it may be idle for longer than a head may take
		t.Fatal("no answer")
	}
	var all []*rawH2 // opened before any is cut
	for range 12 {
		all = append(all, dialH2(t, s))
	}
	for _, a := range all { // each costs a second of handshakes; four are there
		rapidlyReset(a)
	}
	if _, err := again("127.0.0.1"); err == nil {
		t.Error("a flooder begins another handshake")
	}
	if _, err := again("127.0.0.2"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if !answered(before) {
		t.Error("a connection that was open does not go on")
	}
	if got := s.Stats().Cuts; got["handshakes_per_client"] != 1 || got["handshake_failed"] != 0 {
		t.Errorf("%v", got)
	}
}

// What a busy client may do: cancel half of its requests, ping, update its windows for what it takes.
func TestBusyClientIsNoFlood(t *testing.T) {
	s := secure(t, config.Limits{Resets: 10, ControlFrames: 10}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("a", 8<<10))
	}))
	a := dialH2(t, s)
	for i := range 500 {
		n := a.whole.Load()
		_ = a.request(true)
		for i%3 > 0 && n == a.whole.Load() && len(a.over) == 0 {
			time.Sleep(time.Millisecond)
		}
		if i%3 == 0 {
			_ = a.WriteRSTStream(a.last, http2.ErrCodeCancel)
		}
		_ = a.WritePing(false, [8]byte{})
		_ = a.WriteWindowUpdate(0, 8<<10)
	}
	select {
	case code := <-a.over:
		t.Errorf("ended with %v: %v", code, s.Stats().Cuts)
	default:
	}
}

// A header block or frame that does not end in time ends its connection; one that nobody has begun does not.
func TestSlowHeaderBlock(t *testing.T) {
	for name, begin := range map[string]func(*rawH2){
		"block": func(c *rawH2) {
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: plainBlock})
		},
		"frame header": func(c *rawH2) { _, _ = c.Write([]byte{0, 0, 8, 6}) },
		"payload":      func(c *rawH2) { _, _ = c.Write([]byte{0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secure(t, config.Limits{}, ok)
			idle, a := dialH2(t, s), dialH2(t, s)
			begin(a)
			select {
			case <-a.over:
			case <-time.After(10 * time.Second):
				t.Error("still held")
			}
			if got := s.Stats().Cuts; got["slow_request"] != 1 {
				t.Errorf("%v", got)
			}
			select {
			case code := <-idle.over:
				t.Errorf("the idle one ended with %v", code)
			default:
			}
		})
	}
}

// What the HTTP/2 server itself refuses, held here so that an update cannot lose it.
func TestHTTP2ServerBounds(t *testing.T) {
	hold := make(chan struct{})
	s := secure(t, config.Limits{Streams: 3}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-hold }))
	defer close(hold)
	t.Run("streams", func(t *testing.T) {
		a := dialH2(t, s)
		<-time.After(50 * time.Millisecond) // until our SETTINGS is acknowledged, the client is forgiven
		_ = a.WriteSettingsAck()
		for range 3 {
			_ = a.request(true)
		}
		refused := a.flooded(2000, func() error { return a.request(true) })
		if refused != http2.ErrCodeEnhanceYourCalm || s.Stats().Cuts["resets"] != 1 {
			t.Error("more streams than allowed cost nothing")
		}
	})
	t.Run("requests that never begin", func(t *testing.T) {
		hold := make(chan struct{})
		s := secure(t, config.Limits{Resets: 10_000, Streams: 3}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-hold }))
		defer close(hold)
		a := dialH2(t, s)
		client := s.door.clients.find(netip.MustParseAddr("127.0.0.1"), time.Now())
		before := client.handshakes.level
		if code := a.flooded(2000, func() error {
			if err := a.request(true); err != nil {
				return err
			}
			return a.WriteRSTStream(a.last, http2.ErrCodeCancel)
		}); code != http2.ErrCodeEnhanceYourCalm || s.Stats().Cuts["resets"] != 1 {
			t.Errorf("ended with %v, and counted are %v", code, s.Stats().Cuts)
		}
		s.door.clients.mu.Lock()
		defer s.door.clients.mu.Unlock()
		if before-client.handshakes.level < float64(s.door.limits.handshakes)/2 {
			t.Error("its client pays nothing")
		}
	})
	t.Run("header list", func(t *testing.T) {
		a := dialH2(t, s)
		long := block("/", hpack.HeaderField{Name: "x", Value: strings.Repeat("~", 15<<10)})
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: long})
		if code := a.flooded(30, func() error { return a.WriteContinuation(1, false, long) }); code == stillOpen {
			t.Error("endless header lists are read")
		}
	})
}

// What frames read is what is there, however the bytes are cut; and it keeps up with a Framer.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\x04\x01\x00\x00\x00\x00"), uint8(3))
	f.Fuzz(func(t *testing.T, p []byte, cut uint8) {
		whole, pieces := headers(p, len(p)+1), headers(p, int(cut%16)+1)
		if len(whole) != len(pieces) {
			t.Fatalf("%v, in pieces %v", whole, pieces)
		}
		at := 0
		for i, h := range whole {
			if h != pieces[i] {
				t.Fatalf("%v, in pieces %v", h, pieces[i])
			}
			if h.length != int(p[at])<<16|int(p[at+1])<<8|int(p[at+2]) || h.kind != p[at+3] || h.flags != p[at+4] {
				t.Fatalf("%v at %d of %x", h, at, p)
			}
			at += 9 + h.length
		}
		if at+17 < len(p) { // so much is kept of the last
			t.Fatalf("stopped at %d of %d", at, len(p))
		}
	})
}

func headers(p []byte, size int) (all []frame) {
	var f frames
	for len(p) > 0 {
		n := min(size, len(p))
		for rest := p[:n]; ; {
			h, more, ok := f.next(rest)
			if !ok {
				break
			}
			all, rest = append(all, h), more
		}
		p = p[n:]
	}
	return all
}

func BenchmarkFlood(b *testing.B) {
	l := newLimits(config.Listener{})
	f := newFlood(&l, nil, time.Now())
	request := append([]byte{0, 0, byte(len(plainBlock)), 1, 5, 0, 0, 0, 1}, plainBlock...)
	b.ReportAllocs()
	for b.Loop() {
		if c, ok := f.read(request); !ok {
			b.Fatal(c)
		}
	}
}
