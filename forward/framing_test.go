package forward

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sallyport/sallyport/config"
)

// A quiet tunnel ends by Close 1001 at both ends as soon as it is asked to.
func TestTunnelLeaves(t *testing.T) {
	told := make(chan websocket.StatusCode, 1)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		_, _, err = c.Read(context.Background())
		told <- websocket.CloseStatus(err)
	}))
	t.Cleanup(upstream.Close)
	leave, over := make(chan struct{}), make(chan ended, 1)
	srv := front(t, tunnelsUntil(leave, context.Background(), startUpstream(t, config.Upstream{}, upstream.URL), time.Minute, over))
	c := dialSocket(t, srv)
	close(leave)
	if _, _, err := c.Read(context.Background()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client was told %v", err)
	}
	if got := <-told; got != websocket.StatusGoingAway {
		t.Errorf("the upstream was told %d", got)
	}
	if end := <-over; end.err != nil {
		t.Error(end.err)
	}
}

// A tunnel that is never quiet ends between two messages: none is cut, though they come in several frames.
func TestBusyTunnelLeaves(t *testing.T) {
	message := strings.Repeat("0123456789", 5_000)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		for {
			m, err := c.Writer(context.Background(), websocket.MessageText)
			if err != nil {
				return
			}
			for i := 0; i < len(message); i += 1000 { // a frame each
				if _, err := m.Write([]byte(message[i : i+1000])); err != nil {
					return
				}
			}
			if m.Close() != nil {
				return
			}
		}
	}))
	t.Cleanup(upstream.Close)
	leave, over := make(chan struct{}), make(chan ended, 1)
	srv := front(t, tunnelsUntil(leave, context.Background(), startUpstream(t, config.Upstream{}, upstream.URL), time.Minute, over))
	c := dialSocket(t, srv)
	c.SetReadLimit(1 << 20)
	close(leave)
	for {
		_, got, err := c.Read(context.Background())
		if err != nil {
			if websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Errorf("the client was told %v", err)
			}
			break
		}
		if string(got) != message {
			t.Fatalf("a message of %d bytes", len(got))
		}
	}
	c.CloseNow()
	if end := <-over; end.err != nil {
		t.Error(end.err)
	}
}

func TestFraming(t *testing.T) {
	long := append([]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, make([]byte, 1<<16)...)
	for name, c := range map[string]struct {
		bytes   []byte
		between bool
		closed  bool
	}{
		"nothing":            {nil, true, false},
		"half a head":        {[]byte{0x81}, false, false},
		"empty message":      {[]byte{0x81, 0}, true, false},
		"masked":             {[]byte{0x81, 0x81, 1, 2, 3, 4, 'x'}, true, false},
		"payload to come":    {[]byte{0x81, 2, 'x'}, false, false},
		"16 bits":            {append([]byte{0x81, 126, 0, 200}, make([]byte, 200)...), true, false},
		"64 bits":            {long, true, false},
		"one byte short":     {long[:len(long)-1], false, false},
		"fragment":           {[]byte{0x01, 1, 'x'}, false, false},
		"ping in between":    {[]byte{0x01, 1, 'x', 0x89, 0}, false, false},
		"last fragment":      {[]byte{0x01, 1, 'x', 0x89, 0, 0x80, 1, 'y'}, true, false},
		"Close":              {[]byte{0x88, 2, 3, 232}, true, true},
		"length of eternity": {[]byte{0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 0}, false, false},
	} {
		var f framing
		if n := f.pass(c.bytes, false); n != len(c.bytes) || f.between() != c.between || f.closed != c.closed {
			t.Errorf("%s: %d bytes, between %v, closed %v", name, n, f.between(), f.closed)
		}
	}
}

// However the bytes are cut, the same places are found, and the goodbye stands at one of them, followed by nothing.
func FuzzFraming(f *testing.F) {
	f.Add([]byte{0x81, 1, 'x', 0x81, 0}, uint8(2))
	f.Add([]byte{0x01, 1, 'x', 0x89, 0x80, 1, 2, 3, 4, 0x80, 126, 0, 1, 'y', 0x88, 0}, uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		var whole, pieces framing
		whole.pass(data, false)
		step := int(cut)%16 + 1
		for i := 0; i < len(data); i += step {
			pieces.pass(data[i:min(i+step, len(data))], false)
		}
		if whole != pieces {
			t.Fatalf("%+v, in pieces %+v", whole, pieces)
		}
		at := min(int(cut), len(data))
		var out bytes.Buffer
		l := lane{to: &out, goodbye: goodbyeToClient}
		_, _ = l.Write(data[:at])
		_ = l.end()
		_, _ = l.Write(data[at:])
		got := out.Bytes()
		if !l.ended {
			if !bytes.Equal(got, data) {
				t.Fatal("bytes were lost")
			}
			return
		}
		passed := bytes.TrimSuffix(got, goodbyeToClient)
		var f framing
		if f.pass(passed, false); !f.between() || !bytes.HasPrefix(data, passed) {
			t.Fatalf("the goodbye stands within a message: %x", got)
		}
	})
}
