package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A client that promises a body and stalls is not waited for longer than the operation may take, whether the body is
// judged, only noted, or passed on as it comes; and its connection ends.
func TestStalledBody(t *testing.T) {
	for name, modes := range map[string]string{"judged": "", "noted": "    mode: monitor\n", "passed": "    mode: off\n"} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, plainSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				orders(w, r)
			}), open+modes+"    timeout: 200ms\n")
			stall(t, g, "POST /orders", "application/json")
		})
	}
	t.Run("before events", func(t *testing.T) {
		spec := "openapi: 3.1.0\ninfo: { title: Events, version: \"1\" }\npaths: { /events: { post: { x-sallyport: { streaming: sse }, " +
			"requestBody: { content: { application/octet-stream: {} } }, responses: { \"200\": { description: events } } } } }\n"
		g := serve(t, spec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the upstream was asked") }), open+"    timeout: 200ms\n")
		stall(t, g, "POST /events", "application/octet-stream")
	})
}

// An upstream that answers before it has the body leaves nobody who waits for the rest, however long that is.
func TestStalledAfterTheAnswer(t *testing.T) {
	g := serve(t, plainSpec, http.HandlerFunc(orders), open+"    mode: off\n    timeout: 200ms\n")
	for _, length := range []int{100, 1 << 20} {
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", length)
		_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("%d bytes promised: the connection stayed open: %v", length, err)
		}
		g.record(t)
	}
}

func stall(t *testing.T, g *gate, line, media string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: shop.example\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\n{", line, media)
	_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	if resp.StatusCode < 400 {
		t.Errorf("%s", resp.Status)
	}
	if r := g.record(t); !r.Refused {
		t.Errorf("%+v", r)
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("the connection stayed open: %v", err)
	}
}
