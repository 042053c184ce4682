package forward

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpguts"
)

var errOutgoing = errors.New("a header field that cannot be sent")

// send writes a request, or begins to: a stream, or a large body, goes on beside the reading of the answer, which may come before
// its end. An error does not mean that there is no answer.
func (cn *conn) send(c *call, head []byte, out *Request) (err error) {
	switch {
	case out.Stream != nil:
		if _, err = cn.Write(head); err != nil {
			out.Stream.Close()
			break
		}
		c.stream.ReadCloser = out.Stream
		go c.pump(cn, out)
	case len(out.Body) > inlineBody:
		if _, err = cn.Write(head); err == nil {
			c.writing.Go(func() { c.write(cn, out.Body) })
		}
	default:
		head = append(head, out.Body...)
		_, err = cn.Write(head)
		c.sent.Store(err == nil)
	}
	cn.keepScratch(head)
	return err
}

// appendHead writes the request line and the header: Host and framing first, the rest by name.
func (cn *conn) appendHead(b []byte, out *Request, h http.Header, host string) ([]byte, error) {
	b = append(append(append(b, out.Method...), ' '), out.Path...)
	if out.RawQuery != "" {
		b = append(append(b, '?'), out.RawQuery...)
	}
	if !httpguts.ValidHostHeader(host) || !token(out.Method) {
		return b, fmt.Errorf("%w: Host or method", errOutgoing)
	}
	b = append(append(append(b, " HTTP/1.1\r\nHost: "...), host...), "\r\n"...)
	b = appendFraming(b, out)
	cn.names = cn.names[:0]
	for name := range h {
		cn.names = append(cn.names, name)
	}
	slices.Sort(cn.names)
	for _, name := range cn.names {
		if !token(name) {
			return b, fmt.Errorf("%w: its name is no token", errOutgoing)
		}
		for _, value := range h[name] {
			if !httpguts.ValidHeaderFieldValue(value) {
				return b, fmt.Errorf("%w: the value of %s", errOutgoing, name)
			}
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...), nil
}

// appendFraming says how long the body is (RFC 9112 section 6). A request whose method expects a body says also that there is none.
func appendFraming(b []byte, out *Request) []byte {
	length := int64(len(out.Body))
	if out.Stream != nil {
		length = out.Length
	}
	switch {
	case length > 0:
	case out.Stream != nil:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		for i, name := range trailerNames(out.Trailer) {
			b = append(append(b, [2]string{"Trailer: ", ", "}[min(i, 1)]...), name...)
		}
		if len(out.Trailer) > 0 {
			b = append(b, "\r\n"...)
		}
		return b
	case out.Method != http.MethodPost && out.Method != http.MethodPut && out.Method != http.MethodPatch:
		return b
	}
	return append(strconv.AppendInt(append(b, "Content-Length: "...), length, 10), "\r\n"...)
}

func trailerNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func token(s string) bool { return httpguts.ValidHeaderFieldName(s) }

// write sends a large body.
func (c *call) write(cn *conn, body []byte) {
	_, err := cn.Write(body)
	c.sent.Store(err == nil)
}

// pump sends a stream as it arrives. One that breaks off takes the connection along, so that the upstream cannot take it for whole.
func (c *call) pump(cn *conn, out *Request) {
	defer c.stream.Close()
	left := out.Length
	if left <= 0 {
		left = chunked
	}
	left, err := copyBody(cn, &c.stream, left)
	if err == nil && left > 0 {
		c.stream.broken.Store(true)
	}
	if c.stream.broken.Load() {
		cn.cut()
		return
	}
	if err == nil && left == chunked {
		_, err = cn.Write(appendTrailer([]byte("0\r\n"), out.Trailer))
	}
	c.sent.Store(err == nil)
}

// chunked is the length of a body that goes out in chunks.
const chunked = -1

// room for the size of a chunk before it, and the end of line after it.
const (
	chunkSize = len("ffff\r\n")
	chunkEnd  = len("\r\n")
)

// copyBody sends each piece as soon as it is there, as a chunk or as it is, and returns what is left. It asks for nothing behind the end:
// the answer may have come by then, and with it the end of the body's life.
func copyBody(to io.Writer, from io.Reader, left int64) (int64, error) {
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for left != 0 {
		room := buf[chunkSize : len(buf)-chunkEnd]
		if left > 0 {
			room = room[:min(int64(len(room)), left)]
		}
		n, err := from.Read(room)
		piece := room[:n]
		if left == chunked && n > 0 {
			piece = enclose(buf, n)
		} else if left > 0 {
			left -= int64(n)
		}
		if n > 0 {
			if _, werr := to.Write(piece); werr != nil {
				return left, werr
			}
		}
		if err == io.EOF {
			break
		} else if err != nil {
			return left, err
		}
	}
	return left, nil
}

// enclose makes a chunk of n bytes at buf[chunkSize:].
func enclose(buf *[32 << 10]byte, n int) []byte {
	var size [chunkSize]byte
	head := append(strconv.AppendUint(size[:0], uint64(n), 16), "\r\n"...)
	from := chunkSize - len(head)
	copy(buf[from:], head)
	copy(buf[chunkSize+n:], "\r\n")
	return buf[from : chunkSize+n+chunkEnd]
}

// appendTrailer ends a chunked body. What cannot be a field is left out: the message is on its way already.
func appendTrailer(b []byte, h http.Header) []byte {
	for _, name := range trailerNames(h) {
		for _, value := range h[name] {
			if token(name) && httpguts.ValidHeaderFieldValue(value) {
				b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
			}
		}
	}
	return append(b, "\r\n"...)
}
