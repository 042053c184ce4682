package alert

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Error is a rule or a route that cannot be used. Setting is its place in the config.
type Error struct {
	Setting string
	Err     error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// rule is a compiled rule. Counts are touched by the judging goroutine only.
type rule struct {
	config.AlertRule
	severity exchange.Severity
	least    int
	within   time.Duration
	where    *condition // nil: a rule over metrics
	by       *condition // nil: one key for all
	metric   *metric
	groups   []*group
	counts   map[string]*count
}

// A rule counts for at most so many keys; beyond, keys that are quiet longest make room.
const maxKeys = 10_000

// count is what happened for a key: when, at most as often as it takes to be true, and how often in all.
type count struct {
	times    []time.Time // the newest, in order
	examples []string
}

// maxExamples are the ids that an alert shows.
const maxExamples = 5

func (a *Alerts) compile(c config.Alerts) error {
	var errs []error
	fail := func(at string, err error) { errs = append(errs, &Error{at, err}) }
	routes := map[string]*group{}
	for i, route := range c.Routes {
		at := fmt.Sprintf("alerts.routes[%d]", i)
		g, err := newGroup(route, c, a.o)
		switch {
		case err != nil:
			fail(at, err)
		case routes[route.Name] != nil:
			fail(at+".name", fmt.Errorf("there are two routes with the name %q", route.Name))
		default:
			routes[route.Name] = g
			a.groups = append(a.groups, g)
		}
	}
	seen := map[string]string{}
	for i, r := range rulesOf(c) {
		at := fmt.Sprintf("alerts.rules[%d]", i)
		if i >= len(c.Rules) {
			at = "alerts.defaults"
		}
		if other, taken := seen[r.Name]; taken {
			fail(at+".name", fmt.Errorf("the rule %q is there already: %s", r.Name, other))
			continue
		}
		seen[r.Name] = at
		compiled, err := newRule(r, routes)
		if err != nil {
			fail(at, err)
			continue
		}
		a.rules = append(a.rules, compiled)
		a.every = a.every || compiled.On == "all"
	}
	for i, s := range c.Silences {
		silence, err := fixedSilence(s)
		if err != nil {
			fail(fmt.Sprintf("alerts.silences[%d]", i), err)
			continue
		}
		if seen[s.Rule] == "" {
			fail(fmt.Sprintf("alerts.silences[%d].rule", i), fmt.Errorf("there is no rule %q", s.Rule))
		}
		a.fixed = append(a.fixed, silence)
	}
	return errors.Join(errs...)
}

// rulesOf are those of the config, and those that ship with the product unless they are switched off or replaced.
func rulesOf(c config.Alerts) []config.AlertRule {
	list := slices.Clone(c.Rules)
	if c.Defaults == "off" {
		return list
	}
	for _, d := range defaults {
		if !slices.ContainsFunc(list, func(r config.AlertRule) bool { return r.Name == d.Name }) {
			list = append(list, d)
		}
	}
	return slices.DeleteFunc(list, func(r config.AlertRule) bool { return r.Off })
}

func newRule(c config.AlertRule, routes map[string]*group) (_ *rule, err error) {
	r := &rule{AlertRule: c, severity: cmp.Or(exchange.Severity(c.Severity), exchange.Medium), least: cmp.Or(c.Count, 1),
		within: c.Within.Or(5 * time.Minute), counts: map[string]*count{}}
	if r.least > 10_000 {
		return nil, errors.New("count goes to 10000")
	}
	switch {
	case c.Metric != "" && (c.Where != "" || c.By != ""):
		return nil, errors.New("a rule looks at a metric, or at what happens: metric, or where and by")
	case c.Metric != "":
		if r.metric, err = newMetric(c.Metric); err != nil {
			return nil, err
		}
	case c.Where == "":
		return nil, errors.New("a rule needs where, or metric")
	default:
		if r.where, err = newCondition(c.On, c.Where, true); err != nil {
			return nil, fmt.Errorf("where: %w", err)
		}
		if c.By != "" {
			if r.by, err = newCondition(c.On, c.By, false); err != nil {
				return nil, fmt.Errorf("by: %w", err)
			}
		}
	}
	for _, name := range c.Routes {
		g := routes[name]
		if g == nil {
			return nil, fmt.Errorf("there is no route %q", name)
		}
		r.groups = append(r.groups, g)
	}
	if c.Routes == nil { // all, so that a rule that ships is heard as soon as there is a route
		for _, g := range routes {
			r.groups = append(r.groups, g)
		}
	}
	return r, nil
}

// concerns reports whether an occurrence counts, and for which key.
func (r *rule) concerns(o occurrence) (of string, holds bool) {
	if r.where == nil || (r.On == "events") != (o.event != nil) {
		return "", false
	}
	if !r.where.holds(o) {
		return "", false
	}
	if r.by == nil {
		return "", true
	}
	return r.by.key(o)
}

// count notes an occurrence and returns how many there are within the span.
func (r *rule) count(of, id string, now time.Time) int {
	c := r.counts[of]
	if c == nil {
		if len(r.counts) >= maxKeys {
			r.forget(now)
			r.makeRoom()
		}
		c = &count{}
		r.counts[of] = c
	}
	c.drop(now.Add(-r.within))
	if len(c.times) >= r.least { // to be true takes no more than these
		copy(c.times, c.times[1:])
		c.times = c.times[:len(c.times)-1]
	}
	c.times = append(c.times, now)
	if len(c.examples) >= maxExamples {
		c.examples = append(c.examples[:0], c.examples[1:]...)
	}
	c.examples = append(c.examples, id)
	return len(c.times)
}

func (c *count) drop(before time.Time) {
	i := 0
	for i < len(c.times) && !c.times[i].After(before) {
		i++
	}
	c.times = append(c.times[:0], c.times[i:]...)
}

// now is how many occurrences there are within the span.
func (r *rule) now(of string, now time.Time) int {
	c := r.counts[of]
	if of == others || c == nil {
		return 0
	}
	c.drop(now.Add(-r.within))
	return len(c.times)
}

func (r *rule) examples(of string) []string {
	if c := r.counts[of]; c != nil {
		return slices.Clone(c.examples)
	}
	return nil
}

// forget drops keys for which nothing happened within the span.
func (r *rule) forget(now time.Time) {
	for of, c := range r.counts {
		if c.drop(now.Add(-r.within)); len(c.times) == 0 {
			delete(r.counts, of)
		}
	}
}

// makeRoom drops a tenth of the keys: those that were quiet longest. Whoever makes thousands of keys cannot make a busy one
// forgotten.
func (r *rule) makeRoom() {
	if len(r.counts) < maxKeys {
		return
	}
	keys := make([]string, 0, len(r.counts))
	for of := range r.counts {
		keys = append(keys, of)
	}
	weight := func(of string) (int, time.Time) { c := r.counts[of]; return len(c.times), c.times[len(c.times)-1] }
	slices.SortFunc(keys, func(a, b string) int {
		n, s := weight(a)
		m, t := weight(b)
		return cmp.Or(cmp.Compare(n, m), s.Compare(t))
	})
	for _, of := range keys[:maxKeys/10] {
		delete(r.counts, of)
	}
}

// summary is a sentence for people.
func (r *rule) summary(a *Alert) string {
	text := cmp.Or(r.Summary, r.Name)
	about := about(a.Key)
	if r.metric != nil {
		return fmt.Sprintf("%s%s: %s is %g", text, about, r.Metric, a.Value)
	}
	if r.least == 1 {
		return text + about
	}
	return fmt.Sprintf("%s%s: at least %d within %s", text, about, a.Count, r.within)
}

// about names the key of an alert in its summary.
func about(key string) string {
	if key == "" {
		return ""
	}
	return " (" + strings.Map(printable, key) + ")"
}

// printable keeps a stranger's key from doing harm in a terminal or a mail.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
		return '·'
	}
	return r
}

var grades = []exchange.Severity{exchange.Info, exchange.Low, exchange.Medium, exchange.High, exchange.Critical}

func sortAlerts(list []Alert) {
	slices.SortFunc(list, func(a, b Alert) int {
		return cmp.Or(slices.Index(grades, b.Severity)-slices.Index(grades, a.Severity), b.Since.Compare(a.Since), strings.Compare(a.Rule+a.Key, b.Rule+b.Key))
	})
}
