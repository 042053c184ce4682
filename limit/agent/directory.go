package agent

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/trust"
	"github.com/sallyport/sallyport/trust/signature"
)

// Times of fetching.
const (
	refresh   = time.Hour      // where the directory does not say how long it holds
	lastGood  = 24 * time.Hour // what was fetched holds so much longer while the directory cannot be reached
	pause     = time.Minute    // between fetches, at least, whatever requests name
	firstWait = time.Second    // after a fetch that failed; doubled up to refresh
)

// A directory is the running key directory of a signer.
type directory struct {
	name   string // digest of the settings: equal settings are one directory
	source string
	fetch  func(ctx context.Context, tag string) (*trust.Answer, error) // nil for a file, which is read when the config is
	every  time.Duration                                                // 0: as long as what was fetched says that it holds
	log    *slog.Logger
	now    func() time.Time

	current atomic.Pointer[reading] // nil until it was read once
	wake    chan struct{}
	end     context.CancelFunc // nil: it does not run
	tag     string             // of what was read last, for load alone; "": it is fetched whole
}

// A reading is what a directory said, and until when that holds.
type reading struct {
	*signature.Directory
	until time.Time
}

// directory returns the running directory of these settings, or a new one that does not run yet.
func (m *Memory) directory(origin string, c config.Signer) (*directory, error) {
	d := &directory{source: c.Keys, every: time.Duration(c.Refresh), log: m.log, now: m.now, wake: make(chan struct{}, 1)}
	if strings.HasPrefix(c.Keys, "file:") {
		data, err := trust.ReadFile(c.Keys, "", signature.MaxDirectory)
		if err != nil {
			return nil, err
		}
		d.name = digest(origin, c, sha256.Sum256(data))
		read, err := signature.ParseDirectory(data)
		if err == nil {
			d.install(read, time.Time{})
		}
		return d, err
	}
	if d.source == "" {
		d.source = origin + signature.WellKnown
	}
	d.name = digest(origin, c)
	m.mu.Lock()
	running := m.directories[d.name]
	m.mu.Unlock()
	if running != nil {
		return running, nil
	}
	var err error
	d.fetch, err = trust.Fetch{Accept: signature.DirectoryType, Type: signature.DirectoryType, Most: signature.MaxDirectory, AllowPrivate: c.AllowPrivate}.AnswersFrom(d.source)
	return d, err
}

// ring is the directory as it was read last, nil where it was never read, or too long ago.
func (d *directory) ring(now time.Time) *signature.Directory {
	r := d.current.Load()
	if r == nil || d.fetch != nil && now.Sub(r.until) > lastGood {
		return nil
	}
	return r.Directory
}

func (d *directory) install(read *signature.Directory, until time.Time) {
	for _, why := range read.Unusable {
		d.log.Warn("a key of a directory is not used", "directory", d.source, "reason", why)
	}
	d.current.Store(&reading{read, until})
}

// start and stop are called one at a time.
func (d *directory) start(ctx context.Context) {
	if d.fetch == nil || d.end != nil {
		return
	}
	ctx, d.end = context.WithCancel(ctx)
	go d.follow(ctx)
}

func (d *directory) stop() {
	if d.end != nil {
		d.end()
	}
}

// hurry has the directory fetched before its time: somebody names a key that it does not have. That may be anybody, so that there
// is a [pause].
func (d *directory) hurry() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// follow keeps the directory fresh until ctx ends.
func (d *directory) follow(ctx context.Context) {
	for failures := 0; ; {
		wait, ok := d.load(ctx)
		if ok {
			failures = 0
		} else {
			wait = min(firstWait<<min(failures, 20), cmp.Or(d.every, refresh))
			failures++
		}
		wait += time.Duration(rand.Float64() * 0.1 * float64(wait)) // a fleet that started together does not ask together
		least := min(wait, pause)
		if !d.sleep(ctx, least, nil) || !d.sleep(ctx, wait-least, d.wake) {
			return
		}
	}
}

// sleep is false where ctx ends.
func (d *directory) sleep(ctx context.Context, wait time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-wake:
	}
	return true
}

// load fetches the directory, and says for how long it holds; false where it was not read. What it does not say any more does not hold;
// that it says nothing is no reason to forget.
func (d *directory) load(ctx context.Context) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, trust.FetchTimeout)
	defer cancel()
	answer, err := d.fetch(ctx, d.tag)
	d.tag = ""
	if err == nil {
		fresh := cmp.Or(d.every, freshness(answer.Header))
		if err = d.take(answer, d.now().Add(fresh)); err == nil {
			return fresh, true
		}
	}
	if ctx.Err() != context.Canceled {
		d.log.Warn("a key directory cannot be fetched; what it said holds for a day more", "directory", d.source, "error", err)
	}
	return 0, false
}

// take reads an answer, or lets what was read before hold on. It is fetched whole again where a key was left out: that may be signed
// anew, or come to hold, under the same tag.
func (d *directory) take(a *trust.Answer, until time.Time) error {
	if a.Body == nil {
		d.tag = a.Tag
		d.current.Store(&reading{d.current.Load().Directory, until})
		return nil
	}
	read, err := signature.ServedDirectory(a.Body, answered(a), d.now())
	if err != nil {
		return err
	}
	if d.install(read, until); len(read.Unusable) == 0 {
		d.tag = a.Tag
	}
	return nil
}

// answered is what of an answer can be signed.
func answered(a *trust.Answer) *signature.Message {
	u := a.Request.URL
	return &signature.Message{Status: http.StatusOK, Header: a.Header,
		Request: &signature.Message{Method: a.Request.Method, Scheme: u.Scheme, Authority: u.Host, Target: u.RequestURI(), Header: a.Request.Header}}
}
