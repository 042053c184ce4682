package telemetry

import "os"

// A logFile is a file to append to that others may rename or remove meanwhile. It is written to by one goroutine.
type logFile struct {
	path string
	file *os.File
	torn bool // the last write ended within a line
}

func openLogFile(path string) (*logFile, error) {
	f, err := appendTo(path)
	if err != nil {
		return nil, err
	}
	return &logFile{path: path, file: f}, nil
}

func appendTo(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// Write appends whole lines. After a write that broke off (a full disk), the next one begins a line of its own, so that
// one torn line does not spoil its successor.
func (l *logFile) Write(b []byte) (int, error) {
	l.follow()
	if l.torn {
		if _, err := l.file.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		l.torn = false
	}
	n, err := l.file.Write(b)
	if n > 0 {
		l.torn = b[n-1] != '\n'
	}
	return n, err
}

// follow opens the path anew where it is not our file any more. Where it cannot, lines go on into the old file: they
// are not lost, and the next write tries again.
func (l *logFile) follow() {
	ours, err := l.file.Stat()
	if err != nil {
		return
	}
	if there, err := os.Stat(l.path); err == nil && os.SameFile(ours, there) {
		return
	}
	if f, err := appendTo(l.path); err == nil {
		_ = l.file.Close() // every line is with the kernel
		l.file, l.torn = f, false
	}
}

func (l *logFile) Close() error { return l.file.Close() }
