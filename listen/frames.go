package listen

import "encoding/binary"

// Frame types and flags of RFC 9113 section 6 that are told apart here.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameResetStream  = 0x3
	frameGoAway       = 0x7
	frameContinuation = 0x9

	flagEndStream  = 0x1  // DATA, HEADERS
	flagEndHeaders = 0x4  // HEADERS, CONTINUATION
	flagPadded     = 0x8  // DATA, HEADERS
	flagPriority   = 0x20 // HEADERS
)

// A frame is the header of an HTTP/2 frame, as far as floods are judged by it.
type frame struct {
	length int
	kind   byte
	flags  byte
	code   uint32 // error code of RST_STREAM and GOAWAY
}

// frames follows one direction of an HTTP/2 connection (RFC 9113 section 4.1) from frame to frame. It keeps 17 bytes,
// whatever comes, and does not judge whether frames are well-formed: that is for the HTTP/2 server, which reads the same
// bytes. The zero value stands at the beginning of a frame.
type frames struct {
	head [17]byte // header, and the code of RST_STREAM, or that of GOAWAY behind the last stream
	have int
	skip int  // payload that is still to come
	kind byte // of the frame that skip belongs to
}

// next reads from p until the header of a frame is whole, and returns it with the rest of p. ok is false when p is used
// up before.
func (f *frames) next(p []byte) (h frame, rest []byte, ok bool) {
	n := min(f.skip, len(p))
	f.skip -= n
	p = p[n:]
	for len(p) > 0 {
		n := copy(f.head[f.have:f.need()], p)
		f.have += n
		p = p[n:]
		if f.have >= 9 && f.have == f.need() {
			return f.whole(), p, true
		}
	}
	return frame{}, nil, false
}

// need is how many bytes of the frame are looked at.
func (f *frames) need() int {
	switch {
	case f.have < 9:
	case f.head[3] == frameResetStream && f.length() >= 4:
		return 13
	case f.head[3] == frameGoAway && f.length() >= 8:
		return 17
	}
	return 9
}

func (f *frames) length() int { return int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2]) }

func (f *frames) whole() frame {
	h := frame{length: f.length(), kind: f.head[3], flags: f.head[4]}
	if f.have > 9 {
		h.code = binary.BigEndian.Uint32(f.head[f.have-4:])
	}
	f.skip, f.kind, f.have = h.length-(f.have-9), h.kind, 0
	return h
}

// inside reports whether a frame other than DATA has begun and not ended. Within DATA, a stream waits for its body and
// is bounded by what bounds bodies.
func (f *frames) inside() bool { return f.have > 0 || f.skip > 0 && f.kind != frameData }
