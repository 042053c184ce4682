package forward

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

var errFraming = errors.New("the answer's length is not clear")

// incoming is the body of an answer on a connection of ours. Its end, or Close, gives the connection back or closes it. Not for
// concurrent use.
type incoming struct {
	call    *call
	conn    *conn // nil once it was given back
	home    *idle
	stop    func() bool  // ends the watch on the context
	left    int64        // bytes to come, where that is known
	chunks  io.Reader    // decodes a chunked body
	trailer *http.Header // of a chunked one
	endless bool         // ends with the connection
	keep    bool         // the connection may serve again
	err     error        // what reading ended with
}

// frame decides where the body ends (RFC 9112 section 6.3). Whatever two readers could decide differently is refused.
func (b *incoming) frame(resp *http.Response, method string) error {
	length, chunked, err := framed(resp)
	if err != nil {
		return err
	}
	status := resp.StatusCode
	b.keep = resp.ProtoMinor == 1 && !hasToken(resp.Header["Connection"], "close")
	resp.ContentLength = length
	switch {
	case status == http.StatusSwitchingProtocols:
		b.stop()
		resp.Body = &switched{b.conn}
	case status == http.StatusNoContent || status == http.StatusNotModified:
		resp.ContentLength = 0
		b.end()
	case method == http.MethodHead:
		b.end()
	case chunked:
		b.chunks, b.trailer = httputil.NewChunkedReader(b.conn.reader), &resp.Trailer
		return announce(resp)
	case length == 0:
		b.end()
	case length > 0:
		b.left = length
	default:
		b.endless, b.keep = true, false
	}
	return nil
}

// framed reads what the header says of the length: -1 when nothing does.
func framed(resp *http.Response) (length int64, chunked bool, err error) {
	codings, lengths := resp.Header["Transfer-Encoding"], resp.Header["Content-Length"]
	switch {
	case len(codings) == 0 && len(lengths) == 0:
		return -1, false, nil
	case len(codings) == 0 && len(lengths) == 1 && digits(lengths[0]):
		length, err = strconv.ParseInt(lengths[0], 10, 64)
		return length, false, err
	case len(codings) == 1 && len(lengths) == 0 && strings.EqualFold(codings[0], "chunked") && resp.ProtoMinor == 1:
		return -1, true, nil
	}
	return 0, false, fmt.Errorf("%w: Transfer-Encoding %q, Content-Length %q", errFraming, codings, lengths)
}

// announce takes the names of trailers out of the header.
func announce(resp *http.Response) error {
	for _, line := range resp.Header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.Trim(name, " \t"))
			if !trailing(name) {
				return fmt.Errorf("%w: it announces the trailer %q", errFraming, name)
			}
			if resp.Trailer == nil {
				resp.Trailer = http.Header{}
			}
			resp.Trailer[name] = nil
		}
	}
	return nil
}

// trailing reports names that may stand behind a body (RFC 9110 section 6.5.1).
func trailing(name string) bool {
	return token(name) && !hopByHop(name) && !decisive(name)
}

func (b *incoming) Read(p []byte) (n int, err error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if n, err = b.read(p); err == nil {
		return n, nil
	}
	b.err = err
	if err == io.EOF {
		b.end()
	} else {
		b.drop()
	}
	return n, err
}

func (b *incoming) read(p []byte) (int, error) {
	switch {
	case b.chunks != nil:
		n, err := b.chunks.Read(p)
		if err == io.EOF {
			err = b.readTrailer()
		}
		return n, err
	case b.endless:
		return b.conn.reader.Read(p)
	}
	n, err := b.conn.reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		err = io.EOF // at once, so that the connection is free before anybody asks again
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// readTrailer reads what follows the last chunk, in which LF alone ends no line. It returns io.EOF when all is well.
func (b *incoming) readTrailer() error {
	budget := maxResponseHeader
	block, err := b.conn.readHead(&budget)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if block == "\r\n" {
		return io.EOF
	}
	fields, err := parseFields(block)
	if err != nil || strings.Count(block, "\n") != strings.Count(block, "\r\n") {
		return errField
	}
	for name, values := range fields {
		if !trailing(name) {
			return fmt.Errorf("%w: trailer %q", errField, name)
		}
		if *b.trailer == nil {
			*b.trailer = http.Header{}
		}
		(*b.trailer)[name] = values
	}
	return io.EOF
}

// Close may be called more than once. What is left of the body is read only if it is here already.
func (b *incoming) Close() error {
	if b.conn != nil && b.left > 0 && b.left <= int64(b.conn.reader.Buffered()) {
		_, _ = b.conn.reader.Discard(int(b.left))
		b.end()
	}
	b.drop()
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
	}
	return nil
}

// end gives the connection back, if it can serve again: the request has gone out whole, nobody has interrupted it, and
// nothing follows the answer.
func (b *incoming) end() {
	if b.err == nil {
		b.err = io.EOF
	}
	if b.conn == nil || !b.keep || !b.call.sent.Load() || b.conn.reader.Buffered() > 0 {
		b.drop()
		return
	}
	cn := b.conn
	b.conn = nil
	if !b.stop() || !b.home.put(cn) {
		cn.cut()
	}
}

// drop closes the connection, unless it was given back.
func (b *incoming) drop() {
	if b.conn != nil {
		b.stop()
		b.conn.cut()
		b.call.writing.Wait() // ends at once now; the body's memory is its owner's again
		b.conn = nil
	}
}

// switched is a connection that speaks another protocol now.
type switched struct{ *conn }

func (s *switched) Read(p []byte) (int, error) { return s.reader.Read(p) }

func (s *switched) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return s.Close()
}
