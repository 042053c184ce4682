package gateway

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const chaosSpec = `
openapi: 3.1.0
info: { title: Chaos, version: "1" }
paths:
  /orders: { get: { responses: { "200": { description: one, content: { application/json: { schema: { type: object, required: [id], additionalProperties: false, properties: { id: { type: string } } } } } } } } }
  /file: { get: { x-sallyport: { streaming: body }, responses: { "200": { description: file, content: { application/octet-stream: {} } } } } }
`

const (
	wellSaid = `{"id":"a1"}`
	head     = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	poison   = "poison" // in everything that must not arrive
)

// What an upstream may do to us, and what the client gets then. Every case ends well: the upstream is mended, and the
// next answers are right, without a restart.
var troubles = map[string]struct {
	happens func(*troubled)
	code    string // of the problem; "": the answer is right all the same
}{
	"killed":            {(*troubled).kill, "forward.unreachable"},
	"hung":              {does(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), "forward.timeout"},
	"closes":            {does(func(net.Conn) {}), "forward.broken"},
	"resets":            {does(func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }), "forward.broken"},
	"trickles its head": {does(func(c net.Conn) { slowly(c, head+"X-A: "+strings.Repeat("b", 1000)) }), "forward.timeout"},
	"trickles its body": {does(func(c net.Conn) {
		_, _ = io.WriteString(c, head+"Content-Length: 1000\r\n\r\n")
		slowly(c, strings.Repeat(" ", 1000))
	}), "forward.timeout"},
	"promises more":       {says(head + "Content-Length: 100\r\n\r\n" + wellSaid), "forward.broken"},
	"says more":           {says(head + "Content-Length: 11\r\n\r\n" + wellSaid + head + "Content-Length: 15\r\n\r\n" + `{"id":"poison"}`), ""},
	"garbage":             {says("\x16\x03\x01 poison\r\n\r\n"), "forward.broken"},
	"1xx without end":     {endlessly("", "HTTP/1.1 103 Hints\r\nLink: </poison>\r\n\r\n"), "forward.broken"},
	"fields without end":  {endlessly(head, "X-Poison: poison\r\n"), "forward.broken"},
	"a field without end": {endlessly(head+"X: ", strings.Repeat(poison, 1000)), "forward.broken"},
	"chunks are garbage":  {says(head + "Transfer-Encoding: chunked\r\n\r\nb\r\n" + wellSaid + "\r\nzz\r\npoison\r\n0\r\n\r\n"), "forward.broken"},
	"chunks end early":    {says(head + "Transfer-Encoding: chunked\r\n\r\nb\r\n" + wellSaid + "\r\n"), "forward.broken"},
	"a body without end":  {endlessly(head+"\r\n"+`{"id":"`, strings.Repeat(poison, 1000)), "validate.response"},
	"two lengths":         {says(head + "Content-Length: 11\r\nContent-Length: 12\r\n\r\n" + wellSaid + "!"), "forward.broken"},
	"another answer":      {says(head + "Content-Length: 15\r\n\r\n" + `{"no":"poison"}`), "validate.response"},
}

// TestChaos lets every trouble happen to a gateway under requests, and mends it. No answer is wrong, none is half of one,
// nothing is left over.
func TestChaos(t *testing.T) {
	u := &troubled{t: t}
	u.revive()
	t.Cleanup(u.kill)
	g := newGate(t, chaosSpec, "{ targets: [ \"http://"+u.address+"\" ], breaker: { failures: 5, pause: 50ms } }",
		"    modes: { identity: off }\n    timeout: 2s\n    max_response: 64KiB", "").open(t)
	g.discard()
	u.mend(g)
	goroutines, descriptors := runtime.NumGoroutine(), openFiles(t)
	for name, c := range troubles {
		t.Run(name, func(t *testing.T) {
			c.happens(u)
			codes := map[string]int{}
			for round := 0; round < 3 || codes[c.code] == 0 && round < 30; round++ { // a busy machine may need longer than the timeout
				for code, n := range together(t, g, 4) {
					codes[code] += n
				}
			}
			if codes[c.code] == 0 {
				t.Errorf("no %q, but %v", c.code, codes)
			}
			delete(codes, c.code)
			if c.code != "" { // these are as good, and where a machine is busy, time may be over first
				delete(codes, "forward.breaker_open")
				delete(codes, "forward.timeout")
			}
			if len(codes) > 0 {
				t.Errorf("also %v", codes)
			}
			u.mend(g)
		})
	}
	u.kill()
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "the end of what the troubles began", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return g.InFlight() == 0 && runtime.NumGoroutine() <= goroutines+5 && openFiles(t) <= descriptors+5
	})
}

// A stream that breaks off is not ended as if it were whole, because parts of it are with the client already.
func TestChaosInStreams(t *testing.T) {
	u := &troubled{t: t}
	u.revive()
	t.Cleanup(u.kill)
	g := newGate(t, chaosSpec, "http://"+u.address, "    modes: { identity: off }", "").open(t)
	g.discard()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
	for name, answer := range map[string]string{
		"promises more":      head + "Content-Length: 100\r\n\r\nbegun",
		"chunks end early":   head + "Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n",
		"chunks are garbage": head + "Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\nzz\r\npoison\r\n0\r\n\r\n",
	} {
		says(answer)(u)
		resp, err := http.Get(g.url + "/file")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil || strings.Contains(string(body), poison) {
			t.Errorf("%s: %d %q, %v", name, resp.StatusCode, body, err)
		}
	}
	u.mend(g)
}

// together sends so many requests at once and counts the codes of their problems; "" is the right answer.
func together(t *testing.T, g *gate, n int) map[string]int {
	t.Helper()
	codes, errs := make(chan string, n), make(chan error, n)
	for range n {
		go func() {
			code, err := ask(g)
			codes <- code
			errs <- err
		}()
	}
	sum := map[string]int{}
	for range n {
		sum[<-codes]++
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	return sum
}

// ask returns the code of the problem, and an error for what no client must see.
func ask(g *gate) (code string, err error) {
	resp, err := http.Get(g.url + "/orders")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("half an answer: %w", err)
	}
	if strings.Contains(fmt.Sprint(resp.Header, string(body)), poison) {
		return "", fmt.Errorf("the upstream's mischief arrived: %d %v %s", resp.StatusCode, resp.Header, body)
	}
	if resp.StatusCode == http.StatusOK {
		if string(body) != wellSaid {
			return "", fmt.Errorf("a wrong answer: %s", body)
		}
		return "", nil
	}
	var problem struct{ Code string }
	if err := json.Unmarshal(body, &problem); err != nil || resp.StatusCode < 500 {
		return "", fmt.Errorf("%d %s", resp.StatusCode, body)
	}
	return problem.Code, nil
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here: open files cannot be counted")
	}
	return len(list)
}

// troubled is an upstream that can be made to misbehave in any way.
type troubled struct {
	t       *testing.T
	address string
	mu      sync.Mutex
	socket  net.Listener
	conns   map[net.Conn]bool
	act     atomic.Pointer[func(net.Conn)] // nil: well
}

func does(act func(net.Conn)) func(*troubled) {
	return func(u *troubled) { u.act.Store(&act) }
}

func says(answer string) func(*troubled) {
	return does(func(c net.Conn) { _, _ = io.WriteString(c, answer) })
}

func endlessly(begin, again string) func(*troubled) {
	return does(func(c net.Conn) {
		_, err := io.WriteString(c, begin)
		for err == nil {
			_, err = io.WriteString(c, again)
		}
	})
}

func slowly(c net.Conn, s string) {
	for i := range len(s) {
		if _, err := c.Write([]byte{s[i]}); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// kill ends it as kill -9 does: nobody listens, and every connection is reset.
func (u *troubled) kill() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.socket == nil {
		return
	}
	u.socket.Close()
	u.socket = nil
	for c := range u.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// revive listens again, at the same address.
func (u *troubled) revive() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.socket != nil {
		return
	}
	l, err := net.Listen("tcp", or(u.address, "127.0.0.1:0"))
	if errors.Is(err, syscall.EADDRINUSE) {
		u.t.Skip("somebody else has taken the port of the upstream that was killed")
	}
	if err != nil {
		u.t.Fatal(err)
	}
	u.socket, u.address, u.conns = l, l.Addr().String(), map[net.Conn]bool{}
	go u.accept(l)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// mend makes it well again and waits until the gateway has noticed: three right answers in a row.
func (u *troubled) mend(g *gate) {
	u.t.Helper()
	u.act.Store(nil)
	u.revive()
	right := 0
	eventually(u.t, "the recovery", func() bool {
		code, err := ask(g)
		if err != nil {
			u.t.Fatal(err)
		}
		if right++; code != "" {
			right = 0
		}
		return right == 3
	})
}

func (u *troubled) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.conns[c] = true
		u.mu.Unlock()
		go u.serve(c)
	}
}

func (u *troubled) serve(c net.Conn) {
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.conns, c)
		c.Close()
	}()
	for in := bufio.NewReader(c); ; {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if act := u.act.Load(); act != nil {
			(*act)(c)
			return
		}
		if _, err := fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, len(wellSaid), wellSaid); err != nil {
			return
		}
	}
}
