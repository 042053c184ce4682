package listen

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// firstInherited is the descriptor of the first inherited socket (SD_LISTEN_FDS_START).
const firstInherited = 3

// Predecessor is the variable by which a process tells the one that is to replace it that it hands over its sockets: its
// own process id. LISTEN_PID of sd_listen_fds(3) cannot be set before the other process exists.
const Predecessor = "SALLYPORT_PREDECESSOR"

// Inherited are the listening sockets that this process was born with: from systemd (socket activation), or from the
// process that it replaces. Connections that wait in one of them were never anybody else's, so none is lost while
// processes change. A nil Inherited has none.
type Inherited struct {
	sockets []*net.TCPListener
	names   []string // of the systemd units, or empty
	next    uintptr  // the first descriptor behind the sockets
	from    int      // process id of the predecessor, 0 under systemd
}

// Inherit takes the sockets that the environment announces, and takes them out of it, so that no other child believes
// that they are its own. It returns nil where there are none, and fails where one is no listening TCP socket.
func Inherit() (*Inherited, error) {
	announced := map[string]string{}
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", Predecessor} {
		announced[name] = os.Getenv(name)
		_ = os.Unsetenv(name) // a name that is valid cannot fail
	}
	in := &Inherited{}
	switch strconv.Itoa(os.Getppid()) {
	case announced[Predecessor]:
		in.from = os.Getppid()
	default:
		if announced["LISTEN_PID"] != strconv.Itoa(os.Getpid()) { // meant for somebody else
			return nil, nil
		}
	}
	count, err := strconv.ParseUint(announced["LISTEN_FDS"], 10, 16)
	if err != nil {
		return nil, fmt.Errorf("couldn't read LISTEN_FDS: %w", err)
	}
	in.next = firstInherited + uintptr(count)
	in.names = strings.Split(announced["LISTEN_FDNAMES"], ":")
	for fd := uintptr(firstInherited); fd < in.next; fd++ {
		if err := in.adopt(fd); err != nil {
			return nil, errors.Join(err, in.Close())
		}
	}
	return in, nil
}

func (in *Inherited) adopt(fd uintptr) error {
	file := os.NewFile(fd, "inherited socket "+strconv.Itoa(int(fd)))
	defer file.Close() // FileListener makes its own descriptor
	l, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("couldn't use %s: %w", file.Name(), err)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		l.Close()
		return fmt.Errorf("couldn't use %s: %s is no TCP address", file.Name(), l.Addr())
	}
	in.sockets = append(in.sockets, tcp)
	return nil
}

// From is the process that hands over, or 0; Next is the first descriptor behind the sockets, which is where that process
// waits to hear that this one is ready.
func (in *Inherited) From() (process int) {
	if in == nil {
		return 0
	}
	return in.from
}

// Next is described at From.
func (in *Inherited) Next() uintptr { return in.next }

// take returns the socket that is bound to addr and forgets it; nil where there is none.
func (in *Inherited) take(addr *net.TCPAddr) net.Listener {
	if in == nil {
		return nil
	}
	i := slices.IndexFunc(in.sockets, func(l *net.TCPListener) bool { return same(l.Addr().(*net.TCPAddr), addr) })
	if i < 0 {
		return nil
	}
	l := in.sockets[i]
	in.sockets = slices.Delete(in.sockets, i, i+1)
	return l
}

// same tells whether two addresses mean the same socket: ":443" of the config is "[::]:443" or "0.0.0.0:443" of systemd.
func same(a, b *net.TCPAddr) bool {
	return a.Port == b.Port && (a.IP.Equal(b.IP) || unspecified(a.IP) && unspecified(b.IP))
}

func unspecified(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }

// Close closes the sockets that no listener has taken. Under systemd they are an error: clients would wait there for ever.
// From a predecessor they are what the new configuration does not have any more.
func (in *Inherited) Close() error {
	if in == nil {
		return nil
	}
	var left []string
	for _, l := range in.sockets {
		left = append(left, l.Addr().String())
		l.Close()
	}
	in.sockets = nil
	if len(left) == 0 || in.from != 0 {
		return nil
	}
	return fmt.Errorf("systemd hands over a socket on %s (%s), which is no address of the config", strings.Join(left, ", "), strings.Join(in.names, ", "))
}
