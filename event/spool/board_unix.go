//go:build unix

package spool

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func syncFile(_ *os.File, memory []byte) error { return unix.Msync(memory, unix.MS_SYNC) }

// lock takes a folder for this process. It returns nil where another process has it.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, err
	}
	if there, err := os.Stat(f.Name()); err != nil || !sameFile(f, there) { // it was removed meanwhile
		f.Close()
		return nil, nil
	}
	return f, nil
}

func sameFile(f *os.File, there os.FileInfo) bool {
	ours, err := f.Stat()
	return err == nil && os.SameFile(ours, there)
}

const lockName = ".lock"

// waitForLock takes a folder for a short work that several processes do.
func waitForLock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
