// Package testkit is help for tests only: nothing in the product imports it.
package testkit

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const okReply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

// An Upstream is a raw HTTP/1.1 server that records every byte it receives and reads it with a parser of its own,
// stricter than any real server: what it finds wrong with a request is in Received.Malformed. Two requests where the
// client sent one show as two. It is safe for concurrent use.
type Upstream struct {
	URL string // http://127.0.0.1:port

	listener net.Listener
	reply    string
	tell     func(*Received)
	mu       sync.Mutex
	conns    []net.Conn
	received []Received
	done     sync.WaitGroup
}

// Received is one request as its bytes came over the wire.
type Received struct {
	Conn      int    // connection on which it came
	Raw       []byte // head and body, exactly
	Method    string
	Target    string
	Header    [][2]string // in order, names as received
	Body      []byte      // decoded from chunks
	Malformed string      // what is wrong with it; "" when nothing is
}

// Get returns the values of a header field, in order.
func (r *Received) Get(name string) []string {
	var values []string
	for _, f := range r.Header {
		if strings.EqualFold(f[0], name) {
			values = append(values, f[1])
		}
	}
	return values
}

// NewUpstream starts one that answers every request with reply, a whole HTTP/1.1 response ("": 200 with "ok"). It
// ends with the test.
func NewUpstream(t testing.TB, reply string) *Upstream {
	t.Helper()
	u := &Upstream{reply: reply}
	u.tell = u.keep
	return u.start(t)
}

// Record starts one that keeps nothing: each request is told before it is answered, by any number of goroutines.
func Record(t testing.TB, reply string, tell func(*Received)) *Upstream {
	t.Helper()
	return (&Upstream{reply: reply, tell: tell}).start(t)
}

func (u *Upstream) start(t testing.TB) *Upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if u.reply == "" {
		u.reply = okReply
	}
	u.URL, u.listener = "http://"+l.Addr().String(), l
	u.done.Go(u.accept)
	t.Cleanup(u.close)
	return u
}

func (u *Upstream) keep(r *Received) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.received = append(u.received, *r)
}

// Requests returns what was received so far.
func (u *Upstream) Requests() []Received {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.received)
}

// Reset forgets what was received.
func (u *Upstream) Reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.received = nil
}

func (u *Upstream) close() {
	u.listener.Close()
	u.mu.Lock()
	for _, c := range u.conns {
		c.Close()
	}
	u.mu.Unlock()
	u.done.Wait()
}

func (u *Upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		n := len(u.conns)
		u.conns = append(u.conns, c)
		u.mu.Unlock()
		u.done.Go(func() { u.serve(c, n) })
	}
}

// serve reads requests one after another. After a malformed one it records what else comes as part of it and closes.
func (u *Upstream) serve(c net.Conn, n int) {
	defer c.Close()
	r := &wire{conn: c}
	for {
		got, ok := r.request()
		if !ok {
			return
		}
		got.Conn = n
		u.tell(&got)
		if _, err := c.Write([]byte(u.reply)); err != nil || got.Malformed != "" {
			return
		}
	}
}

// wire reads a connection and remembers the bytes of the request at hand.
type wire struct {
	conn net.Conn
	raw  []byte // received and not yet given out
	at   int    // read so far
}

func (w *wire) more() bool {
	buf := make([]byte, 4096)
	n, err := w.conn.Read(buf)
	w.raw = append(w.raw, buf[:n]...)
	return n > 0 || err == nil
}

// line reads up to CRLF; a bare LF or CR is an error.
func (w *wire) line() (string, error) {
	for {
		if i := bytes.IndexByte(w.raw[w.at:], '\n'); i >= 0 {
			s := string(w.raw[w.at : w.at+i])
			w.at += i + 1
			if !strings.HasSuffix(s, "\r") || strings.ContainsAny(s[:len(s)-1], "\r\x00") {
				return "", fmt.Errorf("line not ended by CRLF alone: %q", s)
			}
			return s[:len(s)-1], nil
		}
		if !w.more() {
			return "", fmt.Errorf("connection ended in line %q", w.raw[w.at:])
		}
	}
}

func (w *wire) bytes(n int) ([]byte, error) {
	for len(w.raw)-w.at < n {
		if !w.more() {
			return nil, fmt.Errorf("connection ended in body")
		}
	}
	w.at += n
	return w.raw[w.at-n : w.at], nil
}

// request reads one request; false when the connection ended before its first byte.
func (w *wire) request() (Received, bool) {
	if len(w.raw) == 0 && !w.more() {
		return Received{}, false
	}
	var r Received
	err := w.read(&r)
	if err != nil {
		r.Malformed = err.Error()
		w.at = len(w.raw)
	}
	r.Raw = bytes.Clone(w.raw[:w.at])
	r.Body = bytes.Clone(r.Body)
	w.raw, w.at = w.raw[w.at:], 0
	return r, true
}

func (w *wire) read(r *Received) error {
	line, err := w.line()
	if err != nil {
		return err
	}
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] != "HTTP/1.1" {
		return fmt.Errorf("request line %q", line)
	}
	r.Method, r.Target = parts[0], parts[1]
	for {
		if line, err = w.line(); err != nil {
			return err
		}
		if line == "" {
			return w.body(r)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.Trim(name, tchars) != "" {
			return fmt.Errorf("header line %q", line)
		}
		r.Header = append(r.Header, [2]string{name, strings.Trim(value, " \t")})
	}
}

const tchars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (w *wire) body(r *Received) error {
	length, coding := r.Get("Content-Length"), r.Get("Transfer-Encoding")
	switch {
	case len(r.Get("Host")) != 1:
		return fmt.Errorf("%d Host fields", len(r.Get("Host")))
	case len(length)+len(coding) > 1:
		return fmt.Errorf("framed twice: %v %v", length, coding)
	case len(length) == 1:
		n, err := strconv.ParseUint(length[0], 10, 31)
		if err != nil || strings.HasPrefix(length[0], "+") {
			return fmt.Errorf("content length %q", length[0])
		}
		r.Body, err = w.bytes(int(n))
		return err
	case len(coding) == 1 && coding[0] != "chunked":
		return fmt.Errorf("transfer coding %q", coding[0])
	case len(coding) == 1:
		return w.chunks(r)
	}
	return nil
}

func (w *wire) chunks(r *Received) error {
	for {
		line, err := w.line()
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(line, 16, 31)
		if err != nil {
			return fmt.Errorf("chunk size %q", line)
		}
		if n == 0 {
			return w.trailers()
		}
		data, err := w.bytes(int(n))
		if err != nil {
			return err
		}
		r.Body = append(bytes.Clone(r.Body), data...)
		if line, err = w.line(); err != nil || line != "" {
			return fmt.Errorf("chunk not ended by CRLF")
		}
	}
}

func (w *wire) trailers() error {
	for {
		line, err := w.line()
		if err != nil || line == "" {
			return err
		}
	}
}
