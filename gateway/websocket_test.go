package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func echoSocket(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if string(data) == "bye" {
				_ = c.Close(websocket.StatusGoingAway, "as you wish")
				return
			}
			_ = c.Write(r.Context(), kind, append(data, data...))
		}
	})
}

// Messages go both ways, and either end's close reaches the other.
func TestWebSocketThroughTheGateway(t *testing.T) {
	g := serve(t, streamSpec, echoSocket(t), open)
	dial := func() *websocket.Conn {
		c, _, err := websocket.Dial(t.Context(), g.url+"/socket", nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := dial()
	for _, word := range []string{"a", strings.Repeat("b", 10_000)} {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(word)); err != nil {
			t.Fatal(err)
		}
		if _, data, err := c.Read(t.Context()); err != nil || string(data) != word+word {
			t.Fatalf("%v, %d bytes", err, len(data))
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("the close was not answered: %v", err)
	}
	if r := g.record(t); r.Refused || r.Status != http.StatusSwitchingProtocols || r.BytesIn < 10_000 || r.BytesOut < 20_000 {
		t.Errorf("%+v", r)
	}
	c = dial()
	_ = c.Write(t.Context(), websocket.MessageText, []byte("bye"))
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the upstream's close arrived as %v", err)
	}
	g.record(t)
}

func TestWebSocketUndeclared(t *testing.T) {
	g := serve(t, streamSpec, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			t.Error("the handshake reached the upstream")
		}
	}), open)
	_, resp, err := websocket.Dial(t.Context(), g.url+"/plain/socket", nil)
	if err == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		t.Fatalf("%v", err)
	}
	g.record(t)
}
