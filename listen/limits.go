package listen

import (
	"syscall"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Defaults of [config.Limits].
const (
	defaultConnections      = 100_000
	defaultHandshakes       = 500
	defaultHandshakeTimeout = 10 * time.Second
	defaultMinRate          = 240
	defaultRateWindow       = 20 * time.Second
	defaultMaxAge           = time.Hour
	defaultStreams          = 128
	defaultResets           = 200
	defaultControlFrames    = 1000
)

// maxContinuations is how many CONTINUATION frames a header block may have besides those that its size needs: empty
// ones cost nothing of the header budget, and some clients cut blocks small.
const maxContinuations = 32

// limits are [config.Limits] with the defaults filled in.
type limits struct {
	connections, perClient int
	handshakes             int
	handshakeTimeout       time.Duration
	headerTimeout          time.Duration
	maxHead                int // bytes of a head; twice as many reach the servers, so that it is we who refuse
	minRate                int64
	window                 time.Duration
	maxAge                 time.Duration
	maxRequests            int64 // 0: any number
	streams                int
	resets, controlFrames  int
	continuations          int // of a header block

	lingerTime, lingerSilence     time.Duration // see linger
	lingerBytes                   int64
	lingerAtOnce, lingerPerClient int
}

func newLimits(l config.Listener) limits {
	c := l.Limits
	m := limits{
		connections:      or(c.Connections, affordable()),
		handshakes:       or(c.Handshakes, defaultHandshakes),
		handshakeTimeout: c.HandshakeTimeout.Or(defaultHandshakeTimeout),
		headerTimeout:    l.HeaderTimeout.Or(defaultHeaderTimeout),
		maxHead:          int(or(int64(l.MaxHeader), defaultMaxHeader)),
		minRate:          int64(or(c.MinRate, defaultMinRate)),
		window:           c.RateWindow.Or(defaultRateWindow),
		maxAge:           c.MaxAge.Or(defaultMaxAge),
		maxRequests:      int64(c.MaxRequests),
		streams:          or(c.Streams, defaultStreams),
		resets:           or(c.Resets, defaultResets),
		controlFrames:    or(c.ControlFrames, defaultControlFrames),
		continuations:    maxContinuations + int(or(int64(l.MaxHeader), defaultMaxHeader)>>14),

		lingerTime: lingerTime, lingerSilence: lingerSilence, lingerBytes: lingerBytes, lingerAtOnce: lingerAtOnce, lingerPerClient: lingerPerClient,
	}
	m.perClient = or(c.PerClient, (m.connections+1)/2)
	return m
}

// affordable is how many connections the limit of open files leaves, which Go has raised to its maximum: an eighth, at
// most 4096, is kept for upstreams and files. Where all are in use, Accept fails, and so does everything else.
func affordable() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return defaultConnections
	}
	return int(min(defaultConnections, files.Cur-min(files.Cur/8, 4096)))
}

// least is how many bytes have to move in a window.
func (l *limits) least() int { return int(float64(l.minRate) * l.window.Seconds()) }
