package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/protect"
)

// serve is the way of a request. Each line can end it.
func (x *serving) serve() exchange.Verdict {
	if x.snapshot == nil {
		return exchange.Refuse(exchange.NotReady, "no configuration is loaded").WithRetry(time.Second)
	}
	if v := listen.Check(x.r, &x.snapshot.declared); !v.Passed() {
		return v
	}
	if v := x.locate(); !v.Passed() {
		return v
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), x.api.door.timeout)
	defer func() { cancel() }()
	x.admitted, x.e.AtChallenge = true, x.api.challenge != nil && challenge.At(x.rest)
	if v := x.ask(ctx, x.api.door.phases[exchange.OnConnect]); !v.Passed() {
		return v
	}
	if x.e.AtChallenge {
		return x.challenge()
	}
	asked := x.preflighted()
	if asked != nil && asked.corsMode == config.Enforce {
		return x.preflight(asked)
	}
	if v := x.match(asked); !v.Passed() {
		return v
	}
	if x.plan.timeout != x.api.door.timeout {
		cancel()
		ctx, cancel = x.deadline()
	}
	if v := x.ask(ctx, x.plan.phases[exchange.OnHead]); !v.Passed() {
		return v
	}
	if x.plan.streaming != "" {
		return x.stream(ctx)
	}
	if v := x.readBody(ctx); !v.Passed() {
		return v
	}
	if v := x.ask(ctx, x.plan.phases[exchange.OnBody]); !v.Passed() {
		return v
	}
	return x.forward(ctx)
}

// deadline bounds the exchange by its operation's timeout.
func (x *serving) deadline() (context.Context, context.CancelFunc) {
	return context.WithDeadline(x.r.Context(), x.e.Start.Add(x.plan.timeout))
}

// locate reads the target once and finds the API.
func (x *serving) locate() exchange.Verdict {
	parse := content.ParseTargetHost
	if x.snapshot.matrix {
		parse = content.ParseTargetMatrix
	}
	target, host, err := parse(x.r.RequestURI)
	if err != nil {
		return exchange.Refuse(exchange.BadTarget, err.Error()).WithFields(exchange.Field{Detail: err.Error()})
	}
	if host != "" && !strings.EqualFold(host, x.r.Host) {
		return exchange.Refuse(exchange.BadTarget, "the target's host is not that of the Host header")
	}
	x.e.Target = target
	if target.Path == "*" { // it has no segments, and so would be taken for "/"
		return exchange.Refuse(exchange.UnknownOperation, "asterisk-form asks about the server, which is no operation")
	}
	found, rest, known := x.snapshot.route(x.r.Host, target.Segments)
	if !known {
		return exchange.Refuse(exchange.UnknownHost, "host "+x.r.Host)
	}
	if found == nil {
		return exchange.Refuse(exchange.UnknownOperation, "no API is served under this path").WithSetting("apis[].base_path")
	}
	if v := found.meant(&x.e.Client, x.r.Host); !v.Passed() {
		return v
	}
	x.api, x.e.API, x.rest = found, found.name, rest
	return found.declared.Narrow(x.r)
}

// match finds the operation and decodes its parameters. A preflight that is not answered here goes to the upstream as
// one of no operation: asked, which it asks about, is judged when it comes.
func (x *serving) match(asked *plan) exchange.Verdict {
	if asked != nil {
		x.plan, x.e.Operation = x.api.door, x.api.door.op
		if asked.corsMode == config.Monitor {
			_, v := asked.cors.Preflight(x.r)
			x.note("protect.cors", v)
		}
		return exchange.Pass
	}
	m := x.api.matcher.Match(x.r.Method, x.rest)
	if n := x.e.Target.Semicolons; n > 0 && (m.Operation == nil || m.Operation.Semicolons(m.Args) != n) {
		return exchange.Refuse(exchange.BadTarget, "a semicolon in the path that no matrix parameter writes").WithFields(exchange.Field{Detail: "a separator that is not allowed in the path"})
	}
	if m.Operation == nil {
		return x.unknown(m)
	}
	x.plan = x.api.byOperation[m.Operation]
	x.e.Operation = m.Operation
	if x.r.Method == http.MethodHead && x.plan.enforcesAnswer {
		x.method = m.Operation.Method // only a whole answer can be judged: what HEAD tells must not be more than what GET tells
	}
	x.e.Params = m.Operation.Decode(x.e.Target, m.Args, x.r.Header)
	return exchange.Pass
}

func (x *serving) unknown(m openapi.Match) exchange.Verdict {
	if x.api.settings.Unknown == "inspect" {
		if why := x.disguised(m); why != "" {
			return exchange.Refuse(exchange.UnknownOperation, x.r.Method+" "+x.e.Target.Path+": "+why).WithSetting("declare it in the spec")
		}
		x.plan = x.api.door
		x.e.Operation = x.plan.op
		return exchange.Pass
	}
	if len(m.Allow) > 0 {
		return exchange.Refuse(exchange.MethodNotAllowed, x.r.Method).WithHeader("Allow", strings.Join(m.Allow, ", ")).
			WithSetting("add the method to the path in the spec")
	}
	return exchange.Refuse(exchange.UnknownOperation, x.r.Method+" "+x.e.Target.Path).WithSetting("apis[" + x.api.name + "].unknown: inspect")
}

// preflighted is the plan of the operation that a CORS preflight asks about, or nil. An API that declares OPTIONS
// itself answers for itself.
func (x *serving) preflighted() *plan {
	if !protect.IsPreflight(x.r) || x.api.matcher.Match(http.MethodOptions, x.rest).Operation != nil {
		return nil
	}
	m := x.api.matcher.Match(x.r.Header.Get("Access-Control-Request-Method"), x.rest)
	return x.api.byOperation[m.Operation]
}

// preflight answers in place of the upstream, which never sees one.
func (x *serving) preflight(asked *plan) exchange.Verdict {
	x.plan, x.e.Operation = asked, asked.op
	header, v := asked.cors.Preflight(x.r)
	if !v.Passed() {
		x.refusedBy = "protect.cors"
		return v
	}
	for name, values := range header {
		x.w.Header()[name] = values
	}
	x.write(http.StatusNoContent, nil)
	return exchange.Pass
}

// readBody reads the request body once, within the operation's limits and time. Where no guard that enforces will judge
// it, a body that cannot be read is passed on as it came.
func (x *serving) readBody(ctx context.Context) exchange.Verdict {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return exchange.Pass
	}
	deadline, _ := ctx.Deadline()
	readUntil(x.w, deadline.Add(moment)) // after the deadline, which is to be seen first
	if len(x.plan.phases[exchange.OnBody]) == 0 {
		return exchange.Pass
	}
	body, err := content.Read(x.r.Body, content.Header{ContentType: x.r.Header["Content-Type"], ContentEncoding: x.r.Header["Content-Encoding"], Length: x.r.ContentLength}, x.plan.limits)
	x.bytesIn = int64(len(body.Raw()))
	if err == nil {
		readUntil(x.w, time.Time{})
		x.e.Body = body
		if x.e.Operation.Body != nil {
			x.e.BodySpec = openapi.FindMedia(x.e.Operation.Body.Content, body.Media().Type)
			typed(body, x.e.BodySpec)
		}
		return exchange.Pass
	}
	return x.unreadable(body, err)
}

// moment is how long after the exchange's deadline a client is waited for that does not send the body that it promised.
const moment = 250 * time.Millisecond

// readUntil bounds reading from the client; the zero time lifts the bound. Without it, whoever reads the body would be
// held for as long as the client stalls: net/http's transport and server too, which wait for the one who reads.
func readUntil(w http.ResponseWriter, t time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(t) // unsupported only by recorders of tests
}

// typed lets the spec say how the fields of a form are read, and what the texts of a form or XML body are, before
// anybody looks at them. A body that does not parse is for validation to refuse.
func typed(b *content.Body, m *openapi.MediaType) {
	if m == nil || b.Media().JSON() {
		return
	}
	b.Expect(m)
	if tree, err := b.Tree(); err == nil {
		m.Type(tree)
	}
}
