package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/protect"
)

// operation.go resolves what one operation needs: its guards, their modes, its bounds.

// rated are the guards that rate clients; on an API that this process answers itself nobody is rated: it has no anonymous callers.
func (b *builder) rated() []exchange.Guard {
	if b.who != nil {
		return nil
	}
	fields := []string{"Authorization"}
	for _, id := range b.identities {
		if id.APIKey != nil {
			fields = append(fields, http.CanonicalHeaderKey(cmp.Or(id.APIKey.Header, "X-API-Key")))
		}
	}
	return b.rules.Bots(fields, b.challenge)
}

func (b *builder) policy(op *openapi.Operation) policy.Options {
	return policy.Options{API: b.api.Name, Schemes: b.doc.Schemes, IdentityOff: b.mode(op, "identity") == config.Off}
}

// mode resolves a guard's mode: the operation before the API, a guard's name before its family, a named setting before
// the one for all.
func (b *builder) mode(op *openapi.Operation, guard string) config.Mode {
	family, _, _ := strings.Cut(guard, ".")
	for _, m := range []config.Mode{
		op.Ext.Modes[guard], op.Ext.Modes[family], op.Ext.Mode,
		b.api.Modes[guard], b.api.Modes[family], b.api.Mode,
	} {
		if m != "" {
			return m
		}
	}
	return config.Enforce
}

// inspected reports whether any guard of the inspection, whatever its name, may be on for the operation. Where none is,
// the rules are not even compiled: they take 25 MB, which the garbage collector would walk through for every other guard.
func (b *builder) inspected(op *openapi.Operation) bool {
	if b.mode(op, "inspect") != config.Off {
		return true
	}
	for _, modes := range []map[string]config.Mode{op.Ext.Modes, b.api.Modes} {
		for guard, m := range modes {
			if strings.HasPrefix(guard, "inspect.") && m != config.Off {
				return true
			}
		}
	}
	return false
}

// asksWho reports whether credentials are judged. Where the spec does not know the operation none is demanded, but one
// that is presented where the API's identities have theirs must be good: the service will see it and may believe it.
func (b *builder) asksWho(op *openapi.Operation) bool {
	if b.identity == nil || b.mode(op, "identity") == config.Off {
		return false
	}
	return !op.Undocumented || b.api.Unknown == "inspect" && len(b.api.Security) > 0
}

// plan resolves everything that one operation needs.
func (b *builder) plan(op *openapi.Operation) *plan {
	p := &plan{op: op, streaming: op.Ext.Streaming, cors: b.cors(op), corsMode: b.mode(op, "protect.cors"),
		timeout: op.Ext.Timeout.Or(b.api.Timeout.Or(30 * time.Second)),
		limits:  content.Limits{Bytes: op.Ext.MaxBody.Or(b.api.MaxBody.Or(1 << 20))},
		answer:  content.Limits{Bytes: op.Ext.MaxResponse.Or(b.api.MaxResponse.Or(8 << 20)), Nodes: 1_000_000, Cases: true}}
	for _, g := range b.pipeline(op) {
		if m := b.mode(op, g.Name); m != config.Off {
			p.phases[g.Phase] = append(p.phases[g.Phase], step{guard: g, mode: m})
		}
	}
	p.eventMode = b.eventMode(op)
	p.enforcesBody = enforces(p.phases[exchange.OnBody])
	p.enforcesAnswer = enforces(p.phases[exchange.OnResponseBody])
	b.bounds(op, p)
	return p
}

// eventMode is that of validate.response where the operation says what events are.
func (b *builder) eventMode(op *openapi.Operation) config.Mode {
	for _, r := range op.Responses {
		if slices.ContainsFunc(r.Content, func(m openapi.MediaType) bool { return m.Events != nil }) {
			return b.mode(op, "validate.response")
		}
	}
	return config.Off
}

func enforces(steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return s.mode == config.Enforce })
}

func (b *builder) cors(op *openapi.Operation) *protect.CORS {
	c := b.api.Protect.CORS
	if op.Ext.CORS != nil {
		c = op.Ext.CORS
	}
	return protect.NewCORS(c, op, b.fields(op))
}

// fields are those that answers of an operation have from us.
func (b *builder) fields(op *openapi.Operation) []string {
	return append([]string{"X-Request-Id", "Retry-After"}, b.rules.Fields(op)...)
}
