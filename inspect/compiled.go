package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/rules"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// What the states of automata may take, in bytes: those of all expressions together, and those of the automata that tests
// share.
const (
	automata       = 24 << 20
	sharedAutomata = 8 << 20
)

// compiledEngine carries the Core Rule Set by our own compiler. It holds a program for each direction; they share nothing
// but the initialisation.
type compiledEngine struct {
	request, answer *rules.Program
	rules           []Rule
	byRule          map[*rules.Rule]*Rule
	budget, shared  *pattern.Budget
	build           time.Duration // that compiling took
	remarks         []*RuleError  // on rules of the operator

	shortcuts shortcuts
}

// newCompiled compiles the Core Rule Set, and the rules of the operator.
func newCompiled(s settings) (*compiledEngine, error) {
	began := time.Now()
	e := &compiledEngine{byRule: map[*rules.Rule]*Rule{}, budget: pattern.NewBudget(automata), shared: pattern.NewBudget(sharedAutomata)}
	data := dataFiles{}
	if s.dir != "" {
		data.own = os.DirFS(s.dir)
	}
	options := rules.Options{Data: data, Budget: e.budget, Shared: e.shared, Proven: func(file string) bool { return !inOwn(file) }}
	for _, side := range []struct {
		to    **rules.Program
		files []string
	}{{&e.request, requestFiles}, {&e.answer, answerFiles}} {
		list, err := directivesOf(s, side.files)
		program, unfit := rules.Compile(list, options)
		if err = errors.Join(err, unfit); err != nil {
			return nil, placed(err, s.dir)
		}
		*side.to = program
		if side.to == &e.answer {
			e.remarks = remarksOn(list, e.request, e.answer, s.dir)
		}
	}
	e.index()
	e.build = time.Since(began)
	return e, nil
}

// directivesOf reads the set-up, the rule files and those of the operator. What is wrong with the latter leaves the rest.
func directivesOf(s settings, files []string) ([]seclang.Directive, error) {
	list, err := seclang.ParseText(setupFile, setup)
	if err != nil {
		return nil, err
	}
	var before, after []seclang.Directive
	var unfit error
	if s.dir != "" {
		before, after, unfit = ownFiles(s.dir)
	}
	levels, err := seclang.ParseText(setupFile, fmt.Sprintf(level, s.paranoia, s.paranoia))
	if err != nil {
		return nil, err
	}
	list = append(append(list, before...), levels...)
	if s.withoutCRS {
		return append(list, after...), unfit
	}
	for _, f := range files {
		more, err := seclang.Parse(coreruleset.FS, embedded+f+".conf")
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	markers, err := seclang.ParseText(setupFile, goals)
	if err != nil {
		return nil, err
	}
	return append(append(list, markers...), after...), unfit
}

// index lists the rules that can refuse; the others are plumbing. Rules of the operator that name no paranoia level are
// meant for every one.
func (e *compiledEngine) index() {
	all := slices.Concat(e.request.Rules(), e.answer.Rules())
	for _, r := range all {
		severity, score := gradeOf(r.Severity)
		paranoia, alone := paranoiaOf(r.Tags), false
		if inOwn(r.File) {
			paranoia = max(paranoia, 1)
			if alone = r.Severity == "" && r.Denies; alone {
				severity = exchange.Critical
			}
		}
		if (score > 0 || alone) && paranoia > 0 {
			e.rules = append(e.rules, Rule{strconv.Itoa(r.ID), r.Tags, severity, score, paranoia, alone})
		}
	}
	slices.SortFunc(e.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	e.rules = slices.CompactFunc(e.rules, func(a, b Rule) bool { return a.ID == b.ID })
	for _, r := range all {
		if i, ok := slices.BinarySearchFunc(e.rules, strconv.Itoa(r.ID), func(x Rule, id string) int { return strings.Compare(x.ID, id) }); ok {
			e.byRule[r] = &e.rules[i]
		}
	}
}

// gradeOf translates a severity of the rule language, with the score that the Core Rule Set gives it.
func gradeOf(name string) (exchange.Severity, int) {
	switch name {
	case "EMERGENCY", "ALERT", "CRITICAL", "0", "1", "2":
		return exchange.Critical, 5
	case "ERROR", "3":
		return exchange.High, 4
	case "WARNING", "4":
		return exchange.Medium, 3
	case "NOTICE", "5":
		return exchange.Low, 2
	}
	return "", 0
}

func paranoiaOf(tags []string) int {
	for _, t := range tags {
		if level, ok := strings.CutPrefix(t, "paranoia-level/"); ok {
			n, _ := strconv.Atoi(level)
			return n
		}
	}
	return 0
}

// Rules implements Engine.
func (e *compiledEngine) Rules() []Rule { return e.rules }

// Inspect implements Engine.
func (e *compiledEngine) Inspect(ctx context.Context, m *Message, dst []Match) ([]Match, error) {
	s := scratches.Get().(*scratch)
	defer s.release()
	var err error
	if m.Stage == Answer {
		s.readAnswer(m, e.answer)
		s.hits, err = e.answer.Run(ctx, s.fields, 3, 4, s.hits[:0])
	} else {
		s.readRequest(m)
		if e.request.Reads(rules.RemoteAddr, 1, 2) {
			s.add(rules.RemoteAddr, "", m.Client.String(), -1)
		}
		s.hits, err = e.request.Run(ctx, s.fields, 1, 2, s.hits[:0])
	}
	if err != nil {
		return dst, err
	}
	if m.Stage == Head {
		s.keep(m)
	}
	first := len(dst)
	for i := range s.hits {
		r := e.byRule[s.hits[i].Rule]
		if r == nil {
			continue
		}
		hit := s.locate(m, r, &s.hits[i])
		if !reported(dst[first:], &hit) {
			dst = append(dst, hit)
		}
	}
	return dst, nil
}

func reported(have []Match, hit *Match) bool {
	for i := range have {
		if h := &have[i]; h.Rule == hit.Rule && h.Value == hit.Value && h.Place == hit.Place && h.InName == hit.InName {
			return true
		}
	}
	return false
}
