//go:build !linux

package listen

import "syscall"

func boundUnsent(syscall.Conn) {} // nothing to set
