package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// Kind says how forwarding failed.
type Kind uint8

// The kinds of failure.
const (
	Unreachable Kind = iota + 1 // no connection to any target
	Timeout                     // no answer in time
	Open                        // every target's breaker is open, or none is healthy
	Broken                      // the answer is not valid HTTP, too large, or ended early
	Canceled                    // the client has gone; not a failure of the upstream
	Unread                      // the client's body could not be read to its end; no failure of the upstream either
	Busy                        // as many requests are in flight as the upstream answers in time
)

var kinds = [...]string{"failed", "could not be reached", "did not answer in time", "has no target to try", "broke the protocol", "was left by the client", "could not be sent what the client promised", "is busy"}

// An Error is a request that got no answer.
type Error struct {
	Kind   Kind
	Target string // scheme://host:port of the last target tried; "" when none was
	Err    error
	Pause  time.Duration // of Open and Busy: when it is worth to ask again, at the latest
}

func (e *Error) Error() string {
	s := "upstream "
	if e.Target != "" {
		s += e.Target + " "
	}
	s += kinds[e.Kind]
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason is the catalogue entry for the refusal; nil for Canceled, as there is nobody left to refuse.
func (e *Error) Reason() *exchange.Reason {
	switch e.Kind {
	case Unreachable:
		return exchange.UpstreamUnreachable
	case Timeout:
		return exchange.UpstreamTimeout
	case Open:
		return exchange.UpstreamOpen
	case Canceled:
		return nil
	case Unread:
		return exchange.BodyIncomplete
	case Busy:
		return exchange.UpstreamBusy
	}
	return exchange.UpstreamBroken
}

// classify turns what the transport says into an Error. ctx is the caller's: when it has ended, that is the cause,
// whatever the transport makes of it; and so is a body that the client did not send whole.
func classify(ctx context.Context, t *target, err error, unread bool) *Error {
	e := &Error{Kind: Broken, Target: t.name, Err: err}
	var dial *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind = Canceled
	case unread:
		e.Kind = Unread
	case ctx.Err() != nil || timedOut(err):
		e.Kind = Timeout
		if errors.As(err, &dial) && dial.Op == "dial" && ctx.Err() == nil {
			e.Kind = Unreachable
		}
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Kind = Unreachable
	}
	return e
}

func timedOut(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// unsent reports whether the request cannot have reached the upstream: there was no connection.
func (e *Error) unsent() bool { return e.Kind == Unreachable }

// unanswered reports whether nothing came back: the connection was closed or reset before the first byte of an
// answer. (One that was closed within the head is io.ErrUnexpectedEOF, which io.EOF does not match. A reset there
// looks like one before it; what depends on this is sent again only when that does no harm.)
func (e *Error) unanswered() bool {
	return e.unsent() || e.Kind == Broken && unanswered(e.Err)
}

func unanswered(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// brokenf says what is wrong with an answer.
func brokenf(t *target, format string, args ...any) *Error {
	return &Error{Kind: Broken, Target: t.name, Err: fmt.Errorf(format, args...)}
}
