//go:build !unix

package main

// leaveNoDumps has nothing to do where a crash leaves no core file.
func leaveNoDumps() {}
