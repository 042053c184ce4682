package gateway

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/limit/list"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/openapi"
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
	challenge  *challenge.Keeper
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
	a := &api{name: b.api.Name, demand: demand, settings: b.api, doc: b.doc, upstream: s, rules: b.rules, challenge: b.challenge, managed: b.managed, bases: b.bases(), hosts: b.hosts()}
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

// engines asks the long-lived parts for what this API needs of them.
func (b *builder) engines() {
	var err error
	if b.rules, err = b.parts.Limiter.Rules(b.api, b.plans); err != nil {
		b.report(b.at, "limit.invalid", err)
	}
	b.challenge = b.parts.Challenges.Keeper(b.api.Name, b.api.Challenge)
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
