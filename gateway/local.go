package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/openapi"
)

// A service answers what was judged: an upstream, or this process itself.
type service interface {
	RoundTrip(context.Context, *exchange.Exchange, *forward.Request) (*http.Response, error)
	Upgrade(context.Context, *exchange.Exchange, *forward.Request) (*http.Response, error)
}

// Local is an API that this process answers itself. It is read, matched and judged like those that are forwarded.
type Local struct {
	Settings config.API // name, modes, limits; spec, upstream and security are not looked at
	Document *openapi.Document
	// Identity are the guards that say who asks: of each operation, before its policy.
	Identity []exchange.Guard
	// Handler answers what passed. Whole answers only: they are held in memory until they have been judged.
	Handler http.Handler
}

// BuildLocal compiles l into a snapshot, all or nothing.
func BuildLocal(l Local, parts *Parts) (*Snapshot, error) {
	b := builder{parts: parts, src: &config.Source{File: l.Settings.Name}, at: "apis[" + l.Settings.Name + "]", api: &l.Settings, doc: l.Document, who: l.Identity}
	for _, op := range l.Document.Operations {
		if op.Ext.Streaming != "" {
			return nil, fmt.Errorf("%s: what this process answers is no stream", op.Key)
		}
	}
	b.engines()
	a := b.compile(&local{l.Handler})
	if b.problems.Failed() {
		return nil, b.problems
	}
	s := &Snapshot{parts: parts, config: &config.Config{}, apis: []*api{a}, matrix: a.matrix, basis: &Basis{}}
	s.declared.Add(&a.declared)
	return s, nil
}

// local is the service of a [Local].
type local struct{ handler http.Handler }

// RoundTrip hands the handler the request as it was judged.
func (l *local) RoundTrip(ctx context.Context, e *exchange.Exchange, out *forward.Request) (*http.Response, error) {
	target := out.Path
	if out.RawQuery != "" {
		target += "?" + out.RawQuery
	}
	at, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("couldn't read a canonical target: %w", err)
	}
	r := e.Request.WithContext(context.WithValue(ctx, callerKey{}, caller{e.ID, e.Principal}))
	r.Method, r.URL, r.RequestURI = out.Method, at, target
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(out.Body)), int64(len(out.Body))
	w := &held{header: http.Header{}}
	l.handler.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK) // where the handler said nothing
	e.Response = &exchange.Response{Status: w.status, Header: w.header}
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len())}, nil
}

// Upgrade is refused: [BuildLocal] lets no operation declare it.
func (*local) Upgrade(context.Context, *exchange.Exchange, *forward.Request) (*http.Response, error) {
	return nil, errors.New("what this process answers is no stream")
}

// held is an answer that is being written.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header { return h.header }

func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

type callerKey struct{}

type caller struct {
	id  string
	who *exchange.Principal
}

// Caller tells a [Local]'s handler who asks, and in which exchange; nil for nobody.
func Caller(ctx context.Context) (id string, who *exchange.Principal) {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.id, c.who
}
