// Package forward takes an exchange to its upstream and brings the answer back: connections, balance, health, retry,
// circuit breaker, streams and WebSocket tunnels.
//
// It promises that the upstream receives the request line that was judged byte for byte, re-framed, with nothing in
// the header that belongs to the client's connection or poses as a proxy; that a request is repeated only when that
// cannot do it twice; and that an answer reaches its caller only when it is plain HTTP that can be judged. It does
// not judge: what is sent, and what becomes of the answer, is for the guards to say.
package forward

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Defaults of [config.Upstream].
const (
	defaultConnect  = 5 * time.Second
	defaultRetries  = 1
	defaultFailures = 10
	defaultPause    = 5 * time.Second
	defaultMaxIdle  = 512
	defaultAdaptive = 32
)

var (
	errOpen = errors.New("every target's circuit breaker is open")
	errBusy = errors.New("answers take longer than usual: no more requests are sent at once than it can answer")
)

// An Upstream is one protected service: its targets, their connections and their health. It is safe for concurrent
// use and outlives reloads; see [Pool].
type Upstream struct {
	key     string
	targets []*target
	hosts   bool // send the target's host instead of the client's
	retries int
	budget  budget
	ceiling *ceiling // nil: none

	strained func() bool // see [Pool.Strained]

	retired atomic.Bool
	stop    context.CancelFunc // of the probes
	probes  sync.WaitGroup
}

func newUpstream(key string, c config.Upstream) (*Upstream, error) {
	u := &Upstream{key: key, retries: defaultRetries}
	if c.Adaptive >= 0 {
		u.ceiling = newCeiling(int64(or(c.Adaptive, defaultAdaptive)))
	}
	if c.Retries != nil {
		u.retries = max(*c.Retries, 0)
	}
	switch c.Host {
	case "", "client":
	case "target":
		u.hosts = true
	default:
		return nil, fmt.Errorf("upstream host %q: want client or target", c.Host)
	}
	l := limits{failures: c.Breaker.Failures, pause: or(time.Duration(c.Breaker.Pause), defaultPause)}
	if l.failures == 0 {
		l.failures = defaultFailures
	}
	secure, err := clientTLS(c)
	if err != nil {
		return nil, err
	}
	for _, raw := range c.Targets {
		t, err := newTarget(raw, l)
		if err != nil {
			return nil, err
		}
		if t.conns, err = newConns(t, c, secure); err != nil {
			return nil, fmt.Errorf("upstream target %q: %w", t.name, err)
		}
		u.targets = append(u.targets, t)
	}
	if len(u.targets) == 0 {
		return nil, errors.New("upstream has no targets")
	}
	u.probe(c.Health)
	return u, nil
}

// newTarget reads scheme://host[:port]. A path would have to be joined with the canonical one, and the result judged
// again (SECURITY-LESSONS 5); base_path says that instead.
func newTarget(raw string, l limits) (*target, error) {
	at, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("couldn't read upstream target: %w", err)
	}
	switch {
	case at.Scheme != "http" && at.Scheme != "https":
		return nil, fmt.Errorf("upstream target %q: want http:// or https://", at.Redacted())
	case at.Hostname() == "":
		return nil, fmt.Errorf("upstream target %q has no host", at.Redacted())
	case at.User != nil:
		return nil, fmt.Errorf("upstream target %q: user information is not supported", at.Redacted())
	case at.Path != "" && at.Path != "/" || at.RawQuery != "" || at.Fragment != "":
		return nil, fmt.Errorf("upstream target %q has a path or query: paths are forwarded as they were judged, so it may only be scheme://host:port", raw)
	}
	return &target{scheme: at.Scheme, host: at.Host, name: at.Scheme + "://" + at.Host, limits: l}, nil
}

// RoundTrip sends out to a target and returns the answer's head; the caller closes its Body whatever happens next.
// It applies out.Identify and then e.Outgoing (nobody else does) to the header, last of all, and fills in e.Upstream
// and e.Response. Its errors, and those of reading the Body, are *[Error]. How long it may take is ctx's to say.
//
// A request that never left, because there was no connection, is tried again on another target; one that left and
// met silence (closed or reset without a byte) only when its method is idempotent. Both need a body that can be
// repeated, and the upstream's budget: at most one retry for five requests. Beneath that, what is idempotent is repeated at
// once when it went out on a kept connection that turned out dead.
func (u *Upstream) RoundTrip(ctx context.Context, e *exchange.Exchange, out *Request) (*http.Response, error) {
	if err := out.valid(); err != nil {
		return nil, &Error{Kind: Broken, Err: err}
	}
	if u.ceiling == nil || out.Endless {
		return plainly(u.send(ctx, e, out, outgoing(e, out), false))
	}
	n, ok := u.ceiling.enter(e.Principal != nil)
	if !ok {
		return nil, &Error{Kind: Busy, Err: errBusy, Pause: time.Second}
	}
	start := time.Now()
	resp, err := u.send(ctx, e, out, outgoing(e, out), false)
	if err != nil {
		u.note(e, n, time.Since(start), err)
		u.ceiling.leave()
		return nil, err
	}
	a := resp.Body.(*answer)
	u.note(e, n, time.Since(start)-a.lain, nil)
	a.counted = true
	return resp, nil
}

// plainly keeps a nil *Error from becoming an error.
func plainly(resp *http.Response, err *Error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// note tells the ceiling how an exchange went. What the client did tells nothing of the service, nor what waited here.
func (u *Upstream) note(e *exchange.Exchange, n int64, took time.Duration, err *Error) {
	overloaded := err == nil && busy(e.Response.Status) || err != nil && (err.Kind == Timeout || err.Kind == Unreachable)
	if overloaded || err == nil && !u.strained() {
		u.ceiling.answered(operation(e), n, took, overloaded, time.Now())
	}
}

// operation names what is asked for; preflights and what no spec knows are one.
func operation(e *exchange.Exchange) string {
	if e.Operation == nil {
		return ""
	}
	return e.Operation.Key
}

// busy is what a service says that is asked for too much, or a proxy in front of it.
func busy(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// send tries targets until one answers or trying again is not allowed.
func (u *Upstream) send(ctx context.Context, e *exchange.Exchange, out *Request, h http.Header, upgrade bool) (*http.Response, *Error) {
	u.budget.earn()
	start := time.Now()
	var last *target
	var failed *Error
	for {
		t, trial := u.claim(last)
		if t == nil {
			if failed == nil {
				failed = &Error{Kind: Open, Err: errOpen, Pause: u.targets[0].limits.pause}
			}
			return nil, failed
		}
		e.Upstream.Target = t.name
		e.Upstream.Attempts++
		resp, err := u.attempt(ctx, t, trial, out, h, upgrade)
		if err == nil {
			e.Upstream.Took = time.Since(start)
			e.Response = &exchange.Response{Status: resp.StatusCode, Header: resp.Header}
			return resp, nil
		}
		if !u.again(out, err, e.Upstream.Attempts) {
			return nil, err
		}
		last, failed = t, err
	}
}

// claim chooses a target and takes it. Between the two another request may have taken the one trial of an open
// breaker, so it looks again, as often as there are targets.
func (u *Upstream) claim(not *target) (*target, bool) {
	now := time.Now()
	for range u.targets {
		t := choose(u.targets, not, now)
		if t == nil {
			return nil, false
		}
		if trial, ok := t.claim(now); ok {
			return t, trial
		}
	}
	return nil, false
}

// attempt sends the request to one target, once.
func (u *Upstream) attempt(ctx context.Context, t *target, trial bool, out *Request, h http.Header, upgrade bool) (*http.Response, *Error) {
	host := out.Host
	if u.hosts {
		host = t.host
	}
	var asked http.Header
	if upgrade {
		asked = h
	}
	c := new(call)
	resp, err := t.conns.roundTrip(ctx, t, c, out, h, host, upgrade)
	if err != nil {
		defer u.release(t)
		failed := classify(ctx, t, err, c.stream.unread(ctx))
		if failed.Kind == Canceled || failed.Kind == Unread {
			t.settle(unknown, trial, time.Now())
		} else {
			t.settle(bad, trial, time.Now())
		}
		return nil, failed
	}
	c.answer = answer{body: resp.Body, ctx: ctx, upstream: u, target: t, lain: c.lain}
	resp.Body = &c.answer
	if failed := check(resp, t, asked); failed != nil {
		resp.Body.Close()
		t.settle(bad, trial, time.Now())
		return nil, failed
	}
	t.settle(judge(resp.StatusCode), trial, time.Now())
	return resp, nil
}

// judge tells what a status says of the target: the three by which a proxy or an overloaded service gives up.
func judge(status int) outcome {
	if status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout {
		return bad
	}
	return good
}

// release ends a claim. The last one of an upstream that was retired takes the idle connections along.
func (u *Upstream) release(t *target) {
	t.release()
	if u.retired.Load() {
		t.conns.release()
	}
}

// again says whether a failed request may be sent once more.
func (u *Upstream) again(out *Request, err *Error, attempts int) bool {
	if attempts > u.retries || out.Stream != nil {
		return false
	}
	if !err.unsent() && !(idempotent(out.Method) && err.unanswered()) {
		return false
	}
	return u.budget.spend()
}

// idempotent by RFC 9110 section 9.2.2.
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY":
		return true
	}
	return false
}

// close ends the probes and the idle connections. Requests in flight go on.
func (u *Upstream) close() {
	u.retired.Store(true)
	u.stop()
	u.probes.Wait()
	for _, t := range u.targets {
		t.conns.close()
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
