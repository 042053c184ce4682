package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/list"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/protect"
)

// Build compiles a config into a snapshot: all or nothing. It starts nothing; what must outlive the snapshot is asked
// of parts. The snapshot is nil where one of the problems is an error.
func Build(c *config.Config, src *config.Source, parts *Parts) (*Snapshot, config.Problems) {
	s := &Snapshot{parts: parts, config: c}
	var problems config.Problems
	providers, unknown := parts.Providers(c.Identity)
	if unknown != nil { // the rest is looked at too: all problems come at once
		problems, providers = mistaken(unknown, src), nil
	}
	s.identity = providers
	lists, err := list.Open(c.Abuse.Lists, c.Abuse.Databases)
	problems = append(problems, unlisted(err)...)
	s.lists = lists
	if s.agents, err = parts.Agents.Agents(c.Abuse.Agents); err != nil {
		problems = append(problems, unproven(err, src)...)
	}
	plans, err := parts.Limiter.Plans(c.Plans)
	if err != nil {
		problems = append(problems, unplanned(err, src)...)
	}
	for i := range c.APIs {
		b := builder{parts: parts, src: src, at: fmt.Sprintf("apis[%d]", i), api: &c.APIs[i], plans: plans, identities: c.Identity, identity: providers, agents: s.agents}
		a := b.build()
		s.apis = append(s.apis, a)
		s.declared.Add(&a.declared)
		s.matrix = s.matrix || a.matrix
		problems = append(problems, b.problems...)
	}
	problems = append(problems, overlaps(s.apis, src)...)
	problems = append(problems, contradictions(s.apis, src)...)
	problems.Sort()
	if unknown != nil || problems.Failed() {
		return nil, problems
	}
	s.found()
	return s, problems
}

// mistaken reports what is wrong with identities, each at its setting.
func mistaken(err error, src *config.Source) config.Problems {
	var problems config.Problems
	for _, e := range config.Each(err) {
		at := "identity"
		if setting := (*identity.SettingError)(nil); errors.As(e, &setting) {
			at = setting.Path
		}
		problems = append(problems, src.Problem(at, "identity.invalid", e.Error(), ""))
	}
	return problems
}

// unlisted reports what is wrong with lists of addresses, each at its line.
func unlisted(err error) config.Problems {
	var problems config.Problems
	for _, e := range config.Each(err) {
		if e, ok := e.(*list.Error); ok {
			problems = append(problems, config.Problem{File: e.File, Line: max(e.Line, 1), Column: max(e.Column, 1), Severity: config.Error, Rule: "limit.list", Message: e.Message, Hint: e.Hint})
		}
	}
	return problems
}

// unproven reports what is wrong with agents, each at its setting.
func unproven(err error, src *config.Source) config.Problems {
	var problems config.Problems
	for _, err := range config.Each(err) {
		at := "abuse.agents"
		if wrong := (*agent.Error)(nil); errors.As(err, &wrong) {
			at = wrong.Setting
		}
		problems = append(problems, src.Problem(at, "limit.agents", err.Error(), ""))
	}
	return problems
}

// unplanned reports what is wrong with plans, each at its setting.
func unplanned(err error, src *config.Source) config.Problems {
	var problems config.Problems
	for _, err := range config.Each(err) {
		at := "plans"
		if wrong := (*limit.Error)(nil); errors.As(err, &wrong) {
			at = wrong.Setting
		}
		problems = append(problems, src.Problem(at, "limit.invalid", err.Error(), ""))
	}
	return problems
}

// builder compiles one API.
type builder struct {
	parts      *Parts
	src        *config.Source
	at         string // place in the config
	api        *config.API
	doc        *openapi.Document
	identities []config.Identity
	identity   *identity.Providers // nil: cannot be built, which is reported already
	plans      *limit.Plans
	agents     *agent.Agents
	rules      *limit.Rules
	inspector  *inspect.Inspector
	managed    *identity.Managed
	who        []exchange.Guard // of an API that this process answers itself, in place of identity
	unsound    bool             // the spec has errors, which are reported
	problems   config.Problems
}

// build goes on after a problem, so that all are reported. With one, the api is not to be used, and the part that has it
// may be nil.
func (b *builder) build() *api {
	b.load()
	b.engines()
	upstream, err := b.parts.Upstreams.Upstream(b.api.Upstream)
	if err != nil {
		b.report(b.at+".upstream", "forward.invalid", err)
	}
	return b.compile(upstream)
}

// compile makes the API of what was loaded.
func (b *builder) compile(s service) *api {
	demand, err := listen.NewDemand(b.api.Clients)
	if err != nil {
		b.report(b.at+".clients", "tls.clients", err)
	}
	a := &api{name: b.api.Name, demand: demand, settings: b.api, doc: b.doc, upstream: s, rules: b.rules, managed: b.managed, bases: b.bases(), hosts: b.hosts()}
	for _, op := range b.doc.Operations {
		a.plans = append(a.plans, b.plan(op))
	}
	if a.matcher, err = openapi.NewMatcher(b.doc.Operations); err == nil && b.api.Unknown == "inspect" {
		a.alike, err = openapi.NewAlike(b.doc.Operations)
	}
	if err != nil && !b.unsound { // else it has been said what is wrong with the spec
		b.report(b.at+".spec", "spec.matcher", err)
	}
	a.byOperation = make(map[*openapi.Operation]*plan, len(a.plans))
	for _, p := range a.plans {
		a.byOperation[p.op] = p
	}
	if b.inspector != nil {
		a.inspector = b.inspector
		a.attackRules, _ = b.inspector.Rules(b.api.Inspect) // prepared: what is wrong was reported
	}
	b.declare(a)
	a.door = b.plan(undocumented())
	return a
}

// undocumented stands for every operation that the spec does not know.
func undocumented() *openapi.Operation {
	return &openapi.Operation{Key: "undocumented", ID: "undocumented", Undocumented: true}
}

// load reads the spec; an API without one has no operations.
func (b *builder) load() {
	b.doc = &openapi.Document{BasePaths: []string{""}, Schemes: b.schemes()}
	if b.api.Spec == "" {
		return
	}
	doc, problems := openapi.Draft(b.api.Spec, openapi.Options{Overlays: b.api.Overlays, Overlay: b.api.Operations, RemoteRefs: b.api.RemoteRefs, Fetch: b.parts.Fetch})
	for _, p := range problems {
		b.problems = append(b.problems, b.placed(p))
	}
	b.unsound = problems.Failed()
	if doc == nil {
		return
	}
	b.doc = doc
	if len(doc.Operations) == 0 && !b.unsound {
		b.report(b.at+".spec", "spec.empty", errors.New("the spec has no operations: nothing could pass"))
	}
	b.securityMapped()
}

// placed moves what is said of an operation of the config, which the spec does not have, to its place in the config.
func (b *builder) placed(p config.Problem) config.Problem {
	if p.Rule == "config.unknown_operation" {
		for key := range b.api.Operations {
			if strings.Contains(p.Message, strconv.Quote(key)) {
				return b.src.Problem(fmt.Sprintf("%s.operations[%q]", b.at, key), p.Rule, p.Message, p.Hint)
			}
		}
	}
	return p
}

// engines asks the long-lived parts for what this API needs of them.
func (b *builder) engines() {
	var err error
	if b.rules, err = b.parts.Limiter.Rules(b.api, b.plans); err != nil {
		b.report(b.at, "limit.invalid", err)
	}
	if b.inspected(undocumented()) || slices.ContainsFunc(b.doc.Operations, b.inspected) {
		if b.inspector, err = inspect.New(inspect.Options{Pool: b.parts.Inspectors}); err == nil {
			err = b.inspector.Prepare(b.api.Inspect)
		}
		if err != nil {
			b.ruleErrors(err)
			b.inspector = nil
		} else {
			b.ruleRemarks()
		}
	}
	keep := b.api.ForwardCredentials == nil || *b.api.ForwardCredentials
	if b.managed, err = identity.NewManaged(b.api.IdentityHeaders, keep, b.doc.Schemes, b.api.Security); err != nil {
		b.report(b.at+".identity_headers", "identity.headers", err)
	}
}

// ruleErrors reports what is wrong with the attack rules, at its place in the operator's rule file if there is one.
func (b *builder) ruleErrors(err error) {
	for _, err := range config.Each(err) {
		var e *inspect.RuleError
		if !errors.As(err, &e) {
			b.report(b.at+".inspect", "inspect.invalid", err)
			continue
		}
		b.problems = append(b.problems, config.Problem{File: e.File, Line: e.Line, Column: e.Column, Severity: config.Error, Rule: "inspect.rules", Message: e.Message, Hint: e.Hint})
	}
}

// ruleRemarks tells what in the operator's rules is understood and has no effect.
func (b *builder) ruleRemarks() {
	for _, e := range b.inspector.Remarks(b.api.Inspect) {
		b.problems = append(b.problems, config.Problem{File: e.File, Line: e.Line, Column: e.Column, Severity: config.Warning, Rule: "inspect.idle", Message: e.Message, Hint: e.Hint})
	}
}

// report reports an error, or each of a joined one, at a place in the config: below path, where the error knows a setting.
func (b *builder) report(path, rule string, err error) {
	for _, err := range config.Each(err) {
		at := path
		if wrong := (*limit.Error)(nil); errors.As(err, &wrong) {
			at = strings.Replace(wrong.Setting, "apis["+b.api.Name+"]", b.at, 1)
		}
		b.problems = append(b.problems, b.src.Problem(at, rule, err.Error(), ""))
	}
}

// fail reports a guard that cannot be built for an operation, at the operation's place in the spec.
func (b *builder) fail(op *openapi.Operation, family string, err error) {
	if op.At.File == "" {
		b.report(b.at, family+".invalid", err)
		return
	}
	for _, err := range config.Each(err) {
		b.problems = append(b.problems, config.Problem{File: op.At.File, Line: op.At.Line, Column: op.At.Column, Severity: config.Error,
			Rule: family + ".invalid", Message: op.Key + ": " + strings.TrimPrefix(err.Error(), op.Key+": ")})
	}
}

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
	return b.rules.Bots(fields)
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

// bases are the paths under which the API is found, as segments.
func (b *builder) bases() [][]string {
	paths := b.doc.BasePaths
	if b.api.BasePath != nil {
		paths = []string{*b.api.BasePath}
	}
	var list [][]string
	for _, p := range paths {
		if p = strings.Trim(p, "/"); p == "" {
			list = append(list, nil)
		} else {
			list = append(list, strings.Split(p, "/"))
		}
	}
	slices.SortFunc(list, func(a, b []string) int { return len(b) - len(a) })
	return list
}

func (b *builder) hosts() []string {
	var list []string
	for _, h := range b.api.Hosts {
		list = append(list, strings.ToLower(h))
	}
	return list
}

// overlaps reports APIs that claim the same host and path: which one would judge a request must not be a matter of order.
func overlaps(apis []*api, src *config.Source) config.Problems {
	var problems config.Problems
	seen := map[string]string{}
	for i, a := range apis {
		hosts := a.hosts
		if len(hosts) == 0 {
			hosts = []string{"*"}
		}
		for _, h := range hosts {
			for _, base := range a.bases {
				place := h + "/" + strings.Join(base, "/")
				if other, taken := seen[place]; taken && other != a.name {
					problems = append(problems, src.Problem(fmt.Sprintf("apis[%d]", i), "config.overlap", fmt.Sprintf("%s and %s are both served at %s", other, a.name, place), "give them different hosts or base_path"))
				}
				seen[place] = a.name
			}
		}
	}
	return problems
}

// contradictions reports APIs that share a name and ask different things of its clients: a handshake knows no paths.
func contradictions(apis []*api, src *config.Source) config.Problems {
	var problems config.Problems
	first := map[string]*api{}
	for i, a := range apis {
		for _, h := range a.hosts {
			if other := first[h]; other != nil && !reflect.DeepEqual(other.settings.Clients, a.settings.Clients) {
				problems = append(problems, src.Problem(fmt.Sprintf("apis[%d].clients", i), "config.clients", fmt.Sprintf("%s and %s are both served at %s and ask clients for different certificates", other.name, a.name, h), "give them different hosts, or the same clients"))
			}
			first[h] = a
		}
	}
	return problems
}

// upstreams of all APIs, for the pool to retain.
func (s *Snapshot) upstreams() []*forward.Upstream {
	var list []*forward.Upstream
	for _, a := range s.apis {
		if u, ok := a.upstream.(*forward.Upstream); ok {
			list = append(list, u)
		}
	}
	return list
}
