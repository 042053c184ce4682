package gateway

import (
	"errors"
	"io"
	"net/http"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// overEvents lets each event of an answer pass once it is judged, where the spec says what events are. The first that is
// none of those ends the stream.
func (x *serving) overEvents(resp *http.Response) exchange.Verdict {
	media := x.e.Response.Media
	if x.plan.eventMode == config.Off || !events(resp) || media == nil || media.Events == nil {
		return exchange.Pass
	}
	mode := x.plan.eventMode
	if resp.Header.Get("Content-Encoding") != "" {
		v := exchange.Refuse(exchange.ResponseInvalid, "events that are encoded cannot be judged").WithSetting(eventSetting)
		if mode == config.Enforce {
			x.refusedBy = "validate.response"
			return v
		}
		x.note("validate.response", v)
		return exchange.Pass
	}
	resp.Body = &judgedEvents{from: resp.Body, events: media.Events, lim: x.plan.answer, lenient: mode == config.Monitor, wrong: func(detail string) {
		v := exchange.Refuse(exchange.ResponseInvalid, detail).WithSetting(eventSetting)
		x.e.Steps = append(x.e.Steps, exchange.Step{Guard: "validate.response", Mode: mode, Verdict: &v})
	}}
	return exchange.Pass
}

const eventSetting = "modes: { validate.response: monitor }"

// judgedEvents is an event stream of which only whole blocks can be read that were judged. What is lenient passes on
// unjudged after the first mistake, which is told.
type judgedEvents struct {
	from    io.ReadCloser
	events  *openapi.Events
	lim     content.Limits
	lenient bool
	wrong   func(detail string) // called once

	buf    []byte // read and not taken yet
	judged int    // bytes of it that may be
	sought int    // bytes behind those in which no block ends
	begun  bool   // a block was judged
	failed error  // what comes after buf
	over   bool   // nothing is judged any more
}

var errEvent = errors.New("an event that is not declared")

func (j *judgedEvents) Read(p []byte) (int, error) {
	for j.judged == 0 {
		if j.failed != nil {
			return 0, j.failed
		}
		n, err := j.from.Read(p)
		j.buf, j.failed = append(j.buf, p[:n]...), err
		j.judge()
	}
	n := copy(p, j.buf[:j.judged])
	j.buf, j.judged = j.buf[n:], j.judged-n
	return n, nil
}

// judge goes on from what was judged. What is left where the stream ends is no event, and is judged as if it were one.
func (j *judgedEvents) judge() {
	for !j.over && j.judged < len(j.buf) {
		rest := j.buf[j.judged:]
		end := content.EventEnd(rest, j.sought)
		switch {
		case end < 0 && int64(len(rest)) > j.lim.Bytes:
			j.refuse("an event is larger than max_response")
			continue
		case end < 0 && j.failed != nil:
			end = len(rest)
		case end < 0:
			j.sought = len(rest)
			return
		}
		j.sought = 0
		if detail := j.events.Judge(rest[:end], !j.begun, j.lim); detail != "" {
			j.refuse(detail)
			continue
		}
		j.begun = true
		j.judged += end
	}
	if j.over && j.lenient {
		j.judged = len(j.buf)
	}
}

func (j *judgedEvents) refuse(detail string) {
	j.over = true
	j.wrong(detail)
	if !j.lenient {
		j.buf, j.failed = j.buf[:j.judged], errEvent
	}
}

// Close ends the stream.
func (j *judgedEvents) Close() error { return j.from.Close() }
