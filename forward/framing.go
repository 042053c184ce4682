package forward

import (
	"encoding/binary"
	"io"
	"sync"
)

// framing follows the frames of one direction of a WebSocket (RFC 6455 section 5.2), to know where a frame of ours may
// stand. It looks at lengths and opcodes only, and judges nothing.
type framing struct {
	head   [14]byte
	have   int    // bytes of head
	left   uint64 // bytes of the payload that are to come
	within bool   // a fragmented message goes on
	closed bool   // a Close frame has passed: nothing may follow it
}

const opClose = 8

// between tells whether no message is under way.
func (f *framing) between() bool { return f.have == 0 && f.left == 0 && !f.within }

// pass takes note of p, or with stop only of what comes before the next place between two messages, and returns how many
// bytes it took.
func (f *framing) pass(p []byte, stop bool) (n int) {
	for n < len(p) && !(stop && f.between()) {
		if f.left > 0 {
			step := min(f.left, uint64(len(p)-n))
			f.left -= step
			n += int(step)
			continue
		}
		f.head[f.have] = p[n]
		f.have++
		n++
		if f.have == f.headSize() {
			f.begin()
		}
	}
	return n
}

// headSize is the size of the frame's head, as far as its first two bytes tell it.
func (f *framing) headSize() int {
	if f.have < 2 {
		return 2
	}
	size := 2
	switch f.head[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.head[1]&0x80 != 0 {
		size += 4
	}
	return size
}

// begin reads a whole head: the payload follows.
func (f *framing) begin() {
	f.have = 0
	switch n := f.head[1] & 0x7f; n {
	case 126:
		f.left = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		f.left = binary.BigEndian.Uint64(f.head[2:])
	default:
		f.left = uint64(n)
	}
	switch opcode := f.head[0] & 0x0f; {
	case opcode == opClose:
		f.closed = true
	case opcode < opClose:
		f.within = f.head[0]&0x80 == 0
	}
}

// lane is one direction of a tunnel. Its methods are safe for concurrent use.
type lane struct {
	mu      sync.Mutex
	to      io.Writer
	frames  framing
	goodbye []byte // the Close frame of this direction
	ending  bool   // goodbye comes as soon as it may
	ended   bool   // goodbye was sent, or somebody else's Close: the rest is dropped
}

// Going Away (1001), as servers and, with a mask of zeros, as clients send it.
var (
	goodbyeToClient   = []byte{0x80 | opClose, 2, 1001 >> 8, 1001 & 0xff}
	goodbyeToUpstream = []byte{0x80 | opClose, 0x80 | 2, 0, 0, 0, 0, 1001 >> 8, 1001 & 0xff}
)

// Write passes p on. What comes after the goodbye is dropped.
func (l *lane) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return len(p), nil
	}
	n := l.frames.pass(p, l.ending)
	if n > 0 {
		if wrote, err := l.to.Write(p[:n]); err != nil {
			return wrote, err
		}
	}
	return len(p), l.leave()
}

// end sends the goodbye now or, where a message is under way, behind it.
func (l *lane) end() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending = true
	return l.leave()
}

func (l *lane) leave() error {
	if !l.ending || l.ended || !l.frames.between() {
		return nil
	}
	l.ended = true
	if l.frames.closed {
		return nil
	}
	_, err := l.to.Write(l.goodbye)
	return err
}

// between tells whether no message is under way.
func (l *lane) between() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frames.between()
}

// left tells whether the goodbye was sent.
func (l *lane) left() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}
