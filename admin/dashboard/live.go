package dashboard

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// Live hands records on to the pages that watch. It is a sink of package event: Record never blocks, and while nobody
// watches it costs one look at a counter. Safe for concurrent use.
type Live struct {
	watching atomic.Int32
	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

// Bounds of watching.
const (
	mostWatchers = 32
	watcherQueue = 256
	longestWatch = time.Hour // then the browser asks again, and is authenticated again
	heartbeat    = 15 * time.Second
	watchPace    = 250 * time.Millisecond // rows are sent together
	mostAtOnce   = 50                     // of one pace; what is more is counted
)

type watcher struct {
	match func(*exchange.Record) bool
	queue chan *exchange.Record
	lost  atomic.Int64
}

// NewLive returns a Live that nobody watches.
func NewLive() *Live { return &Live{watchers: map[*watcher]struct{}{}} }

// Record shows r to whoever watches.
func (l *Live) Record(r *exchange.Record) {
	if l.watching.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		if !w.match(r) {
			continue
		}
		select {
		case w.queue <- r:
		default:
			w.lost.Add(1)
		}
	}
}

// watch adds a watcher; nil where there are too many.
func (l *Live) watch(match func(*exchange.Record) bool) *watcher {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.watchers) >= mostWatchers {
		return nil
	}
	w := &watcher{match: match, queue: make(chan *exchange.Record, watcherQueue)}
	l.watchers[w] = struct{}{}
	l.watching.Add(1)
	return w
}

func (l *Live) leave(w *watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.watchers, w)
	l.watching.Add(-1)
}

// selects reports whether a record is one of those that q selects, whatever its time.
func selects(q event.Filter, r *exchange.Record) bool {
	subject := ""
	if r.Principal != nil {
		subject = r.Principal.Subject
	}
	for _, f := range [][2]string{{q.API, r.API}, {q.Operation, r.Operation}, {q.Client, r.Client}, {q.Subject, subject}, {q.Rating, string(r.Rated())}} {
		if f[0] != "" && f[0] != f[1] {
			return false
		}
	}
	return (q.Outcome == "" || q.Outcome == event.OutcomeOf(r)) && (q.Code == "" || answered(r, func(code, _ string) bool { return code == q.Code })) &&
		(q.OWASP == "" || answered(r, func(code, _ string) bool {
			reason := exchange.Lookup(code)
			return reason != nil && reason.OWASP == q.OWASP
		})) &&
		(q.Rule == "" || noticedBy(r, q.Rule)) &&
		(q.Guard == "" || answered(r, func(_, guard string) bool { return guard == q.Guard }))
}

// noticedBy reports whether a rule has a finding, or a guard in monitor mode gave its code as the reason.
func noticedBy(r *exchange.Record, rule string) bool {
	return slices.ContainsFunc(r.Findings, func(f exchange.Finding) bool { return f.Rule == rule }) ||
		slices.ContainsFunc(r.Steps, func(s exchange.RecordStep) bool { return s.Mode == config.Monitor && s.Code == rule })
}

// answered reports whether a refusal, made or monitored, is as asked.
func answered(r *exchange.Record, as func(code, guard string) bool) bool {
	if r.Refused && as(r.Code, r.Guard) {
		return true
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Code != "" && as(s.Code, s.Guard) {
			return true
		}
	}
	return false
}

type livePage struct {
	Stream string
	Rows   []*exchange.Record
}

func (d *dashboard) live(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	q := s.selection()
	q.Limit = 50
	rows, err := d.Archive.Select(ctx, q)
	if err != nil {
		return view{}, err
	}
	stream := *s
	stream.path = "/live/stream"
	return view{Title: "Live", Scope: s, Data: livePage{stream.With(), rows}}, nil
}

// stream sends rows as they come, as server-sent events, until the reader leaves.
func (d *dashboard) stream(w http.ResponseWriter, r *http.Request) {
	s, err := readScope(r.URL, d.now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	q := s.selection()
	watcher := d.Live.watch(func(r *exchange.Record) bool { return selects(q, r) })
	if watcher == nil {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many people are watching", http.StatusServiceUnavailable)
		return
	}
	defer d.Live.leave(watcher)
	w.Header().Set("Content-Type", "text/event-stream")
	ctx, cancel := context.WithTimeout(r.Context(), longestWatch)
	defer cancel()
	_ = send(w, ": watching\n\n") // the next one tells
	pace, beat := time.NewTicker(watchPace), time.NewTicker(heartbeat)
	defer pace.Stop()
	defer beat.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = send(w, ": still here\n\n")
		case <-pace.C:
			err = watcher.flush(w)
		}
	}
}

// flush sends what has come since the last time.
func (w *watcher) flush(to http.ResponseWriter) error {
	var b bytes.Buffer
	for n := 0; ; n++ {
		select {
		case r := <-w.queue:
			if n >= mostAtOnce {
				w.lost.Add(1)
				continue
			}
			row(&b, r)
			continue
		default:
		}
		break
	}
	if n := w.lost.Swap(0); n > 0 {
		fmt.Fprintf(&b, "event: lost\ndata: %d\n\n", n)
	}
	if b.Len() == 0 {
		return nil
	}
	return send(to, b.String())
}

// row is the row of an exchange as an event: each line of it is one of data.
func row(b *bytes.Buffer, r *exchange.Record) {
	var html bytes.Buffer
	if err := templates["live"].ExecuteTemplate(&html, "exchange-row", r); err != nil {
		return // of a record that cannot be shown, the list tells
	}
	fmt.Fprintf(b, "event: exchange\ndata: %s\n\n", strings.ReplaceAll(strings.TrimSpace(html.String()), "\n", "\ndata: "))
}

// send writes and flushes within a bound: a reader that takes nothing is given up.
func send(w http.ResponseWriter, text string) error {
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(heartbeat)) // where the writer has none, TCP ends it
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return c.Flush()
}
