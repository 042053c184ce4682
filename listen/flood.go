package listen

import (
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// flood watches the frames of one HTTP/2 connection for what costs us more than the client: requests that are taken back
// (rapid reset, CVE-2023-44487), requests that make us take them back (CVE-2025-8671), header blocks without end
// (CVE-2023-45288), and frames that carry nothing (CVE-2019-9511 to 9518). The HTTP/2 server behind it bounds concurrent
// streams, header lists, settings in a frame and queued answers.
//
// Both budgets are earned by honest traffic, so that they bound the share of abuse and not what a busy client may do:
// a request pays for half a reset, a frame with content or a kilobyte of answers for one without.
type flood struct {
	limits  *limits
	client  *client
	in      frames // these are the reader's
	block   int    // CONTINUATION frames of the open header block
	size    int    // bytes of it
	open    bool   // a header block has begun and not ended
	control bucket
	resets  bucket       // in halves
	earned  int          // of those, what the client's own bucket has not been given
	unpaid  atomic.Int64 // bytes of answers that have earned nothing yet
	taken   atomic.Int64 // streams that we had to reset, likewise
	out     frames       // the writer's
}

func newFlood(l *limits, c *client, now time.Time) *flood {
	return &flood{limits: l, client: c, control: newBucket(l.controlFrames, max(1, l.controlFrames/10), now), resets: newBucket(2*l.resets, 1, now)}
}

// read judges what came from the client.
func (f *flood) read(p []byte) (cut, bool) {
	now := time.Now()
	f.control.give(int(f.unpaid.Swap(0) >> 10))
	for n := f.taken.Swap(0); n > 0; n-- {
		if c, ok := f.reset(now); !ok {
			return c, false
		}
	}
	for {
		h, rest, ok := f.in.next(p)
		if !ok {
			return 0, true
		}
		if c, ok := f.judge(h, now); !ok {
			return c, false
		}
		p = rest
	}
}

func (f *flood) judge(h frame, now time.Time) (cut, bool) {
	switch h.kind {
	case frameHeaders:
		f.resets.give(1)
		f.earned++
		f.open, f.block, f.size = h.flags&flagEndHeaders == 0, 0, h.length
	case frameContinuation:
		f.open = h.flags&flagEndHeaders == 0
		f.size += h.length
		if f.block++; f.block > f.limits.continuations || f.size > 2*f.limits.maxHead {
			return continuations, false
		}
	case frameResetStream:
		return f.reset(now)
	case frameData:
		if h.flags&flagEndStream == 0 && empty(h) {
			return f.idle(now)
		}
	default:
		return f.idle(now)
	}
	f.control.give(1)
	return 0, true
}

// empty reports whether a DATA frame carries nothing, or may be nothing but padding.
func empty(h frame) bool { return h.length == 0 || h.flags&flagPadded != 0 && h.length <= 256 }

func (f *flood) idle(now time.Time) (cut, bool) { return manyControl, f.control.take(1, now) }

func (f *flood) reset(now time.Time) (cut, bool) {
	if !f.resets.take(2, now) {
		return manyResets, false
	}
	earned := f.earned
	f.earned = 0
	return manyResetsClient, f.client.spendReset(earned, now)
}

// wrote notes what went to the client, and reports whether that was the end for a flood. The HTTP/2 server has a bound of its own, of
// requests that are taken back before they were begun, which it may reach before it has written all the resets that count here.
func (f *flood) wrote(p []byte) (calmed bool) {
	f.unpaid.Add(int64(len(p)))
	for {
		h, rest, ok := f.out.next(p)
		if !ok {
			return calmed
		}
		switch {
		case h.kind == frameResetStream && provoked(h.code):
			f.taken.Add(1)
		case h.kind == frameGoAway && http2.ErrCode(h.code) == http2.ErrCodeEnhanceYourCalm:
			calmed = true
		}
		p = rest
	}
}

// provoked reports whether a stream was reset for what the client did: PROTOCOL_ERROR, FLOW_CONTROL_ERROR and so on, but
// not NO_ERROR, by which we spare ourselves the rest of a body, nor INTERNAL_ERROR and CANCEL.
func provoked(code uint32) bool { return code != 0x0 && code != 0x2 && code != 0x8 }

// inside reports whether the client has begun something that it must end soon: a frame, or a header block.
func (f *flood) inside() bool { return f.open || f.in.inside() }
