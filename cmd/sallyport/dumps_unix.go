//go:build unix

package main

import "golang.org/x/sys/unix"

// leaveNoDumps has the system write no core file, in which keys, tokens and what clients sent would stand, whatever the process or its
// successor dies of. There is nothing to be done where the system will not have it.
func leaveNoDumps() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
