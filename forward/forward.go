// Package forward takes an exchange to its upstream and brings the answer back.
package forward

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Pool holds the running upstreams across reloads.
type Pool struct{}

// NewPool returns an empty pool. Close it.
func NewPool() *Pool { panic("not built yet") }

// Upstream returns the running upstream with exactly these settings, or starts one.
func (p *Pool) Upstream(c config.Upstream) (*Upstream, error) { panic("not built yet") }

// Retain closes every upstream that is not in keep. Call it after a reload with those of the new snapshot.
func (p *Pool) Retain(keep ...*Upstream) { panic("not built yet") }

// Close closes all upstreams.
func (p *Pool) Close() { panic("not built yet") }

// An Upstream is one protected service with its targets.
type Upstream struct{}

// A Request is what is sent to the upstream, whole or as a stream.
type Request struct {
	Method   string
	Path     string        // canonical, sent byte for byte
	RawQuery string        // canonical, sent byte for byte, without "?"
	Host     string        // the client's Host
	Header   http.Header   // as received; RoundTrip copies it, hop-by-hop fields removed, then applies e.Outgoing
	Body     []byte        // nil: none
	Stream   io.ReadCloser // instead of Body: passed on as it arrives
	Length   int64         // of Stream; -1 when unknown
	Trailer  http.Header   // of Stream, filled in when it ends
	// Inspected: the answer will be judged, so fields that would change its form (Range, Accept-Charset, Accept-Encoding) are not sent.
	Inspected bool
}

// RoundTrip sends out to a target and returns the answer's head; the caller closes its Body. It applies e.Outgoing
// and fills in e.Upstream and e.Response. Its errors are *Error.
func (u *Upstream) RoundTrip(ctx context.Context, e *exchange.Exchange, out *Request) (*http.Response, error) {
	panic("not built yet")
}

// CheckUpgrade judges a WebSocket handshake (RFC 6455 section 4.2.1). allow says whether an Origin may connect; nil
// allows only the origin of the request's own host.
func CheckUpgrade(r *http.Request, allow func(origin string) bool) exchange.Verdict {
	panic("not built yet")
}

// Upgrade sends a WebSocket handshake. The answer is a verified 101 for Tunnel, or one without upgrade, to be handled like any other.
func (u *Upstream) Upgrade(ctx context.Context, e *exchange.Exchange, out *Request) (*http.Response, error) {
	panic("not built yet")
}

// Traffic counts the bytes of a tunnel.
type Traffic struct{ FromClient, FromUpstream int64 }

// Tunnel answers 101 with the header of w and resp's handshake fields, and copies both ways until an end closes, nothing moves for idle, or ctx is done.
func Tunnel(ctx context.Context, w http.ResponseWriter, resp *http.Response, idle time.Duration) (Traffic, error) {
	panic("not built yet")
}

// CopyStream sends status, body and trailers of resp to w, flushing after each read. The caller has filled w.Header.
// After an error the caller must abort the connection (panic(http.ErrAbortHandler)), so that the client notices.
func CopyStream(w http.ResponseWriter, resp *http.Response) (int64, error) { panic("not built yet") }

// Kind says how forwarding failed.
type Kind uint8

// The kinds of failure.
const (
	Unreachable Kind = iota + 1 // no connection to any target
	Timeout                     // no answer in time
	Open                        // every target's breaker is open, or none is healthy
	Broken                      // the answer is not valid HTTP, too large, or ended early
	Canceled                    // the client has gone; not a failure of the upstream
)

// An Error is a request that got no answer.
type Error struct {
	Kind   Kind
	Target string
	Err    error
}

func (e *Error) Error() string { panic("not built yet") }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason is the catalogue entry for the refusal; nil for Canceled.
func (e *Error) Reason() *exchange.Reason { panic("not built yet") }
