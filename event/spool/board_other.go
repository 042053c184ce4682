//go:build !unix

package spool

import (
	"io"
	"os"
	"path/filepath"
)

// Without mmap the counts are as old as the last sync when the process is killed: at most a second.
func mapFile(f *os.File, size int) ([]byte, error) {
	memory := make([]byte, size)
	_, err := io.ReadFull(f, memory)
	return memory, err
}

func syncFile(f *os.File, memory []byte) error {
	if _, err := f.WriteAt(memory, 0); err != nil {
		return err
	}
	return f.Sync()
}

// lock does not keep other processes out here; there are no upgrades that would start one.
func lock(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
}

const lockName = ".lock"

// waitForLock does not lock: commands must not change dead letters while the gateway runs.
func waitForLock(string) (unlock func(), err error) { return func() {}, nil }
