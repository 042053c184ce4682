package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A Request is what is sent to the upstream, whole or as a stream. Path and RawQuery are written to the wire as they
// are: the caller takes them from content.Target, so that what was judged is what is sent.
type Request struct {
	Method   string
	Path     string      // canonical, begins with exactly one "/"
	RawQuery string      // canonical, without "?"
	Host     string      // the client's Host
	Header   http.Header // as received; it is copied, never changed
	Body     []byte      // nil: none. Not to be changed until the answer's body is closed

	Stream  io.ReadCloser // instead of Body: passed on as it arrives, closed by the transport, never repeated
	Length  int64         // of Stream in bytes; -1 when unknown
	Trailer http.Header   // of Stream: keys announced now, values filled in when it ends

	// Endless: the answer lasts as long as both ends want it to, so how long it takes tells nothing of the upstream's load.
	Endless bool

	// Declared reports header fields, by canonical name, that are sent although they have other characters than letters,
	// digits and "-", because the API declares them; nil: none.
	Declared func(name string) bool

	// Identify writes who asks into the header that is sent, after everything that the client could have said about
	// it was removed; nil writes nothing.
	Identify func(http.Header)

	// Inspected: the answer will be judged, so fields that would change its form (Range, If-Range, Accept-Charset,
	// Accept-Encoding) are not sent.
	Inspected bool
}

var (
	errTarget = errors.New("path does not begin with exactly one slash, or has bytes that do not belong in a request line")
	identity  = []string{"identity"}
	noAgent   = []string{""} // keeps net/http from naming itself
	trailers  = []string{"trailers"}

	// noKey is not sent; it tells net/http's transport, which knows only GET, HEAD, OPTIONS and TRACE, that the request
	// may be sent again when the kept connection it went out on turns out dead.
	noKey = []string{}
)

// valid refuses what net/http would write as something else than one origin-form request line.
func (out *Request) valid() error {
	if !strings.HasPrefix(out.Path, "/") || strings.HasPrefix(out.Path, "//") || !visible(out.Path, '?') || !visible(out.RawQuery, '#') {
		return errTarget
	}
	return nil
}

// visible reports whether s has only visible ASCII, and neither "#" nor the byte but.
func visible(s string, but byte) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' || c == but {
			return false
		}
	}
	return true
}

// A call is what one attempt needs besides its http.Request, allocated together.
type call struct {
	stream stream
	answer answer

	incoming incoming // on HTTP/1.1
	response http.Response
	sent     atomic.Bool    // the request has gone out whole
	writing  sync.WaitGroup // of a large body
	lain     time.Duration  // of a slow answer: for how long it was there before it was read

	url  url.URL // on HTTP/2
	body bytes.Reader
}

// A stream is a body on its way from the client.
type stream struct {
	io.ReadCloser
	broken  atomic.Bool // the client ended it early, or did not send it in time
	waiting atomic.Bool // for the client to send more
	closed  atomic.Bool // by the transport; what reading says then is not of the client
}

func (s *stream) Read(p []byte) (int, error) {
	s.waiting.Store(true)
	n, err := s.ReadCloser.Read(p)
	s.waiting.Store(false)
	if err != nil && err != io.EOF && !s.closed.Load() {
		s.broken.Store(true)
	}
	return n, err
}

// unread tells whether it is the client's fault that the request failed: it broke its body off, or time was over while it had to send.
func (s *stream) unread(ctx context.Context) bool {
	return s.broken.Load() || ctx.Err() != nil && s.waiting.Load()
}

func (s *stream) Close() error {
	s.closed.Store(true)
	return s.ReadCloser.Close()
}

// blank is copied by WithContext, the only way to give a request its context; never changed.
var blank http.Request

// newRequest builds the request for net/http's HTTP/2. URL.Opaque is what it writes unchanged; Path and RawPath would pass through its own escaping. Opaque begins with one slash, which valid has checked:
// with two, net/http would write an absolute-form target.
func (c *call) newRequest(ctx context.Context, t *target, out *Request, h http.Header, host string) *http.Request {
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = noAgent
	}
	if out.Stream == nil && repeatable(out.Method) && h["Idempotency-Key"] == nil && h["X-Idempotency-Key"] == nil {
		h["X-Idempotency-Key"] = noKey
	}
	c.url = url.URL{Scheme: t.scheme, Host: t.host, Opaque: out.Path, RawQuery: out.RawQuery}
	r := blank.WithContext(ctx)
	r.Method, r.URL, r.Host, r.Header = out.Method, &c.url, host, h
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	switch {
	case out.Stream != nil:
		c.stream.ReadCloser = out.Stream
		r.Body, r.ContentLength, r.Trailer = &c.stream, out.Length, out.Trailer
		if out.Length == 0 {
			r.ContentLength = -1 // 0 with a body means "unknown" to net/http as well; say so
		}
	case len(out.Body) > 0:
		// A bytes.Reader, not a type of ours: net/http then writes head and body in one go.
		c.body.Reset(out.Body)
		r.Body, r.ContentLength = io.NopCloser(&c.body), int64(len(out.Body))
		r.GetBody = func() (io.ReadCloser, error) { // for the transport, when a kept connection turns out dead
			return io.NopCloser(bytes.NewReader(out.Body)), nil
		}
	}
	return r
}

// outgoing builds the header of a request: the client's without what must not pass, the forwarding family rebuilt,
// and last the edits of the guards, so that nothing the client says can touch what they set (SECURITY-LESSONS 10, 11).
func outgoing(e *exchange.Exchange, out *Request) http.Header {
	room := len(out.Header) + 5 // what setForwarded and the lines below add most of the time
	if e.Principal != nil {
		room += 2 // who it is
	}
	h := make(http.Header, room)
	for name, values := range out.Header {
		if Reserved(name) || !plain(name) && (out.Declared == nil || !out.Declared(name)) || out.Inspected && reshapes(name) {
			continue
		}
		h[name] = values[:len(values):len(values)] // shared with the client's; appending copies
	}
	dropNamed(h, out.Header["Connection"])
	setForwarded(h, e.Client, out.Host)
	if out.Inspected {
		h["Accept-Encoding"] = identity
	}
	if out.Stream != nil && hasToken(out.Header["Te"], "trailers") {
		h["Te"] = trailers // gRPC asks for it
	}
	if out.Identify != nil {
		out.Identify(h)
	}
	e.Outgoing.Apply(h)
	return h
}

// repeatable reports the idempotent methods that net/http's transport does not know to be.
func repeatable(method string) bool {
	return idempotent(method) && method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
