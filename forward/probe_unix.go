//go:build unix

package forward

import "syscall"

// A probe looks into the receive queue of a socket without taking anything from it.
type probe struct {
	at   syscall.RawConn
	look func(fd uintptr) bool
	n    int
	err  error
	one  [1]byte
}

func (p *probe) attach(c syscall.Conn) (err error) {
	p.at, err = c.SyscallConn()
	p.look = func(fd uintptr) bool {
		p.n, _, p.err = syscall.Recvfrom(int(fd), p.one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	}
	return err
}

// stirs reports whether there is something to read, or the connection has ended.
func (p *probe) stirs() bool {
	if p.at == nil {
		return false
	}
	if err := p.at.Read(p.look); err != nil {
		return true
	}
	return p.err != syscall.EAGAIN && p.err != syscall.EWOULDBLOCK //nolint:errorlint // a bare errno, on the request path
}
