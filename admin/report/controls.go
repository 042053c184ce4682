package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/openapi"
)

// control is one thing that the gateway does, and how to tell whether this configuration does it.
type control struct {
	id, title string
	tests     []string
	look      func(f *Facts, c *Control)
}

func (c control) judge(f *Facts) Control {
	made := Control{ID: c.id, Title: c.title, Status: Met, Evidence: []string{}, Tests: c.tests}
	c.look(f, &made)
	return made
}

// controls in the order in which an exchange meets them, then what surrounds them.
var controls = []control{
	{"deny-by-default", "What the spec does not declare is refused", []string{"TestStories", "TestTour"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			if a.Spec == "" || a.Unknown == "inspect" {
				c.lacks(Partly, "%s: operations that the spec does not know pass under inspection (unknown: inspect)", a.Name)
				continue
			}
			c.has("%s: %d operations are declared, everything else is 404", a.Name, count(f, a.Name))
		}
	}},
	{"authentication", "Callers prove who they are, by operation", []string{"TestStories", "TestHostileTokens"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(declaredOnly, "identity"), "ask who calls", "security in the spec, apis[].security, modes: { identity: enforce }")
		for _, id := range f.Config.Identity {
			c.has("identity %s: %s", id.Name, kindOf(id))
		}
		for _, p := range f.Posture {
			if p.Anonymous && p.Guards["identity"] != "" {
				c.has("%s %s may be called by anybody, as the spec says", p.API, p.Operation)
			}
		}
	}},
	{"credential-guessing", "Guessing costs: refusals are counted by client", []string{"TestStories"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			limit, per := 300, config.Duration(0)
			if a.Refusals != nil {
				limit, per = a.Refusals.Limit, a.Refusals.Per
			}
			if a.Refusals != nil && limit == 0 {
				c.lacks(Missing, "%s: apis[].refusals is off", a.Name)
				continue
			}
			span := "1m"
			if per != 0 {
				span = per.String()
			}
			c.has("%s: a client that caused %d refusals within %s is turned away at the door", a.Name, limit, span)
		}
	}},
	{"function-authorization", "Roles, scopes and rules by operation", []string{"TestOperation", "TestStories"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(closedOnly, "policy.operation"), "ask whether the caller may call", "modes: { policy: enforce }")
		f.eachOperation(func(api string, op *openapi.Operation) {
			if len(op.Ext.Roles)+len(op.Ext.Scopes) > 0 || op.Ext.Allow != "" {
				c.has("%s %s: %s", api, op.Key, f.access(api, op))
			}
		})
	}},
	{"object-authorization", "Objects belong to somebody: ownership is bound to parameters and answers", []string{"TestAnswer", "TestTour"}, func(f *Facts, c *Control) {
		owned, open := 0, 0
		f.eachOperation(func(api string, op *openapi.Operation) {
			if len(op.Ext.Owner) > 0 || ownsParams(op) {
				owned++
				c.has("%s %s: bound to its owner", api, op.Key)
			} else if slices.ContainsFunc(op.Params, func(p *openapi.Param) bool { return p.In == "path" }) {
				open++
				c.lacks(Partly, "%s %s names an object and is bound to no owner (owner: on the parameter)", api, op.Key)
			}
		})
		if owned == 0 && open > 0 {
			c.Status = Missing
		}
	}},
	{"property-filter", "Answers carry declared properties only, by role", []string{"TestStripsUndeclared", "TestTour"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "validate.response", "protect.filter"), "filter and judge answers", "modes: { validate.response: enforce, protect: enforce }")
	}},
	{"mass-assignment", "Requests carry declared properties only", []string{"TestCallsUndeclared", "TestTour"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "validate"), "refuse or strip what is not declared", "modes: { validate: enforce }")
		for _, a := range f.Config.APIs {
			if a.Validate.Undeclared == "log" {
				c.lacks(Partly, "%s: validate.undeclared is log", a.Name)
			}
		}
	}},
	{"schema-validation", "Requests are what the spec says", []string{"TestSuiteRequired", "TestReplay"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "validate.params", "validate.body"), "judge parameters and bodies", "modes: { validate: enforce }")
	}},
	{"answer-validation", "Answers are what the spec says", []string{"TestReplay"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "validate.response"), "judge answers", "modes: { validate.response: enforce }")
	}},
	{"strict-parsing", "One reading of each message: what could be read in two ways is refused", []string{"TestDifferentialGenerated", "TestLesson05"}, func(_ *Facts, c *Control) {
		c.has("always on: targets, framing, header fields, JSON and forms are read strictly; what was judged is forwarded")
	}},
	{"size-limits", "Sizes, depth and time of every message are bounded", []string{"TestStories"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			c.has("%s: bodies up to %s, answers up to %s, %s for an exchange", a.Name, config.Size(a.MaxBody.Or(1<<20)), config.Size(a.MaxResponse.Or(8<<20)), config.Duration(a.Timeout.Or(30e9)))
		}
	}},
	{"rate-limits", "Requests are limited by caller", []string{"TestGCRAIsATokenBucket", "TestStories"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			own := 0
			if d := f.Documents[a.Name]; d != nil {
				for _, op := range d.Operations {
					if op.Ext.Rate != nil {
						own++
					}
				}
			}
			switch {
			case a.Rate != nil:
				c.has("%s: %d in %s by %s, %d operations have limits of their own", a.Name, a.Rate.Limit, a.Rate.Per, or(a.Rate.By, "principal"), own)
			case own > 0:
				c.lacks(Partly, "%s: only %d operations have a rate (apis[].rate covers all)", a.Name, own)
			default:
				c.lacks(Missing, "%s: no rate (apis[].rate)", a.Name)
			}
		}
		c.part(len(f.Config.APIs))
	}},
	{"concurrency-limits", "Requests in flight are bounded, by client and in all", []string{"TestHostile"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			if a.Concurrency.Total < 0 || a.Concurrency.Client < 0 {
				c.lacks(Partly, "%s: apis[].concurrency is unbounded", a.Name)
				continue
			}
			c.has("%s: %d in flight, %d of one client", a.Name, orN(a.Concurrency.Total, 1024), orN(a.Concurrency.Client, 256))
		}
	}},
	{"attack-inspection", "The OWASP Core Rule Set looks at requests", []string{"TestCoreRuleSet", "TestSameAsCorazaOnTraffic"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "inspect.head", "inspect.body"), "are inspected", "modes: { inspect: enforce }")
		for _, a := range f.Config.APIs {
			c.has("%s: paranoia %d, threshold %d, %d exclusions", a.Name, orN(a.Inspect.Paranoia, 1), orN(a.Inspect.Threshold, 5), len(a.Inspect.Exclude))
			for _, x := range a.Inspect.Exclude {
				c.has("%s: rule %s excluded in %s: %s", a.Name, x.Rule, or(x.Field, "every field"), or(x.Reason, "no reason is given"))
			}
		}
	}},
	{"leak-detection", "Answers that show internals are stopped", []string{"TestDetectors", "TestStories"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "inspect.response"), "are looked at for stack traces, SQL errors and source code", "modes: { inspect.response: enforce }")
	}},
	{"ssrf", "URLs in requests lead to no inner address", []string{"TestURLGuard", "TestTour"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(withBody, "inspect.url"), "look at URLs", "modes: { inspect.url: enforce }")
		if c.Status != Met && len(f.Posture) > 0 && f.enforced(withBody, "inspect.url").all == 0 {
			c.Status = Apart
		}
	}},
	{"error-rewriting", "Errors of services tell clients nothing", []string{"TestFailuresBecomeProblems", "TestStories"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "protect.errors"), "replace bodies of 5xx", "modes: { protect: enforce }")
		for _, a := range f.Config.APIs {
			if a.Protect.Errors == "pass" {
				c.lacks(Partly, "%s: protect.errors is pass", a.Name)
			}
		}
	}},
	{"masking", "Personal data is masked in answers where the spec says so, and in records always", []string{"TestMasksDeclared", "TestConceal"}, func(f *Facts, c *Control) {
		c.cover(f.enforced(nil, "protect.mask"), "mask answers", "modes: { protect: enforce }")
		kinds := 0
		for _, p := range f.processing() {
			kinds += len(p.Kinds)
		}
		c.has("%d fields of answers are declared to be personal", kinds)
	}},
	{"enumeration", "An object that may not be seen is not there: 404, not 403", []string{"TestConceal", "TestStories"}, func(_ *Facts, c *Control) {
		c.has("always on: policy.not_owner answers as an unknown object does, word for word")
	}},
	{"tls", "Clients come by TLS 1.2 or 1.3 with forward secrecy", []string{"TestTestSSL", "TestSecureRenegotiation"}, func(f *Facts, c *Control) {
		for _, l := range f.Config.Listen {
			switch {
			case l.TLS != nil:
				c.has("%s: TLS", l.Address)
			case l.Insecure:
				c.lacks(Partly, "%s: plain HTTP in the open (listen[].insecure)", l.Address)
			default:
				c.has("%s: plain HTTP, on loopback only", l.Address)
			}
		}
	}},
	{"upstream-tls", "Services are reached by verified TLS", []string{"TestTLSUpstream", "TestMutualTLSUpstream"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			for _, target := range a.Upstream.Targets {
				switch {
				case strings.HasPrefix(target, "https://"):
					c.has("%s → %s", a.Name, target)
				case local(target):
					c.has("%s → %s: on this machine", a.Name, target)
				default:
					c.lacks(Partly, "%s → %s: plain HTTP (apis[].upstream: https://…)", a.Name, target)
				}
			}
		}
	}},
	{"cors", "Pages of other origins are let in by list", []string{"TestCORSOrigins", "TestStories"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			if a.Protect.CORS == nil {
				c.has("%s: no origin is let in", a.Name)
			} else {
				c.has("%s: %s", a.Name, strings.Join(a.Protect.CORS.Origins, ", "))
				if slices.Contains(a.Protect.CORS.Origins, "*") {
					c.lacks(Partly, "%s: every origin is let in (protect.cors.origins)", a.Name)
				}
			}
		}
	}},
	{"inventory", "Every operation is described", []string{"TestGoodCorpus", "TestLintCorpus"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			if d := f.Documents[a.Name]; d == nil || a.Spec == "" {
				c.lacks(Partly, "%s: there is no spec", a.Name)
			} else {
				c.has("%s: %s %s, OpenAPI %s, %d operations", a.Name, d.Title, d.Version, d.OpenAPI, len(d.Operations))
			}
		}
		c.part(len(f.Config.APIs))
	}},
	{"records", "One record for each exchange: who, what, which verdict, and why", []string{"TestOneRecordOnEveryPath"}, func(f *Facts, c *Control) {
		c.has("always on: every exchange ends in one record, masked before it leaves the process, time in UTC")
		if f.Traffic != nil {
			c.has("%d exchanges in the period, %d refused", f.Traffic.Exchanges, f.Traffic.Refused)
		}
	}},
	{"audit-log", "Nobody changes the story: a Merkle log with signed checkpoints", []string{"TestTamperingWithTheKey", "TestTamperingWithoutTheKey"}, func(f *Facts, c *Control) {
		switch a := f.Audit; {
		case a == nil:
			c.lacks(Missing, "there is no audit log (audit: …)")
		case a.Problem != "":
			c.lacks(Missing, "the log does not verify: %s", a.Problem)
		default:
			c.has("%s: %d leaves, root %s", a.Origin, a.Size, a.Root)
			if a.Verified {
				c.has("verified from the first leaf to the last when this report was made")
			}
		}
	}},
	{"erasure", "Who asks to be forgotten is: a person's data is under a key of its own", []string{"TestEraseIsForEver"}, func(_ *Facts, c *Control) {
		c.has("always on: sallyport audit erase SUBJECT destroys the key; what was sealed under it stays unreadable, in backups too, and the log still verifies")
	}},
	{"alerts", "People are told when a control fails", []string{"TestDefaults", "TestControlsThatFail", "TestStories"}, func(f *Facts, c *Control) {
		if len(f.Config.Alerts.Routes) == 0 {
			c.lacks(Partly, "alerts are events and on the dashboard, but are sent to nobody (alerts.routes)")
		}
		for _, r := range f.Config.Alerts.Routes {
			c.has("route %s", r.Name)
		}
	}},
	{"config-control", "A configuration is checked before it is used, as a whole or not at all", []string{"TestStories", "TestReloadsUnderLoad"}, func(f *Facts, c *Control) {
		c.has("always on: mistakes keep the last good configuration; this one is %s", f.Basis)
	}},
	{"availability", "Services that fail are left alone: health, breaker, timeouts", []string{"TestChaos", "TestStories"}, func(f *Facts, c *Control) {
		for _, a := range f.Config.APIs {
			failures := orN(a.Upstream.Breaker.Failures, 10)
			if failures < 0 {
				c.lacks(Partly, "%s: the circuit breaker is off", a.Name)
				continue
			}
			c.has("%s: the breaker opens after %d failures in a row", a.Name, failures)
		}
	}},
}

func (c *Control) has(format string, args ...any) {
	c.Evidence = append(c.Evidence, fmt.Sprintf(format, args...))
}

// lacks notes a gap. The worse status counts; missing of one API among several is for part to soften.
func (c *Control) lacks(s Status, format string, args ...any) {
	c.Gaps = append(c.Gaps, fmt.Sprintf(format, args...))
	if c.Status == Met || s == Missing {
		c.Status = s
	}
}

// part makes what only some of n lack a partial control.
func (c *Control) part(n int) {
	if c.Status == Missing && len(c.Gaps) < n {
		c.Status = Partly
	}
}

// maxGaps bounds the operations that a control lists.
const maxGaps = 200

// cover judges by how many operations have a control.
func (c *Control) cover(of coverage, what, setting string) {
	c.has("%d of %d operations %s", of.have, of.all, what)
	for i, gap := range of.lacking {
		if i == maxGaps {
			c.Gaps = append(c.Gaps, fmt.Sprintf("and %d more", len(of.lacking)-i))
			break
		}
		c.Gaps = append(c.Gaps, gap)
	}
	switch {
	case of.all == 0:
		c.Status = Apart
	case of.have == 0:
		c.Status = Missing
	case of.have < of.all:
		c.Status = Partly
	}
	if len(of.lacking) > 0 {
		c.Gaps = append(c.Gaps, "setting: "+setting)
	}
}

// declaredOnly leaves out the operations that the spec does not know: nobody can be asked for a credential there.
func declaredOnly(p gateway.Posture) bool { return p.Operation != "undocumented" && !p.Anonymous }

func closedOnly(p gateway.Posture) bool { return declaredOnly(p) }

// withBody are the operations that ask for URLs.
func withBody(p gateway.Posture) bool { return p.Guards["inspect.url"] != "" }

func (f *Facts) eachOperation(visit func(api string, op *openapi.Operation)) {
	for _, a := range f.Config.APIs {
		if d := f.Documents[a.Name]; d != nil {
			for _, op := range d.Operations {
				visit(a.Name, op)
			}
		}
	}
}

func count(f *Facts, api string) (n int) {
	for _, p := range f.Posture {
		if p.API == api {
			n++
		}
	}
	return n
}

func kindOf(id config.Identity) string {
	switch {
	case id.JWT != nil:
		return "tokens of " + id.JWT.Issuer + " for " + strings.Join(id.JWT.Audience, ", ")
	case id.MTLS != nil:
		return "client certificates"
	}
	return "API keys, kept as hashes"
}

func local(target string) bool {
	for _, prefix := range []string{"http://127.", "http://localhost", "http://[::1]"} {
		if strings.HasPrefix(target, prefix) {
			return true
		}
	}
	return false
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func orN(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}
