package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/validate"
)

// unreadable settles a body that could not be read. Judged by a guard that enforces, it is refused; otherwise it goes
// on as it came: what was read, then the rest.
func (x *serving) unreadable(body *content.Body, err error) exchange.Verdict {
	v := exchange.Malformed(err)
	mode := x.plan.phases[exchange.OnBody][0].mode
	x.e.Steps = append(x.e.Steps, exchange.Step{Guard: "content", Mode: mode, Verdict: &v})
	if x.plan.enforcesBody {
		x.refusedBy = "content"
		return v
	}
	x.pending = io.MultiReader(bytes.NewReader(body.Raw()), x.r.Body)
	return exchange.Pass
}

// forward sends what was judged and settles the answer.
func (x *serving) forward(ctx context.Context) exchange.Verdict {
	x.span.Propagate(&x.e.Outgoing)
	resp, err := x.api.upstream.RoundTrip(ctx, &x.e, x.outgoing())
	if err != nil {
		return x.failed(err)
	}
	defer resp.Body.Close()
	x.describe(resp)
	if v := x.ask(ctx, x.plan.phases[exchange.OnResponseHead]); !v.Passed() {
		return v
	}
	if len(x.plan.phases[exchange.OnResponseBody]) == 0 || bodiless(x.method, resp) || !x.plan.enforcesAnswer && x.unjudged(resp) {
		return x.pass(resp)
	}
	return x.judge(ctx, resp)
}

// unjudged reports answers that monitoring must not hold back or cannot judge: events, which may have no end, and parts
// of an answer, which is not asked for in parts where it is enforced.
func (x *serving) unjudged(resp *http.Response) bool {
	if events(resp) {
		x.note("content", exchange.Refuse(exchange.ResponseInvalid, "events, which the operation does not declare").
			WithSetting("streaming: sse, of "+x.e.Operation.Key))
		return true
	}
	return resp.StatusCode == http.StatusPartialContent
}

func events(resp *http.Response) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
}

// outgoing is the request as it was judged.
func (x *serving) outgoing() *forward.Request {
	out := &forward.Request{Method: x.method, Path: x.e.Target.Path, RawQuery: x.query(), Host: x.r.Host, Header: x.r.Header,
		Declared:  x.api.odd,
		Identify:  func(h http.Header) { x.api.managed.Apply(h, x.e.Principal) },
		Endless:   x.plan.streaming != "",
		Inspected: x.plan.enforcesAnswer && x.plan.streaming == "" || x.plan.eventMode == config.Enforce}
	switch {
	case x.e.Body != nil && !x.plan.enforcesBody:
		out.Body = x.e.Body.Raw()
	case x.e.Body != nil:
		out.Body = x.e.Body.Result()
		x.e.Outgoing.Delete("Content-Encoding") // what was judged is sent, decoded
	case x.pending != nil:
		out.Stream, out.Length = x.counted(io.NopCloser(x.pending)), x.r.ContentLength
	case x.r.Body != nil && x.r.Body != http.NoBody:
		out.Stream, out.Length, out.Trailer = x.counted(x.r.Body), x.r.ContentLength, x.r.Trailer
	}
	return out
}

// counted lets the record tell how much of a stream was sent.
func (x *serving) counted(body io.ReadCloser) io.ReadCloser {
	x.sent = &counter{ReadCloser: body}
	return x.sent
}

// A counter counts what is read. The transport may read on when the exchange has ended.
type counter struct {
	io.ReadCloser
	n     atomic.Int64
	ended atomic.Bool
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	if err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}

// whole reports whether a body of that length, -1 where nobody said it, was read to its end.
func (c *counter) whole(length int64) bool { return c.ended.Load() || c.n.Load() == length }

// query is the canonical query without parameters that validation stripped, and without credentials that stay here.
func (x *serving) query() string {
	t := x.e.Target
	for _, p := range t.Query {
		if x.e.Outgoing.Drops(p.Name) {
			t = t.Without(x.e.Outgoing.Drops)
			break
		}
	}
	return x.api.managed.RawQuery(t)
}

func (x *serving) failed(err error) exchange.Verdict {
	x.refusedBy = "forward"
	var f *forward.Error
	if !errors.As(err, &f) {
		return exchange.Refuse(exchange.UpstreamUnreachable, err.Error())
	}
	if f.Kind == forward.Canceled {
		x.gone = true
		return exchange.Refuse(exchange.BodyIncomplete, "the client has gone: "+err.Error())
	}
	v := exchange.Refuse(f.Reason(), err.Error())
	if f.Kind == forward.Open || f.Kind == forward.Busy {
		v = v.WithRetry(f.Pause)
	}
	at := "apis[" + x.api.name + "].upstream"
	switch f.Kind {
	case forward.Unread:
		x.refusedBy = "content"
		return v
	case forward.Busy:
		at += ".adaptive"
	}
	return v.WithSetting(at)
}

// describe finds what the spec says of an answer.
func (x *serving) describe(resp *http.Response) {
	if x.e.Response == nil {
		x.e.Response = &exchange.Response{Status: resp.StatusCode, Header: resp.Header}
	}
	r := x.e.Response
	if r.Spec = x.e.Operation.Response(r.Status); r.Spec == nil {
		return
	}
	if media, err := content.ParseMedia(r.Header["Content-Type"]); err == nil {
		r.Media = openapi.FindMedia(r.Spec.Content, media.Type)
	}
}

func bodiless(method string, resp *http.Response) bool {
	return method == http.MethodHead || resp.ContentLength == 0 || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
}

// judge reads the answer's body once, asks the guards and sends what they left of it.
func (x *serving) judge(ctx context.Context, resp *http.Response) exchange.Verdict {
	header := content.Header{ContentType: resp.Header["Content-Type"], ContentEncoding: resp.Header["Content-Encoding"]}
	body, err := content.Read(resp.Body, header, x.plan.answer)
	if err != nil {
		return x.unreadableAnswer(ctx, resp, body, err)
	}
	x.e.Response.Body = body
	typed(body, x.e.Response.Media)
	if v := x.ask(ctx, x.plan.phases[exchange.OnResponseBody]); !v.Passed() {
		return v
	}
	if !x.plan.enforcesAnswer {
		return x.passRead(resp, body)
	}
	result := body.Result()
	h, same := x.w.Header(), unchanged(x.r, resp)
	x.copyHeader(resp)
	h.Del("Content-Encoding")
	h.Set("Content-Length", strconv.Itoa(len(result)))
	if body.Edited() {
		h.Del("Etag") // it names other bytes
		h.Del("Digest")
		h.Del("Content-Digest")
		h.Del("Content-Md5")
	}
	if same {
		h.Del("Content-Length")
		x.write(http.StatusNotModified, nil)
		return exchange.Pass
	}
	x.write(resp.StatusCode, result)
	return exchange.Pass
}

// unreadableAnswer settles an answer that is too large, broken or of no single meaning.
func (x *serving) unreadableAnswer(ctx context.Context, resp *http.Response, body *content.Body, err error) exchange.Verdict {
	v := validate.Replaced(x.e.Response, exchange.ResponseInvalid, "the answer cannot be read: "+err.Error()).WithSetting("max_response, or streaming: body, of " + x.e.Operation.Key)
	var c *content.Error
	if errors.As(err, &c) && c.Code == content.Incomplete {
		v = exchange.Refuse(exchange.UpstreamBroken, err.Error())
		if failed := (*forward.Error)(nil); errors.As(err, &failed) && failed.Kind == forward.Timeout {
			v = exchange.Refuse(exchange.UpstreamTimeout, failed.Error())
		}
		x.gone = errors.Is(ctx.Err(), context.Canceled)
	}
	mode := x.plan.phases[exchange.OnResponseBody][0].mode
	x.e.Steps = append(x.e.Steps, exchange.Step{Guard: "content", Mode: mode, Verdict: &v})
	if x.plan.enforcesAnswer {
		x.refusedBy = "content"
		return v
	}
	return x.passRead(resp, body)
}

// passRead sends an answer as it came: what was read of it, then the rest.
func (x *serving) passRead(resp *http.Response, body *content.Body) exchange.Verdict {
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body.Raw()), rest), rest}
	return x.pass(resp)
}

// pass sends an answer that no guard judges as it arrives. Where it breaks off, so does what the client gets.
func (x *serving) pass(resp *http.Response) exchange.Verdict {
	x.copyHeader(resp)
	x.status = resp.StatusCode
	n, err := forward.CopyStream(x.w, resp)
	x.bytesOut = n
	x.abort = err != nil
	var f *forward.Error
	if errors.As(err, &f) && f.Reason() != nil {
		v := exchange.Refuse(f.Reason(), "the answer broke off: "+err.Error())
		x.e.Steps = append(x.e.Steps, exchange.Step{Guard: "forward", Mode: config.Enforce, Verdict: &v})
	}
	return exchange.Pass
}

// copyHeader takes over the answer's fields, as the guards changed them.
func (x *serving) copyHeader(resp *http.Response) {
	h := x.w.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	if _, named := h["Content-Type"]; !named {
		h["Content-Type"] = nil // or net/http would guess one
	}
	x.e.Reply.Apply(h)
	h["X-Request-Id"] = []string{x.e.ID}
}

// write sends a whole answer.
func (x *serving) write(status int, body []byte) {
	x.status, x.bytesOut = status, int64(len(body))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(body) // the client has gone; the record says what was sent
	}
}
