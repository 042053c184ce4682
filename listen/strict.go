package listen

import (
	"bytes"
	"net/http"
	"sync/atomic"

	"github.com/sallyport/sallyport/exchange"
)

// strict reads HTTP/1 before net/http does, line by line, and lets it see no line that two readers could take for
// different ones: net/http resolves much of that silently (Content-Length beside chunked, lines ended by LF, folded
// fields, equal repeated lengths), and answers the rest without a record (RFC 9112; SECURITY-LESSONS 1).
//
// When a line of a head is refused, it is replaced by the shortest end of a head, and the request that net/http then reads
// carries the refusal to [Check], so that it ends like every other: with a problem and one record. Nothing that follows it
// on the connection is read. Of a body, a wrong line between chunks is replaced by one on which net/http ends it with an error.
//
// Its methods are for the goroutine that reads the connection, but refused, which is for the handlers'.
type strict struct {
	state state
	left  int64  // bytes that are to come: of a body, a chunk
	line  []byte // what has come of a line
	max   int    // bytes of a head, or of the trailers of a body; net/http takes more
	plain bool   // a client that forgot TLS: nothing it says is served, see [held.forgotten]
	head  head
	begun int64          // heads
	first exchange.Order // of the fields of the first one, once it is whole

	broken atomic.Pointer[refusal] // set once, before the head that it is about can be read
}

// A refusal is what is wrong with a head, and what is known of its request line.
type refusal struct {
	request        int64 // of the connection, from 1
	reason         *exchange.Reason
	detail         string
	method, target string
	fatal          bool // the connection ends with an error of HTTP/2, and not with the answer
}

type state uint8

const (
	atMethod state = iota
	atTarget
	atFields
	inBody
	atChunk
	inChunk
	atChunkEnd
	atTrailers
	passing // upgraded: not ours any more
	refused // nothing is read any more
)

const unknownHost = "refused.invalid"

// wrong is taken by net/http neither for a chunk's size nor for its end, nor for a trailer.
const wrong = "!\r\n\r\n"

const (
	maxMethod    = 32
	maxChunkLine = 256 // size and extension; nobody honest needs more than the former
)

// feed appends to out what net/http may read of in.
func (s *strict) feed(out, in []byte) []byte {
	for len(in) > 0 {
		switch s.state {
		case passing:
			return append(out, in...)
		case refused:
			return out
		case atMethod:
			out, in = s.method(out, in)
		case inBody, inChunk:
			n := min(s.left, int64(len(in)))
			out, in = append(out, in[:n]...), in[n:]
			s.took(n)
		default:
			end := bytes.IndexByte(in, '\n') + 1
			if end == 0 {
				s.line = append(s.line, in...)
				return s.long(out)
			}
			line := in[:end]
			if len(s.line) > 0 {
				line = append(s.line, line...)
			}
			s.line, in = s.line[:0], in[end:]
			out = s.whole(out, line)
		}
	}
	return out
}

// took notes bytes of a body that have passed.
func (s *strict) took(n int64) {
	s.left -= n
	switch {
	case s.left > 0:
	case s.state == inBody:
		s.state = atMethod
	default:
		s.state = atChunkEnd
	}
}

// skip notes that n bytes pass as they are, and reports whether they may: no line begins in them.
func (s *strict) skip(n int) bool {
	switch {
	case s.state == passing:
		return true
	case s.state != inBody && s.state != inChunk || int64(n) > s.left:
		return false
	}
	s.took(int64(n))
	return true
}

// owed reports whether the client has more to send of a message whose head was judged.
func (s *strict) owed() bool { return s.state >= inBody && s.state != passing }

// release ends the reading: the connection speaks another protocol from now on. It returns what was kept back.
func (s *strict) release() []byte {
	s.state = passing
	return s.line
}

// method lets the method pass as it comes: by its first bytes net/http knows that a request has begun, and its time with it.
func (s *strict) method(out, in []byte) ([]byte, []byte) {
	h := &s.head
	if len(h.method) == 0 {
		s.begun++
		h.size = 0
	}
	for i, c := range in {
		if c == ' ' && len(h.method) > 0 {
			s.state, h.size = atTarget, len(h.method)+1
			return append(out, in[:i+1]...), in[i+1:]
		}
		if !tchar(c) || len(h.method) == maxMethod {
			if out = append(out, in[:i]...); len(h.method) == 0 {
				out = append(out, http.MethodGet...)
			}
			return s.refuse(append(out, ' '), exchange.BadFraming, "the request line does not begin with a method and a space"), nil
		}
		h.method = append(h.method, c)
	}
	return append(out, in...), nil
}

// long is called with a line that has not ended yet.
func (s *strict) long(out []byte) []byte {
	switch {
	case len(s.line) > maxChunkLine && (s.state == atChunk || s.state == atChunkEnd), s.large(s.line) && s.state == atTrailers:
		s.state = refused
		return append(out, wrong...)
	case s.large(s.line) && s.state < inBody:
		return s.refuse(out, exchange.HeadTooLarge, tooLarge)
	}
	return out
}

// large reports whether a head would be larger than allowed with this line.
func (s *strict) large(line []byte) bool { return s.head.size+len(line) > s.max }

const tooLarge = "the request line and the header are larger than max_header"

// whole judges a line with its end.
func (s *strict) whole(out, line []byte) []byte {
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	switch {
	case s.state >= atChunk && ok && s.chunkLine(text):
		return append(out, line...)
	case s.state >= atChunk:
		s.state = refused
		return append(out, wrong...)
	case !ok:
		return s.refuse(out, exchange.BadFraming, "a line is not ended by CRLF")
	case s.large(line):
		return s.refuse(out, exchange.HeadTooLarge, tooLarge)
	}
	s.head.size += len(line)
	switch {
	case s.state == atTarget:
		if reason, detail := s.head.requestLine(text, s.plain); detail != "" || s.plain {
			return s.refuse(out, reason, detail)
		}
		s.state = atFields
		return append(out, line...)
	case len(text) == 0:
		return s.endHead(out, line)
	}
	if s.begun == 1 {
		s.head.order = withLine(s.head.order, text)
	}
	reason, detail := s.head.field(text)
	switch {
	case detail != "":
		return s.refuse(out, reason, detail)
	case s.head.withheld(line):
		return out
	}
	return append(out, line...)
}

// endHead judges the head as a whole and says what follows it.
func (s *strict) endHead(out, line []byte) []byte {
	if !s.head.hosted && !s.head.old {
		return s.refuse(out, exchange.BadHeader, "there is no Host")
	}
	if s.begun == 1 {
		s.first = s.head.order
	}
	out = append(append(out, s.head.framing...), line...)
	switch {
	case s.head.chunked:
		s.state = atChunk
	case s.head.length > 0:
		s.state, s.left = inBody, s.head.length
	default:
		s.state = atMethod
	}
	s.head.reset()
	return out
}

// refuse completes the head so that net/http reads a request, which will not pass.
func (s *strict) refuse(out []byte, reason *exchange.Reason, detail string) []byte {
	if s.plain {
		reason, detail = exchange.PlainHTTP, "plain HTTP where TLS is spoken"
	}
	s.broken.Store(&refusal{request: s.begun, reason: reason, detail: detail, method: string(s.head.method), target: string(s.head.target)})
	if s.state < atFields {
		out = append(out, "/ HTTP/1.1\r\n"...)
	}
	if !s.head.hosted {
		out = append(out, "Host: "+unknownHost+"\r\n"...)
	}
	s.state = refused
	return append(out, "Connection: close\r\n\r\n"...)
}

// chunkLine judges a line between the chunks of a body (RFC 9112 section 7.1).
func (s *strict) chunkLine(text []byte) bool {
	switch s.state {
	case atChunkEnd:
		s.state = atChunk
		return len(text) == 0
	case atTrailers:
		if len(text) == 0 {
			s.state = atMethod
			return true
		}
		s.head.size += len(text) + 2
		_, _, ok := cutField(text)
		return ok && s.head.size <= s.max
	}
	size, extension, _ := bytes.Cut(text, []byte(";"))
	n, ok := hexadecimal(bytes.TrimRight(size, " \t"))
	if !ok || len(text) > maxChunkLine || !clean(string(extension), false) || bytes.Count(extension, []byte(`"`))%2 != 0 {
		return false
	}
	s.state, s.left = inChunk, n
	if n == 0 {
		s.state = atTrailers
	}
	return true
}

// hexadecimal reads up to 15 digits.
func hexadecimal(digits []byte) (n int64, ok bool) {
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int64(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int64(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, 0 < len(digits) && len(digits) < 16
}
