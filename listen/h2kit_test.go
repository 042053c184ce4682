package listen

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/config"
)

// A rawH2 is a client that can say what no client library says.
type rawH2 struct {
	t *testing.T
	net.Conn
	*http2.Framer
	over  chan http2.ErrCode // the code of GOAWAY, or noGoAway when the connection ended without one
	next  uint32
	last  uint32       // id of the last request
	whole atomic.Int64 // answers that have ended
}

const (
	noGoAway  = http2.ErrCode(0xffff)
	stillOpen = http2.ErrCode(0xfffe)
)

// secure serves h over TLS with these limits.
func secure(t *testing.T, limits config.Limits, h http.Handler) *Server {
	t.Helper()
	files := writeCert(t, t.TempDir(), 1)
	return start(t, config.Listener{TLS: &files, Limits: limits, HeaderTimeout: config.Duration(time.Second)}, h)
}

func dialH2(t *testing.T, s *Server) *rawH2 {
	t.Helper()
	var conn net.Conn
	var err error
	if s.tls != nil {
		conn, err = tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	} else {
		conn, err = net.Dial("tcp", s.Addr().String())
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &rawH2{t: t, Conn: conn, Framer: http2.NewFramer(conn, conn), over: make(chan http2.ErrCode, 1), next: 1}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	_ = c.WriteSettings()
	go c.listen()
	return c
}

// listen reads, so that the connection does not fill, until it ends.
func (c *rawH2) listen() {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			c.end(noGoAway)
			return
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			c.end(f.ErrCode)
		case *http2.DataFrame:
			if f.StreamEnded() {
				c.whole.Add(1)
			}
		}
	}
}

func (c *rawH2) end(code http2.ErrCode) {
	select {
	case c.over <- code:
	default: // the first one counts
	}
}

// block is the header block of a request.
func block(path string, extra ...hpack.HeaderField) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range append([]hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a"}, {Name: ":path", Value: path}}, extra...) {
		_ = e.WriteField(f)
	}
	return b.Bytes()
}

var plainBlock = block("/")

// request opens a stream.
func (c *rawH2) request(end bool) error {
	c.last, c.next = c.next, c.next+2
	return c.WriteHeaders(http2.HeadersFrameParam{StreamID: c.last, BlockFragment: plainBlock, EndHeaders: true, EndStream: end})
}

// flooded sends until the server hangs up, at most n times, and says how it did.
func (c *rawH2) flooded(n int, send func() error) http2.ErrCode {
	c.t.Helper()
	for range n {
		if send() != nil {
			break
		}
		select {
		case code := <-c.over:
			return code
		default:
		}
	}
	select {
	case code := <-c.over:
		return code
	case <-time.After(5 * time.Second):
		return stillOpen
	}
}

// good is a client that must be served whatever others do.
func good(t *testing.T, s *Server) func() {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	stop, done := make(chan struct{}), make(chan int)
	get := func() bool {
		resp, err := (&http.Client{Transport: tr, Timeout: 30 * time.Second}).Get("https://" + s.Addr().String())
		if err != nil {
			t.Errorf("the good client: %v", err)
			return false
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	}
	if !get() {
		t.Fatal("the good client is not served")
	}
	go func() {
		served := 0
		for ; get(); served++ {
			select {
			case <-stop:
				done <- served
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
		done <- -1
	}()
	return func() {
		close(stop)
		if n := <-done; n < 0 {
			t.Error("the good client was not served")
		}
		tr.CloseIdleConnections()
	}
}
