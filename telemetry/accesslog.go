// Package telemetry shows finished exchanges: one line each in the access log, metrics for Prometheus, traces for
// OpenTelemetry. It reads the record and nothing else, never blocks a request, and counts what it has to drop.
package telemetry

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// AccessLog writes one JSON object per exchange and line. Lines are handed to a writer of its own, so that a slow disk
// or pipe delays no request; where it falls behind by more than MaxPending, lines are dropped and counted.
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

// flushEvery is how long a line may wait; a burst shares one write.
const flushEvery = 50 * time.Millisecond

// OpenAccessLog opens the log: "stdout", "" (the same), "off", or the path of a file, appended to with mode 0600.
func OpenAccessLog(where string) (*AccessLog, error) {
	l := &AccessLog{wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	switch where {
	case "off":
		l.closed = true
		close(l.done)
		return l, nil
	case "", "stdout":
		l.out = nopCloser{os.Stdout}
	default:
		f, err := os.OpenFile(where, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("couldn't open the access log: %w", err)
		}
		l.out = f
	}
	go l.write()
	return l, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// Record appends one line. It does not block.
func (l *AccessLog) Record(r *exchange.Record) {
	l.mu.Lock()
	switch {
	case l.closed:
	case len(l.pending) > MaxPending:
		l.dropped.Add(1)
	default:
		l.pending = AppendLine(l.pending, r)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Dropped is the number of lines that were not written: because the writer fell behind, or because writing failed.
func (l *AccessLog) Dropped() int64 { return l.dropped.Load() + l.failed.Load() }

// Close writes what is pending and closes the file.
func (l *AccessLog) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.quit)
	<-l.done
	return l.out.Close()
}

func (l *AccessLog) write() {
	defer close(l.done)
	var spare []byte
	for open := true; open; {
		select {
		case <-l.quit:
			open = false
		case <-l.wake:
			time.Sleep(flushEvery)
		}
		l.mu.Lock()
		full := l.pending
		l.pending = spare[:0]
		l.mu.Unlock()
		if len(full) > 0 {
			if _, err := l.out.Write(full); err != nil {
				l.failed.Add(int64(lines(full)))
			}
		}
		if spare = full; cap(spare) > MaxPending/8 {
			spare = nil // a burst must not hold its memory for ever
		}
	}
}

func lines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}
