package listen

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// pacedBody is a request body of declared length. Its client must send limits.min_rate while somebody waits for it;
// time in which nobody reads, because the upstream is slow, is not the client's. A body without a declared length may be
// a stream, whose pauses mean something: it is bounded by the operation's timeout.
type pacedBody struct {
	io.ReadCloser
	limits *limits
	late   func() // makes the pending read fail

	mu     sync.Mutex
	timer  *time.Timer
	since  time.Time     // when the pending read began; zero when there is none
	waited time.Duration // in this window, by reads that have ended
	got    int
	ended  bool
}

// pace is called for HTTP/1 and HTTP/2 alike, before the handler sees r.
func pace(w http.ResponseWriter, r *http.Request, l *limits, t *tally) *pacedBody {
	rc := http.NewResponseController(w)
	b := &pacedBody{ReadCloser: r.Body, limits: l, late: func() {
		t.add(slowBody)
		_ = rc.SetReadDeadline(time.Unix(1, 0)) // an ended request has none
	}}
	r.Body = b
	return b
}

func (b *pacedBody) Read(p []byte) (int, error) {
	b.begin()
	n, err := b.ReadCloser.Read(p)
	b.end(n, err)
	return n, err
}

func (b *pacedBody) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since = time.Now()
	if b.timer == nil && !b.ended {
		b.timer = time.AfterFunc(b.limits.window, b.judge)
	}
}

func (b *pacedBody) end(n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waited += time.Since(b.since)
	b.since = time.Time{}
	b.got += n
	if err != nil {
		b.stop()
	}
}

// judge looks at one window. A client that was waited for less than half of it was not waited for.
func (b *pacedBody) judge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	now := time.Now()
	if !b.since.IsZero() {
		b.waited += now.Sub(b.since)
		b.since = now
	}
	if b.waited > b.limits.window/2 && float64(b.got) < float64(b.limits.minRate)*b.waited.Seconds() {
		b.stop()
		b.late()
		return
	}
	b.waited, b.got = 0, 0
	b.timer.Reset(b.limits.window)
}

func (b *pacedBody) Close() error {
	b.release()
	return b.ReadCloser.Close()
}

// release ends the watch; it must be called before the handler returns.
func (b *pacedBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop()
}

func (b *pacedBody) stop() {
	b.ended = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

// pacedWriter bounds how long an HTTP/2 client may keep its windows shut. On HTTP/1, and for what is on the wire, held
// does that.
type pacedWriter struct {
	http.ResponseWriter
	rc     *http.ResponseController
	limits *limits
	tally  *tally
	timer  *time.Timer
}

// piece is how much is written under one time limit.
const piece = 64 << 10

func newPacedWriter(w http.ResponseWriter, l *limits, t *tally) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, rc: http.NewResponseController(w), limits: l, tally: t}
}

// Unwrap is for [http.ResponseController].
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pacedWriter) Write(p []byte) (written int, err error) {
	for {
		part := p[written:min(len(p), written+piece)]
		w.begin(len(part))
		n, err := w.ResponseWriter.Write(part)
		w.timer.Stop()
		if written += n; err != nil || written == len(p) {
			return written, err
		}
	}
}

// FlushError is for [http.ResponseController].
func (w *pacedWriter) FlushError() error {
	w.begin(0)
	defer w.timer.Stop()
	return w.rc.Flush()
}

func (w *pacedWriter) begin(n int) {
	d := w.allowed(n)
	if w.timer != nil {
		w.timer.Reset(d)
		return
	}
	w.timer = time.AfterFunc(d, func() {
		w.tally.add(slowReader)
		_ = w.rc.SetWriteDeadline(time.Unix(1, 0)) // an ended stream has none
	})
}

// finish bounds what the server still has to write when the handler has returned.
func (w *pacedWriter) finish() {
	_ = w.rc.SetWriteDeadline(time.Now().Add(w.allowed(8 << 10))) // an ended stream has none
}

func (w *pacedWriter) allowed(n int) time.Duration {
	return w.limits.window + time.Duration(float64(n)/float64(w.limits.minRate)*float64(time.Second))
}
