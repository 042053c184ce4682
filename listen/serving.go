package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/exchange"
)

// closing ends connections whose time has come, and those of HTTP/1.0, and tells of heads that strict or blocks refused.
type closing struct {
	next    http.Handler
	checked bool // next calls Check
}

func (c closing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wire := wireOf(r.Context()); wire != nil {
		if wire.last(r) {
			w.Header().Set("Connection", "close")
		}
		if broken := wire.refusal(r); broken != nil {
			if broken.fatal {
				w = parting{w}
			}
			if r = broken.mark(r); !c.checked {
				broken.answer(w)
				return
			}
		}
	}
	c.next.ServeHTTP(w, r)
}

// parting answers on a connection that ends with an error. Connection: close would let x/net say GOAWAY without an error first,
// and it says it once.
type parting struct{ http.ResponseWriter }

func (w parting) WriteHeader(status int) {
	w.Header().Del("Connection")
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w parting) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type refusalKey struct{}

// mark returns the request that net/http was given in place of a refused head, with what the client sent as far as it is
// known, for the record.
func (b *refusal) mark(r *http.Request) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), refusalKey{}, b))
	if b.target != "" {
		r.RequestURI = b.target
	}
	if b.method != "" {
		r.Method = b.method
	}
	if r.Host == unknownHost {
		r.Host = ""
	}
	return r
}

func (b *refusal) verdict() exchange.Verdict {
	v := exchange.Refuse(b.reason, b.detail)
	if b.reason == exchange.HeadTooLarge {
		v = v.WithSetting("listen[].max_header")
	}
	return v
}

// answer is what handlers that call no Check leave to us: a problem (RFC 9457) without an exchange.
func (b *refusal) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Connection", "close") // net/http has seen nothing wrong with HTTP/2
	w.WriteHeader(b.reason.Status)
	fmt.Fprintf(w, `{"title":%q,"status":%d,"code":%q}`, b.reason.Title, b.reason.Status, b.reason.Code)
}

// pacing holds clients to the minimum rate.
type pacing struct {
	next   http.Handler
	limits *limits
	tally  *tally
}

func (h pacing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > 0 {
		defer pace(w, r, h.limits, h.tally).release()
	}
	if r.ProtoMajor == 2 {
		paced := newPacedWriter(w, h.limits, h.tally)
		defer paced.finish()
		w = paced
	}
	h.next.ServeHTTP(w, r)
}

// configureHTTP2 serves HTTP/2 by golang.org/x/net/http2, the same server as net/http's own, which takes any connection
// and so one that is watched. It must be called before the server is used.
func configureHTTP2(s *http.Server) error {
	h2 := new(http2.Server)                              //nolint:staticcheck // net/http's own takes a *tls.Conn alone
	if err := http2.ConfigureServer(s, h2); err != nil { //nolint:staticcheck // the same
		return err
	}
	s.TLSNextProto["h2"] = func(hs *http.Server, c *tls.Conn, h http.Handler) {
		watched := newWire(c, c.NetConn().(*held))
		ctx := hs.BaseContext(nil)
		if base, ok := h.(interface{ BaseContext() context.Context }); ok { // what ConnContext made of it
			ctx = base.BaseContext()
		}
		h2.ServeConn(encrypted{watched}, &http2.ServeConnOpts{Context: context.WithValue(ctx, wireKey{}, watched), BaseConfig: hs, Handler: h}) //nolint:staticcheck // the same
	}
	return nil
}
