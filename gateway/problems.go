package gateway

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/inspect"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/list"
	"github.com/sallyport/sallyport/openapi"
)

// problems.go turns what parts complain of into problems of the config and the spec, each at its place.

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
