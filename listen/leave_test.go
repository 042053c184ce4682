package listen

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// A kept connection is not closed under its client: the next answer ends it.
func TestLeaveSaysGoodbye(t *testing.T) {
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served") }))
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	get := func() *http.Response {
		t.Helper()
		resp, err := (&http.Client{Transport: tr}).Post("http://"+s.Addr().String(), "text/plain", strings.NewReader("not to be repeated"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp
	}
	if get().Close {
		t.Fatal("goodbye without a reason")
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		s.Leave(context.Background(), time.Minute)
	}()
	for { // until the socket is closed
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	if !get().Close {
		t.Error("no goodbye")
	}
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Error("Leave waits for connections that are gone")
	}
}

// Over HTTP/2 the goodbye is GOAWAY: the client uses the connection for nothing else.
func TestLeaveOverHTTP2(t *testing.T) {
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	at := "http://" + s.Addr().String()
	if got := fetch(t, tr, at); got != "HTTP/2.0" {
		t.Fatal(got)
	}
	go s.Leave(context.Background(), time.Minute)
	for !s.leaving.begun() {
		time.Sleep(time.Millisecond)
	}
	if got := fetch(t, tr, at); got != "HTTP/2.0" {
		t.Fatal(got)
	}
	for deadline := time.Now().Add(20 * time.Second); s.tally.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connection is kept")
		}
	}
}

// A handler that has taken over its connection is waited for like any other, and hears that it is time.
func TestLeavingReachesTunnels(t *testing.T) {
	entered := make(chan struct{})
	s := start(t, config.Listener{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		close(entered)
		<-Leaving(r)
		io.WriteString(c, "goodbye")
	}))
	answer := make(chan string)
	go func() { answer <- raw(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }()
	<-entered
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if got := <-answer; got != "goodbye" {
		t.Errorf("%q", got)
	}
}

func TestSameSocket(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"127.0.0.1:80", "127.0.0.1:80"}: true,
		{"127.0.0.1:80", "127.0.0.1:81"}: false,
		{"127.0.0.1:80", "127.0.0.2:80"}: false,
		{":80", "[::]:80"}:               true,
		{"0.0.0.0:80", "[::]:80"}:        true,
		{"127.0.0.1:80", ":80"}:          false, // wider than the config wants
		{"[::1]:80", "127.0.0.1:80"}:     false,
	} {
		a, _ := net.ResolveTCPAddr("tcp", pair[0])
		b, _ := net.ResolveTCPAddr("tcp", pair[1])
		if same(a, b) != want {
			t.Errorf("%v: %v", pair, !want)
		}
	}
}
