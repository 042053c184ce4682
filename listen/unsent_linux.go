package listen

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// maxUnsent is how much of an answer waits in the kernel for its turn to be sent, besides what is under way. Without a
// bound (TCP_NOTSENT_LOWAT), a reader that stands still has megabytes of it, which no limit of ours counts.
const maxUnsent = 128 << 10

// boundUnsent sets maxUnsent for all connections that come from l. A kernel that does not know it goes on without.
func boundUnsent(l syscall.Conn) {
	if raw, err := l.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent) })
	}
}
