package audit

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock waits until this process alone may write to the folder that the file stands for. The lock ends with unlock or with
// the process, however it ends.
func lock(file *os.File) error {
	return windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}

func unlock(file *os.File) error {
	return windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, new(windows.Overlapped))
}

// syncDir has nothing to do: NTFS keeps names in its journal.
func syncDir(string) error { return nil }
