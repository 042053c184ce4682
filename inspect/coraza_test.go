package inspect

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental"
	"github.com/corazawaf/coraza/v3/types"

	"github.com/sallyport/sallyport/exchange"
)

// coraza_test.go carries the Core Rule Set by Coraza, the oracle that the compiled engine is held against. It uses Coraza as
// a rule interpreter only: we parse, it matches.

// corazaEngine holds two sets of rules, because a transaction walks through every rule of its set, and the rules of
// the two directions share nothing but the initialisation.
type corazaEngine struct {
	request, answer coraza.WAF
	rules           []Rule
	byID            map[int]*Rule
}

// newCoraza compiles the Core Rule Set.
func newCoraza(s settings) (*corazaEngine, error) { return newCorazaWith(s, "", "") }

// newCorazaWith compiles it with rules before it, and after those of requests.
func newCorazaWith(s settings, before, after string) (*corazaEngine, error) {
	e := &corazaEngine{byID: map[int]*Rule{}}
	var err error
	if e.request, err = e.compile(directives(s, before, requestFiles, after)); err != nil {
		return nil, fmt.Errorf("couldn't compile the request rules: %w", err)
	}
	if e.answer, err = e.compile(directives(s, before, answerFiles, "")); err != nil {
		return nil, fmt.Errorf("couldn't compile the response rules: %w", err)
	}
	slices.SortFunc(e.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	for i := range e.rules {
		id, _ := strconv.Atoi(e.rules[i].ID)
		e.byID[id] = &e.rules[i]
	}
	return e, nil
}

func (e *corazaEngine) compile(directives string) (coraza.WAF, error) {
	c := coraza.NewWAFConfig().WithRootFS(ruleFiles{coreruleset.FS}).WithDirectives(directives)
	return coraza.NewWAF(experimental.WAFConfigWithRuleObserver(c, e.observe))
}

// observe notes a rule that scores; the others are plumbing.
func (e *corazaEngine) observe(r types.RuleMetadata) {
	severity, score := grade(r.Severity())
	paranoia := paranoiaOf(r.Tags())
	if score == 0 || paranoia == 0 || r.ID() == 0 {
		return
	}
	e.rules = append(e.rules, Rule{strconv.Itoa(r.ID()), slices.Clone(r.Tags()), severity, score, paranoia, false})
}

// grade translates a severity of the rule language, with the score that the Core Rule Set gives it.
func grade(s types.RuleSeverity) (exchange.Severity, int) {
	switch s {
	case types.RuleSeverityEmergency, types.RuleSeverityAlert, types.RuleSeverityCritical:
		return exchange.Critical, 5
	case types.RuleSeverityError:
		return exchange.High, 4
	case types.RuleSeverityWarning:
		return exchange.Medium, 3
	case types.RuleSeverityNotice:
		return exchange.Low, 2
	}
	return "", 0
}

// Rules implements Engine.
func (e *corazaEngine) Rules() []Rule { return e.rules }

// Inspect implements Engine.
func (e *corazaEngine) Inspect(ctx context.Context, m *Message, dst []Match) (_ []Match, err error) {
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	waf := e.request
	if m.Stage == Answer {
		waf = e.answer
	}
	tx := waf.NewTransaction()
	defer func() {
		if e := tx.Close(); err == nil && e != nil {
			err = fmt.Errorf("couldn't close the transaction: %w", e)
		}
	}()
	f, err := newFeed(tx, m)
	if err != nil {
		return dst, err
	}
	f.run()
	// Coraza cannot be stopped in the middle. A judgement that came too late is none.
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	return f.collect(e.byID, dst), nil
}

// ruleFiles opens the data files of the embedded rule set, which Coraza asks for by the folder of the rules.
type ruleFiles struct{ fs.FS }

func (r ruleFiles) Open(name string) (fs.File, error) { return r.FS.Open(name) }

// ReadFile implements fs.ReadFileFS.
func (r ruleFiles) ReadFile(name string) ([]byte, error) { return fs.ReadFile(r.FS, name) }

func directives(s settings, before string, files []string, after string) string {
	var b strings.Builder
	b.WriteString(setup + before)
	fmt.Fprintf(&b, level, s.paranoia, s.paranoia)
	for _, f := range files {
		fmt.Fprintf(&b, "Include @owasp_crs/%s.conf\n", f)
	}
	b.WriteString("\n" + goals + "\n" + after)
	return b.String()
}
