package forward

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// maxResponseFields bounds the header field lines of an answer.
const maxResponseFields = 200

// check refuses answers that are not plain HTTP, and removes what belongs to the connection from the others.
// Interim answers (1xx) were dropped, the framing was decoded, and the head is bounded. asked is the header
// of a WebSocket handshake, the only request that 101 can answer; nil for others.
func check(resp *http.Response, t *target, asked http.Header) *Error {
	if resp.StatusCode == http.StatusSwitchingProtocols && asked != nil {
		if detail := badAccept(asked, resp.Header); detail != "" {
			return brokenf(t, "status 101: %s", detail)
		}
	} else if resp.StatusCode < 200 || resp.StatusCode > 599 {
		return brokenf(t, "status %d", resp.StatusCode)
	}
	return clean(resp, t)
}

// clean refuses header fields that two readers could understand differently, and removes hop-by-hop ones.
func clean(resp *http.Response, t *target) *Error {
	lines := 0
	for name, values := range resp.Header {
		if lines += len(values); lines > maxResponseFields {
			return brokenf(t, "more than %d header fields", maxResponseFields)
		}
		for _, v := range values {
			if !printable(v) {
				return brokenf(t, "control characters in header field %q", name)
			}
		}
		if len(values) > 1 && decisive(name) {
			return brokenf(t, "header field %s is repeated", name)
		}
	}
	dropNamed(resp.Header, resp.Header["Connection"])
	for _, name := range connectionFields {
		delete(resp.Header, name)
	}
	return nil
}

// connectionFields are the hop-by-hop fields of answers. Content-Length stays: it is the answer's own.
var connectionFields = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// decisive reports response fields of which two would mean two answers.
func decisive(name string) bool {
	return name == "Content-Type" || name == "Content-Encoding" || name == "Content-Length" || name == "Location" || name == "Content-Range"
}

func printable(v string) bool {
	for i := 0; i < len(v); i++ {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// answer is the body of a response: it types errors, and ends the claim on the target when it is closed.
type answer struct {
	body     io.ReadCloser
	ctx      context.Context //nolint:containedctx // tells why a read failed; a body lives as long as its request
	upstream *Upstream
	target   *target
	closed   atomic.Bool
	counted  bool          // under the upstream's ceiling
	lain     time.Duration // for how long a slow one was there before it was read
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.body.Read(p)
	if err != nil && err != io.EOF {
		err = classify(a.ctx, a.target, err, false)
	}
	return n, err
}

// Close may be called more than once.
func (a *answer) Close() error {
	err := a.body.Close()
	if a.closed.CompareAndSwap(false, true) {
		a.upstream.release(a.target)
		if a.counted {
			a.upstream.ceiling.leave()
		}
	}
	return err
}
