//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// upgrades is where SIGUSR2 goes: the wish for a successor.
func upgrades() (usr2 chan os.Signal, stop func()) {
	usr2 = make(chan os.Signal, 1)
	signal.Notify(usr2, syscall.SIGUSR2)
	return usr2, func() { signal.Stop(usr2) }
}

// monotonic is the clock that systemd compares ours with.
func monotonic() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail for this clock
	return time.Duration(t.Nano())
}
