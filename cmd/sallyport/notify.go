package main

import (
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notifier tells the service manager how it stands with this process, as sd_notify(3) says. Nil tells nobody.
type notifier struct{ conn net.Conn }

// newNotifier connects to the manager that the environment names. One that cannot be reached is none: nothing that a
// gateway does for clients depends on it.
func newNotifier() *notifier {
	at := os.Getenv("NOTIFY_SOCKET")
	if at == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", at)
	if err != nil {
		return nil
	}
	return &notifier{conn}
}

// tell sends assignments such as READY=1.
func (n *notifier) tell(state ...string) {
	if n != nil {
		_, _ = n.conn.Write([]byte(strings.Join(state, "\n"))) // likewise
	}
}

// reloading is the beginning of a reload; READY=1 ends it. Type=notify-reload wants to know when it began.
func (n *notifier) reloading() {
	n.tell("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonic().Microseconds(), 10))
}

// watch tells a watchdog that the process lives, twice as often as it wants to hear it, until the process ends.
func (n *notifier) watch() {
	patience, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if n == nil || err != nil || patience <= 0 {
		return
	}
	go func() {
		for {
			n.tell("WATCHDOG=1")
			time.Sleep(time.Duration(patience) * time.Microsecond / 2)
		}
	}()
}
