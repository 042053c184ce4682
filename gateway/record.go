package gateway

import (
	"strings"
	"time"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/bot"
	"github.com/sallyport/sallyport/openapi"
)

// Bounds of what a stranger can put into a record, in bytes.
const (
	maxPath  = 512
	maxQuery = 512
	maxAgent = 256
	maxHost  = 256

	maxDetail   = 4096
	maxFields   = 50  // in number; so many are shown to the client, too
	maxFindings = 200 // in number
)

// remains is a record with its parts, allocated together.
type remains struct {
	record    exchange.Record
	principal exchange.RecordPrincipal
	upstream  exchange.RecordUpstream
	bot       exchange.RecordBot
}

// record makes what remains of the exchange, masked. Nothing in it refers to memory of the exchange.
func (x *serving) record() *exchange.Record {
	e, all := &x.e, new(remains)
	r := &all.record
	*r = exchange.Record{ID: e.ID, Time: e.Start, Took: time.Since(e.Start), API: e.API,
		Method: clip(x.r.Method, 32), Host: clip(x.r.Host, maxHost), Path: x.maskedPath(), Query: x.maskedQuery(), Proto: x.r.Proto,
		Client: e.Client.Addr.String(), UserAgent: clip(x.r.UserAgent(), maxAgent), JA4: e.Client.JA4,
		Status: x.status, BytesIn: x.bytesIn, BytesOut: x.bytesOut, Trace: x.span.TraceID()}
	if e.Client.Peer != e.Client.Addr {
		r.Peer = e.Client.Peer.String()
	}
	if x.snapshot != nil && x.snapshot.basis != nil { // the admin API's own has none
		r.Basis = x.snapshot.basis.Hash
	}
	if e.Operation != nil {
		r.Operation, r.Undocumented = e.Operation.Key, e.Operation.Undocumented
	}
	if b := e.Bot; b.Rating != "" {
		r.Bot = &all.bot
		all.bot = exchange.RecordBot{Rating: b.Rating, Action: b.Action, Points: b.Points, Reasons: bot.Reasons(b.Marks)}
		if e.Agent != nil {
			r.Bot.Name = clip(e.Agent.Name, 256)
		}
	}
	if p := e.Principal; p != nil {
		r.Principal = &all.principal
		all.principal = exchange.RecordPrincipal{Subject: clip(p.Subject, 256), Issuer: p.Issuer, Kind: p.Kind, Tenant: clip(p.Tenant, 256), Plan: clip(p.Plan, 256), Roles: p.Roles, Scopes: p.Scopes, Schemes: p.Satisfies}
	}
	if v := e.Verdict; v.Reason != nil {
		r.Refused, r.Guard, r.Code, r.OWASP = true, x.refusedBy, v.Reason.Code, v.Reason.OWASP
		r.Detail, r.Setting, r.Fields = conceal(v.Detail, maxDetail), v.Setting, concealFields(v.Fields)
		if r.Guard == "" {
			r.Guard, _, _ = strings.Cut(v.Reason.Code, ".")
		}
	}
	r.Steps = steps(e.Steps)
	r.Findings = concealFindings(e.Findings)
	if e.Upstream.Attempts > 0 {
		r.Upstream = &all.upstream
		all.upstream = exchange.RecordUpstream{Target: e.Upstream.Target, Attempts: e.Upstream.Attempts, Took: e.Upstream.Took}
		if e.Response != nil {
			r.Upstream.Status = e.Response.Status
		}
	}
	return r
}

func steps(taken []exchange.Step) []exchange.RecordStep {
	list := make([]exchange.RecordStep, len(taken))
	for i, s := range taken {
		list[i] = exchange.RecordStep{Guard: s.Guard, Mode: s.Mode, Took: s.Took}
		if v := s.Verdict; v != nil {
			list[i].Detail, list[i].Setting, list[i].Fields = conceal(v.Detail, maxDetail), v.Setting, concealFields(v.Fields)
			if v.Reason != nil {
				list[i].Code = v.Reason.Code
			}
		}
	}
	return list
}

// maskedPath is the canonical path, or the template where a path parameter is declared to be personal. A target that
// has no canonical reading is shown as it came, without what may be its query.
func (x *serving) maskedPath() string {
	if x.e.Target.Path == "" {
		raw, _, _ := strings.Cut(x.r.RequestURI, "?")
		return conceal(raw, maxPath)
	}
	if op := x.personal(); op != nil {
		return op.Path
	}
	return conceal(x.e.Target.Path, maxPath)
}

// personal is the operation with a personal parameter in its path, or nil. Where the exchange ended before it had an
// operation, or by its method, it is any that the path would have.
func (x *serving) personal() *openapi.Operation {
	if op := x.e.Operation; op != nil && !op.Undocumented {
		return ifPersonal(op)
	}
	if x.api == nil {
		return nil
	}
	m := x.api.matcher.Match(x.r.Method, x.rest)
	found := ifPersonal(m.Operation)
	for i := 0; found == nil && i < len(m.Allow); i++ {
		found = ifPersonal(x.api.matcher.Match(m.Allow[i], x.rest).Operation)
	}
	return found
}

func ifPersonal(op *openapi.Operation) *openapi.Operation {
	if op == nil {
		return nil
	}
	for _, p := range op.Params {
		if p.In == "path" && p.Property.Kind != "" && p.Property.Kind != "id" {
			return op
		}
	}
	return nil
}

// maskedQuery shows names, and the values of parameters that are declared to be numbers or booleans.
func (x *serving) maskedQuery() string {
	if len(x.e.Target.Query) == 0 {
		return ""
	}
	var b strings.Builder
	for i, p := range x.e.Target.Query {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.Name)
		b.WriteByte('=')
		b.WriteString(x.shown(p))
		if b.Len() > maxQuery {
			break
		}
	}
	return conceal(b.String(), maxQuery)
}

func (x *serving) shown(p content.Pair) string {
	if v := x.e.Params.Get("query", p.Name); v != nil && v.Node != nil && v.Param.Property.Kind == "" && (v.Node.Kind == content.Number || v.Node.Kind == content.Bool) {
		return v.Node.Text
	}
	return "***"
}

func first[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// clip bounds s without allocating where it fits.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
