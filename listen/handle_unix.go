//go:build unix

package listen

import (
	"net"
	"os"
	"syscall"
)

// handle is a second descriptor of l for a child. It is not what l.File returns: handing that to a child would make the
// socket that both share blocking, and an Accept that blocks in the kernel cannot be ended by Close.
func handle(l *net.TCPListener) (f *os.File, err error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	if controlErr := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var second int
		if second, err = syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(second)
			f = os.NewFile(uintptr(second), l.Addr().String())
		}
	}); controlErr != nil {
		return nil, controlErr
	}
	return f, err
}
