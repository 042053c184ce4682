package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/listen"
	"github.com/sallyport/sallyport/openapi"
)

type checkCmd struct {
	source
	Output string `short:"o" enum:"table,json,sarif" default:"table" help:"table, json or sarif."`
	FailOn string `enum:"error,warning,note" default:"error" help:"Exit with 1 from this severity on: error, warning or note."`
	Notes  bool   `help:"Show notes too, and every single place of a warning."`
	Rules  bool   `help:"Show what the attack rules were compiled into."`
}

// Help is shown below the flags.
func (checkCmd) Help() string {
	return `Errors keep a config from being used. Warnings are gaps: what the spec leaves open, an attacker may use.
Nothing is started and nothing is fetched.`
}

// result is what check found, as -o json prints it.
type result struct {
	Problems config.Problems   `json:"problems"`
	Posture  []gateway.Posture `json:"posture"`
	Rules    []compiledRules   `json:"rules,omitempty"`
}

// Run checks and prints.
func (c *checkCmd) Run(s *streams) error {
	r := c.check()
	r.Problems, r.Posture = append(config.Problems{}, r.Problems...), append([]gateway.Posture{}, r.Posture...) // lists, not null
	var err error
	switch c.Output {
	case "json":
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	case "sarif":
		err = writeSARIF(s.out, r.Problems)
	default:
		c.table(s.out, r)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.Problems, func(p config.Problem) bool { return rank(p.Severity) >= rank(config.Severity(c.FailOn)) }) {
		return errFindings
	}
	return nil
}

func rank(s config.Severity) int {
	return slices.Index([]config.Severity{config.Note, config.Warning, config.Error}, s)
}

func (c *checkCmd) check() result {
	if c.Config == "" && c.Spec != "" && c.Upstream == "" {
		c.Upstream = "http://127.0.0.1" // a spec alone can be checked; nothing is sent
	}
	cfg, src, problems := c.draft()
	if cfg == nil {
		return result{Problems: problems}
	}
	unusable := problems.Failed()
	parts := newParts(nil)
	defer parts.Upstreams.Close()
	problems = besides(problems, unservable(cfg, src))
	problems = besides(problems, unheard(cfg.Alerts, src))
	problems = besides(problems, unauditable(cfg, src))
	snapshot, more := gateway.Build(cfg, src, parts)
	problems = besides(problems, more)
	if snapshot == nil || unusable {
		problems = append(problems, lintOnly(cfg)...)
		problems.Sort()
		return result{Problems: slices.Compact(problems)}
	}
	for _, doc := range snapshot.Documents() {
		problems = append(problems, doc.Lint()...)
	}
	problems.Sort()
	r := result{Problems: slices.Compact(problems), Posture: snapshot.Posture()}
	if c.Rules {
		r.Rules = describe(cfg, parts.Inspectors)
	}
	return r
}

// besides adds what building has found to what the config says of itself. What cannot be built of a setting (.invalid) whose
// own error stands at the same place says the same again.
func besides(problems, more config.Problems) config.Problems {
	all := problems
	for _, p := range more {
		said := func(q config.Problem) bool {
			return strings.HasPrefix(q.Rule, "config.") && q.File == p.File && q.Line == p.Line && q.Column == p.Column
		}
		if !strings.HasSuffix(p.Rule, ".invalid") || !slices.ContainsFunc(problems, said) {
			all = append(all, p)
		}
	}
	all.Sort()
	return all
}

// unservable reports listeners that could not be opened as they are written.
func unservable(cfg *config.Config, src *config.Source) config.Problems {
	var problems config.Problems
	report := func(path string, l config.Listener) {
		if err := listen.Verify(l); err != nil {
			for _, err := range config.Each(err) {
				problems = append(problems, src.Problem(path, "listen.invalid", err.Error(), ""))
			}
		}
	}
	for i, l := range cfg.Listen {
		report(fmt.Sprintf("listen[%d]", i), l)
	}
	if cfg.Admin.Address != "off" {
		report("admin", config.Listener{Address: cfg.Admin.Address, TLS: cfg.Admin.TLS})
	}
	return problems
}

// lintOnly still lints specs of a config that cannot be used: all problems come at once.
func lintOnly(cfg *config.Config) config.Problems {
	var problems config.Problems
	for _, a := range cfg.APIs {
		if a.Spec == "" {
			continue
		}
		if doc, _ := openapi.Draft(a.Spec, openapi.Options{Overlays: a.Overlays, Overlay: a.Operations}); doc != nil {
			problems = append(problems, doc.Lint()...)
		}
	}
	return problems
}

// table prints problems at their places, then what protects the operations. Of a rule that strikes often, one place is
// shown unless --notes asks for all.
func (c *checkCmd) table(w io.Writer, r result) {
	seen := map[string]int{}
	for _, p := range r.Problems {
		seen[p.Rule]++
		if p.Severity == config.Error || c.Notes || p.Severity == config.Warning && seen[p.Rule] == 1 {
			fmt.Fprintln(w, said(p))
		}
	}
	c.summary(w, r, seen)
	printPosture(w, r.Posture)
	printRules(w, r.Rules)
}

func (c *checkCmd) summary(w io.Writer, r result, seen map[string]int) {
	total := map[config.Severity]int{}
	for _, p := range r.Problems {
		total[p.Severity]++
	}
	if len(r.Problems) == 0 {
		fmt.Fprintln(w, "no problems")
		return
	}
	fmt.Fprintf(w, "\n%s, %s, %s", counted(total[config.Error], "error"), counted(total[config.Warning], "warning"), counted(total[config.Note], "note"))
	if !c.Notes && (total[config.Note] > 0 || total[config.Warning] > len(seen)) {
		fmt.Fprint(w, " (--notes shows every place)")
	}
	fmt.Fprintln(w)
	rules := make([]string, 0, len(seen))
	for rule := range seen {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	for _, rule := range rules {
		fmt.Fprintf(w, "  %6d × %s\n", seen[rule], rule)
	}
}

// printPosture shows operations × controls: enforce ●, monitor ○, off ·.
func printPosture(w io.Writer, posture []gateway.Posture) {
	if len(posture) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	fmt.Fprintf(t, "API\tOPERATION\tACCESS\t%s\n", strings.ToUpper(strings.Join(names, "\t")))
	for _, p := range posture {
		access := "authenticated"
		if p.Anonymous {
			access = "anonymous"
		}
		cells := make([]string, len(families))
		for i, f := range families {
			cells[i] = map[config.Mode]string{config.Enforce: "●", config.Monitor: "○", config.Off: "·"}[weakest(p, f.name)]
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.API, p.Operation, access, strings.Join(cells, "\t"))
	}
	_ = t.Flush() // the terminal has gone
	fmt.Fprintln(w, "● enforce  ○ monitor  · off")
}
