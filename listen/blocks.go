package listen

import (
	"encoding/binary"
	"net/http"
	"sync/atomic"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/exchange"
)

// blocks reads the header blocks of HTTP/2 before net/http does, as strict reads the lines of HTTP/1: net/http answers a
// malformed one itself, by 400 or RST_STREAM, or GOAWAY, and so without a problem and without a record. A block is kept back
// until it is whole. One that passes goes on byte for byte, so that both decompressors (RFC 7541) stay in step; the other is
// replaced by a request that carries the refusal to [Check]. Header blocks that follow it are not read any more, and the
// connection ends with the answer.
//
// What is no header block passes as it comes. Trailers are decompressed to stay in step; net/http judges them, and whoever
// reads the body records it. Methods are for the goroutine that reads the connection, but broken, which is for the handlers'.
type blocks struct {
	decoder *hpack.Decoder
	list    fieldList
	max     int // bytes of a block, and of what it says
	secure  bool

	head [9]byte // of the frame that is being read
	have int     // bytes of it
	left int     // bytes of the payload that are to come
	kept bool    // the payload is kept back
	open bool    // a block has begun and not ended
	held []byte  // its frames

	at      int            // where the frame begins in held
	stream  uint32         // of the block
	ended   bool           // no body follows the block
	opening bool           // the block is a request, and no trailers
	last    uint32         // the highest stream that was opened
	first   exchange.Order // of the fields of the first request

	broken atomic.Pointer[refusal] // set once, before the request that carries it can be read
}

// maxFrame is the size of frames that we announce.
const maxFrame = 16 << 10

func newBlocks(maxHead int, secure bool) *blocks {
	b := &blocks{max: maxHead, secure: secure}
	b.decoder = hpack.NewDecoder(4096, func(f hpack.HeaderField) { b.list.add(f) }) // RFC 9113 section 6.5.2: we announce no other table
	b.decoder.SetMaxStringLength(maxHead)
	return b
}

// feed appends to out what net/http may read of in. The error is for net/http to say, once it has read that.
func (b *blocks) feed(out, in []byte) ([]byte, error) {
	for len(in) > 0 {
		var err error
		if b.left == 0 {
			n := copy(b.head[b.have:], in)
			in = in[n:]
			if b.have += n; b.have < len(b.head) {
				return out, nil
			}
			b.have = 0
			out, err = b.begin(out)
		} else {
			n := min(b.left, len(in))
			if b.kept {
				b.held = append(b.held, in[:n]...)
			} else if b.broken.Load() == nil || !b.ours() {
				out = append(out, in[:n]...)
			}
			in = in[n:]
			b.left -= n
		}
		if err == nil && b.left == 0 && b.kept {
			out, err = b.end(out)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// skip notes that n bytes pass as they are, and reports whether they may: no frame begins in them.
func (b *blocks) skip(n int) bool {
	if n > b.left || b.ours() {
		return false
	}
	b.left -= n
	return true
}

// ours reports whether the frame is part of a header block.
func (b *blocks) ours() bool { return b.head[3] == frameHeaders || b.head[3] == frameContinuation }

// begin is called with the header of a frame.
func (b *blocks) begin(out []byte) ([]byte, error) {
	b.left = int(b.head[0])<<16 | int(b.head[1])<<8 | int(b.head[2])
	kind, stream := b.head[3], binary.BigEndian.Uint32(b.head[5:])&(1<<31-1)
	switch {
	case b.broken.Load() != nil:
		if b.ours() {
			return out, nil
		}
	case b.open != (kind == frameContinuation) || b.open && stream != b.stream:
		return b.fail(out, http2.ErrCodeProtocol, "a header block is interrupted, or continued where none is open")
	case !b.ours():
	case b.left > maxFrame:
		return b.fail(out, http2.ErrCodeFrameSize, "a frame is longer than SETTINGS_MAX_FRAME_SIZE")
	case kind == frameHeaders && stream%2 == 0:
		return b.fail(out, http2.ErrCodeProtocol, "a request on a stream that is not a client's")
	default:
		return b.keep(out, kind, stream)
	}
	return append(out, b.head[:]...), nil
}

// keep begins to hold a frame back.
func (b *blocks) keep(out []byte, kind byte, stream uint32) ([]byte, error) {
	if kind == frameHeaders {
		b.open, b.stream, b.opening = true, stream, stream > b.last
		b.ended = b.head[4]&flagEndStream != 0
		b.list = fieldList{max: b.max}
		b.decoder.SetEmitEnabled(b.opening)
	}
	if len(b.held)+b.left > b.max {
		return b.refuse(out, exchange.HeadTooLarge, tooLarge, http2.ErrCodeNo)
	}
	b.kept, b.at = true, len(b.held)
	b.held = append(b.held, b.head[:]...)
	return out, nil
}

// end is called with a whole frame of a block.
func (b *blocks) end(out []byte) ([]byte, error) {
	b.kept = false
	frame := b.held[b.at:]
	text, itself, ok := fragment(frame, b.stream)
	switch {
	case !ok:
		return b.fail(out, http2.ErrCodeProtocol, "padding or priority do not fit into their frame")
	case itself:
		b.list.blame(exchange.BadFraming, "a stream depends on itself")
	}
	if _, err := b.decoder.Write(text); err == hpack.ErrStringLength {
		return b.refuse(out, exchange.HeadTooLarge, tooLarge, http2.ErrCodeNo)
	} else if err != nil {
		return b.fail(out, http2.ErrCodeCompression, "a header block that cannot be decompressed")
	}
	if b.list.size > b.max {
		return b.refuse(out, exchange.HeadTooLarge, tooLarge, http2.ErrCodeNo)
	}
	if frame[4]&flagEndHeaders == 0 {
		return out, nil
	}
	if b.decoder.Close() != nil {
		return b.fail(out, http2.ErrCodeCompression, "a header block that ends within a field")
	}
	if b.opening {
		b.list.whole(b.secure)
		if b.list.reason != nil {
			return b.refuse(out, b.list.reason, b.list.detail, http2.ErrCodeNo)
		}
		if b.last == 0 {
			b.first = b.list.order
		}
		b.last = b.stream
	}
	b.open = false
	out = append(out, b.held...)
	if b.held = b.held[:0]; cap(b.held) > 4<<10 {
		b.held = nil
	}
	return out, nil
}

// fragment is what a HEADERS or CONTINUATION frame has of its block (RFC 9113 section 6.2), and whether it says that stream
// depends on itself.
func fragment(frame []byte, stream uint32) (text []byte, itself, ok bool) {
	kind, flags, text := frame[3], frame[4], frame[9:]
	if kind == frameContinuation {
		return text, false, true
	}
	padding := 0
	if flags&flagPadded != 0 {
		if len(text) == 0 {
			return nil, false, false
		}
		padding, text = int(text[0]), text[1:]
	}
	if flags&flagPriority != 0 {
		if len(text) < 5 {
			return nil, false, false
		}
		itself, text = binary.BigEndian.Uint32(text)&(1<<31-1) == stream, text[5:]
	}
	if padding > len(text) {
		return nil, false, false
	}
	return text[:len(text)-padding], itself, true
}

// fail refuses what ends the whole connection (RFC 9113 section 5.4.1): the client reads GOAWAY. Where no request has begun, the
// record is that of one which nobody sent.
func (b *blocks) fail(out []byte, code http2.ErrCode, detail string) ([]byte, error) {
	if !b.open {
		b.list, b.opening = fieldList{}, true
		b.stream = b.last + 1 + b.last%2
	}
	b.ended = true
	return b.refuse(out, exchange.BadFraming, detail, code)
}

// refuse puts a request that will not pass in the place of the block. Trailers have had their request.
func (b *blocks) refuse(out []byte, reason *exchange.Reason, detail string, code http2.ErrCode) ([]byte, error) {
	b.kept, b.open, b.held = false, false, nil
	b.broken.Store(&refusal{reason: reason, detail: detail, method: b.list.method, target: or(b.list.path, "/"), fatal: code != http2.ErrCodeNo})
	switch {
	case b.opening:
		out = b.substitute(out)
	case code == http2.ErrCodeNo:
		code = http2.ErrCodeEnhanceYourCalm // trailers that are too large
	}
	if code != http2.ErrCodeNo {
		return out, http2.ConnectionError(code)
	}
	return out, nil
}

// substitute appends a request with a target that whole lets nobody ask for; see refused.
func (b *blocks) substitute(out []byte) []byte {
	scheme, flags := byte(0x86), byte(flagEndHeaders) // RFC 7541 appendix A: http
	if b.secure {
		scheme = 0x87
	}
	if b.ended {
		flags |= flagEndStream
	}
	host := unknownHost
	if len(b.list.authority) < 127 && validHost(b.list.authority) {
		host = b.list.authority
	}
	out = append(out, 0, 0, byte(7+len(host)), frameHeaders, flags)
	out = binary.BigEndian.AppendUint32(out, b.stream)
	out = append(out, 0x82, scheme, 0x04, 1, '*', 0x01, byte(len(host))) // GET, :path and :authority not to be remembered
	return append(out, host...)
}

// refused is what the request r of this connection stands for, or nil.
func (b *blocks) refused(r *http.Request) *refusal {
	if r.RequestURI != "*" || r.Method == http.MethodOptions {
		return nil
	}
	return b.broken.Load()
}
