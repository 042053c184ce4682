package differential

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Probe is what an honest request behind each message asks for; its answer shows that both ends of a connection still
// agree where a request begins.
const Probe = "/probe"

const probe = "GET " + Probe + " HTTP/1.1\r\nHost: h\r\n\r\n"

// A Client sends messages as bytes, on one connection as long as the other side keeps it.
type Client struct {
	Address string
	// Served waits until nothing is being served and tells how many requests were since the message began, and whether the
	// last of them was the probe.
	Served func() (n int, probed bool)
	// Quiet is how long the client waits for an answer before it tells that nothing more will come: while a request is being
	// served, and while none is. It must be generous where every message has to be answered.
	Quiet, Idle time.Duration
	// Busy reports whether a request is being served.
	Busy func() bool

	conn   net.Conn
	reader *bufio.Reader
}

// Outcome is what a client saw after one message.
type Outcome struct {
	Statuses []int // of final answers
	Closed   bool  // by the other side
}

// Send writes the message and a probe, and reads answers until the probe's, or until the other side closes. A message
// that is known to be cut short is ended at once.
func (c *Client) Send(message []byte, cut bool) (Outcome, error) {
	var o Outcome
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return o, err
		}
	}
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
	wire := message
	if !cut {
		wire = append(bytes.Clone(message), probe...)
	}
	_, _ = c.conn.Write(wire) // a refusal may have closed before all was taken
	half := cut && c.half()
	for {
		if !half && !c.more() {
			half = c.half()
		}
		status, closes, err := c.answer(len(o.Statuses) == 0 && bytes.HasPrefix(message, []byte("HEAD ")))
		if err != nil {
			c.drop()
			o.Closed = true
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return o, fmt.Errorf("the connection was left open: %w", err)
			}
			return o, nil
		}
		o.Statuses = append(o.Statuses, status)
		if n, probed := c.Served(); probed && n <= len(o.Statuses) && !half && !closes {
			return o, nil
		}
	}
}

// more waits for the first byte of an answer, or the end. It is false where the other side waits for us.
func (c *Client) more() bool {
	for start := time.Now(); ; {
		_ = c.conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		_, err := c.reader.Peek(1)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
		if waited := time.Since(start); waited > c.Quiet || waited > c.Idle && !c.Busy() {
			return false
		}
	}
}

func (c *Client) dial() (err error) {
	if c.conn, err = net.Dial("tcp", c.Address); err != nil {
		return err
	}
	c.reader = bufio.NewReader(c.conn)
	return nil
}

// half ends what the client sends.
func (c *Client) half() bool {
	return c.conn.(*net.TCPConn).CloseWrite() == nil
}

// answer reads one final answer.
func (c *Client) answer(head bool) (status int, closes bool, err error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	asked := &http.Request{Method: http.MethodGet}
	if head {
		asked.Method = http.MethodHead
	}
	for {
		resp, err := http.ReadResponse(c.reader, asked) //nolint:bodyclose // read to its end below; the connection stays
		if err != nil {
			return 0, false, err
		}
		_, err = io.Copy(io.Discard, resp.Body) // its end may be lost in a reset
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp.StatusCode, err != nil || resp.Close || strings.EqualFold(resp.Header.Get("Connection"), "close"), nil
		}
	}
}

func (c *Client) drop() {
	if c.conn != nil {
		_ = c.conn.(*net.TCPConn).SetLinger(0) // thousands of them would wait for their time to end
		c.conn.Close()
		c.conn = nil
	}
}

// Close ends the connection.
func (c *Client) Close() { c.drop() }
