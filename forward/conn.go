package forward

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Sizes of a connection's memory.
const (
	readBuffer  = 4 << 10
	keptScratch = 32 << 10 // a scratch that grew beyond is not kept
	inlineBody  = 16 << 10 // a body up to this goes out with the head, before anything is read
)

// A conn is one HTTP/1.1 connection to a target. It carries one exchange at a time, and whoever took it has it alone;
// request and answer are written and read by the goroutine that asks, so that an exchange costs no switch to another.
type conn struct {
	net.Conn          // TLS, where there is some
	raw      net.Conn // what is beneath it: closing it interrupts at once, without a word
	reader   *bufio.Reader
	scratch  []byte   // heads are written from it and read into it
	names    []string // of the header that is being written
	since    time.Time
	cut      func() // closes raw; made once, for context.AfterFunc
	probe    probe
}

func newConn(c, raw net.Conn) (*conn, error) {
	cn := &conn{Conn: c, raw: raw, reader: bufio.NewReaderSize(c, readBuffer)}
	cn.cut = func() { raw.Close() }
	if sc, ok := raw.(syscall.Conn); ok {
		return cn, cn.probe.attach(sc)
	}
	return cn, nil
}

// exchange sends a request and reads the head of its answer. The answer's body is c.incoming, which gives the
// connection back; after an error the connection is closed. When ctx ends, so does the connection.
func (cn *conn) exchange(ctx context.Context, home *idle, c *call, out *Request, h http.Header, host string) (*http.Response, error) {
	head, err := cn.appendHead(cn.scratch[:0], out, h, host)
	if err != nil {
		cn.cut()
		if out.Stream != nil {
			out.Stream.Close()
		}
		return nil, err
	}
	began := time.Now()
	b := &c.incoming
	*b = incoming{call: c, conn: cn, home: home, stop: context.AfterFunc(ctx, cn.cut)}
	unsent := cn.send(c, head, out)
	resp, err := cn.answer(home.patience, began, c, out.Method)
	if err == nil {
		return resp, nil
	}
	b.drop()
	if unsent != nil {
		return nil, unsent
	}
	return nil, err
}

// answer reads heads until one is final. Patience bounds the wait for it; 0 is no limit. The exchange began when it began.
func (cn *conn) answer(patience time.Duration, began time.Time, c *call, method string) (*http.Response, error) {
	if patience > 0 {
		if err := cn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
	}
	budget := maxResponseHeader
	resp := &c.response
	for {
		block, err := cn.readHead(&budget)
		if err != nil {
			return nil, err
		}
		if err := parseHead(block, resp); err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	if patience > 0 {
		if err := cn.SetReadDeadline(time.Time{}); err != nil {
			return nil, err
		}
	}
	if time.Since(began) > unnoticed {
		c.lain = cn.probe.lain()
	}
	resp.Body = &c.incoming
	return resp, c.incoming.frame(resp, method)
}

// readHead reads to the end of a head, or of trailers, and returns its lines with the empty one. It takes what it reads from budget.
// io.EOF is the end of the connection before the first byte.
func (cn *conn) readHead(budget *int) (string, error) {
	head := cn.scratch[:0]
	for line := 0; ; {
		part, err := cn.reader.ReadSlice('\n')
		head = append(head, part...)
		if *budget -= len(part); *budget < 0 {
			return "", errHeadTooLarge
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(head) > 0:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		if last := head[line:]; len(last) == 1 || len(last) == 2 && last[0] == '\r' {
			cn.keepScratch(head)
			return string(head), nil
		}
		line = len(head)
	}
}

func (cn *conn) keepScratch(b []byte) {
	if cap(b) <= keptScratch {
		cn.scratch = b
	}
}

// fit tells whether the connection can carry another exchange: it is open, and nothing has come that nobody asked for.
// What an upstream says more than its answer would else be taken for the next one.
func (cn *conn) fit() bool {
	if cn.reader.Buffered() > 0 || cn.probe.stirs() {
		return false
	}
	if _, secure := cn.Conn.(*tls.Conn); !secure {
		return true
	}
	// Beneath the buffer lies that of TLS. Reading with a deadline that has passed gives what is in there, and takes nothing
	// from the network.
	if cn.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	_, err := cn.reader.Peek(1)
	return timedOut(err) && cn.SetReadDeadline(time.Time{}) == nil
}
