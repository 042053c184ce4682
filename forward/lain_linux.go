package forward

import (
	"time"

	"golang.org/x/sys/unix"
)

// lain is how long ago the last bytes of the connection came, in milliseconds: what was read late lay here, and its sender is
// not to blame. tcp(7), TCP_INFO.
func (p *probe) lain() (ago time.Duration) {
	if p.at == nil {
		return 0
	}
	_ = p.at.Control(func(fd uintptr) { // a socket that is closed tells nothing
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			ago = time.Duration(info.Last_data_recv) * time.Millisecond
		}
	})
	return ago
}
