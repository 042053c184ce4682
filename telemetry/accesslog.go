// Package telemetry shows finished exchanges: one line each in the access log, metrics for Prometheus, traces for
// OpenTelemetry. It reads the record and nothing else, never blocks a request, and counts what it has to drop.
package telemetry

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// AccessLog writes one JSON object per exchange and line. Lines are handed to a writer of its own, so that a slow disk
// or pipe delays no request; where it falls behind by more than MaxPending, lines are dropped and counted. A process that
// is killed loses the lines of its last 50 ms, besides what the reader or disk has not taken; Close loses nothing that can
// be written within two seconds.
type AccessLog struct {
	mu      sync.Mutex
	pending []byte
	closed  bool
	wake    chan struct{} // something is pending
	quit    chan struct{} // closed by Close
	done    chan struct{} // closed when the writer has ended
	out     io.WriteCloser
	dropped atomic.Int64
	failed  atomic.Int64
}

// MaxPending bounds what waits to be written, in bytes.
const MaxPending = 8 << 20

const (
	// flushEvery is how long a line may wait; a burst shares one write.
	flushEvery = 50 * time.Millisecond
	// closeWait is how long Close waits for a reader or disk that takes nothing.
	closeWait = 2 * time.Second
)

// OpenAccessLog opens the log: "stdout", "" (the same), "off", or the path of a file, appended to with mode 0600. A
// file that is renamed or removed, as logrotate does, is made anew; no signal is needed.
func OpenAccessLog(where string) (*AccessLog, error) {
	switch where {
	case "off":
		l := newAccessLog(nil)
		l.closed = true
		close(l.done)
		return l, nil
	case "", "stdout":
		return startAccessLog(nopCloser{os.Stdout}), nil
	}
	f, err := openLogFile(where)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the access log: %w", err)
	}
	return startAccessLog(f), nil
}

func newAccessLog(out io.WriteCloser) *AccessLog {
	return &AccessLog{wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}), out: out}
}

func startAccessLog(out io.WriteCloser) *AccessLog {
	l := newAccessLog(out)
	go l.write()
	return l
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// buffers hold lines while they are made: the lock is held for a copy only.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Record appends one line. It does not block.
func (l *AccessLog) Record(r *exchange.Record) {
	if l.out == nil {
		return
	}
	buf := buffers.Get().(*[]byte)
	line := AppendLine((*buf)[:0], r)
	l.append(line)
	if cap(line) <= 64<<10 { // one long line must not make every buffer long
		*buf = line
		buffers.Put(buf)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *AccessLog) append(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.pending)+len(line) > MaxPending {
		l.dropped.Add(1)
		return
	}
	l.pending = append(l.pending, line...)
}

// Dropped is the number of lines that were not written: because the writer fell behind, because writing failed, or
// because the log was closed.
func (l *AccessLog) Dropped() int64 { return l.dropped.Load() + l.failed.Load() }

// Close writes what is pending and closes the file. It does not wait for ever: what nobody takes is lost.
func (l *AccessLog) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.quit)
	select {
	case <-l.done:
		return l.out.Close()
	case <-time.After(closeWait):
		return errors.New("couldn't write the last lines of the access log: nothing takes them")
	}
}

func (l *AccessLog) write() {
	defer close(l.done)
	var spare []byte
	var last error
	for open := true; open; {
		select {
		case <-l.quit:
			open = false
		case <-l.wake:
			l.pause()
		}
		full := l.take(spare)
		if len(full) > 0 {
			err := l.flush(full)
			if err != nil && last == nil { // once, not with every write
				slog.Error("the access log cannot be written; sallyport_access_log_dropped_total counts what is lost", "error", err)
			}
			last = err
		}
		if spare = full; cap(spare) > MaxPending/8 {
			spare = nil // a burst must not hold its memory for ever
		}
	}
}

// pause lets lines gather, but not while Close waits.
func (l *AccessLog) pause() {
	t := time.NewTimer(flushEvery)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.quit:
	}
}

// take exchanges what is pending for an empty buffer.
func (l *AccessLog) take(spare []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.pending
	l.pending = spare[:0]
	return full
}

func (l *AccessLog) flush(full []byte) error {
	n, err := l.out.Write(full)
	if err != nil {
		l.failed.Add(int64(lines(full[n:])))
	}
	return err
}

func lines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}
