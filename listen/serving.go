package listen

import (
	"context"
	"crypto/tls"
	"net/http"

	"golang.org/x/net/http2"
)

// closing ends connections whose time has come, and whose framing another reader could have understood differently.
//
// net/http drops Content-Length beside "Transfer-Encoding: chunked", and Transfer-Encoding on HTTP/1.0, without a
// trace. RFC 9112 section 6.3 demands that the connection be closed after the former. So a chunked request ends its
// connection unless every Content-Length that came is known to belong to another request (see contentLength), one of
// HTTP/1.0 always does, and nothing smuggled behind one is ever read.
type closing struct{ next http.Handler }

func (c closing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wire := wireOf(r.Context()); wire != nil && wire.last(r) {
		w.Header().Set("Connection", "close")
	}
	c.next.ServeHTTP(w, r)
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
	h2 := new(http2.Server)
	if err := http2.ConfigureServer(s, h2); err != nil {
		return err
	}
	s.TLSNextProto["h2"] = func(hs *http.Server, c *tls.Conn, h http.Handler) {
		watched := newWire(c, c.NetConn().(*held))
		ctx := hs.BaseContext(nil)
		if base, ok := h.(interface{ BaseContext() context.Context }); ok { // what ConnContext made of it
			ctx = base.BaseContext()
		}
		h2.ServeConn(encrypted{watched}, &http2.ServeConnOpts{Context: context.WithValue(ctx, wireKey{}, watched), BaseConfig: hs, Handler: h})
	}
	return nil
}
