//go:build unix

package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process that is stopped while it says goodbye, by a debugger or with its whole machine, for longer than its farewell lasts:
// what its clients sent over kept connections meanwhile is answered, also what nobody may send again.
func TestStoppedWhileLeaving(t *testing.T) {
	t.Parallel()
	g := startSoaked(t)
	address := strings.TrimPrefix(g.gate, "http://")
	kept := make([]*keptConn, 20)
	for i := range kept {
		kept[i] = keepConn(t, address)
		kept[i].ask(t, g.token)
		if resp := kept[i].answer(t); resp.StatusCode != http.StatusCreated || resp.Close {
			t.Fatalf("%s, and the connection ends: %v", resp.Status, resp.Close)
		}
	}
	signal := func(s syscall.Signal) {
		if err := syscall.Kill(g.pid, s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGTERM)
	await(t, "the end of the socket", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	signal(syscall.SIGSTOP)
	for _, c := range kept {
		c.ask(t, g.token)
	}
	time.Sleep(farewell + time.Second)
	signal(syscall.SIGCONT)
	for _, c := range kept {
		if resp := c.answer(t); resp.StatusCode != http.StatusCreated || !resp.Close {
			t.Errorf("%s, and the connection ends: %v", resp.Status, resp.Close)
		}
	}
	await(t, "the end of the process", func() bool { return gone(g.pid) }) // a second SIGTERM would end it at once
}

// keptConn is a connection of a client that neither repeats nor retries.
type keptConn struct {
	net.Conn
	in *bufio.Reader
}

func keepConn(t *testing.T, address string) *keptConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	return &keptConn{c, bufio.NewReader(c)}
}

func (c *keptConn) ask(t *testing.T, token string) {
	t.Helper()
	body := soakRequests[1].body
	if _, err := fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: gate\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body); err != nil {
		t.Fatal(err)
	}
}

func (c *keptConn) answer(t *testing.T) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.in.Discard(int(resp.ContentLength))
	return resp
}
