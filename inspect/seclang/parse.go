package seclang

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Limits of what is read.
const (
	MaxFile     = 16 << 20 // bytes of one rule file
	MaxIncludes = 200      // files of one rule set
	maxMistakes = 100      // that are reported at once
)

// Parse reads the named files of fsys, and what they include, in order. Names are slash-separated patterns as in
// [fs.Glob]; an Include is relative to the file that includes. The error joins an *[Error] for each mistake; the directives
// are those that have none.
func Parse(fsys fs.FS, names ...string) ([]Directive, error) {
	p := parser{fsys: fsys}
	for _, name := range names {
		p.note(p.include(Pos{name, 1, 1}, name))
	}
	return p.end()
}

// ParseText reads directives that are in memory; file is for messages. They cannot include anything.
func ParseText(file, text string) ([]Directive, error) {
	p := parser{}
	p.note(p.text(file, text))
	return p.end()
}

type parser struct {
	fsys   fs.FS
	files  int
	out    []Directive
	open   *Rule // the last link of a chain that is not complete
	errs   []error
	adrift bool // a link with a mistake was left out: what has no id may hang on it
}

func (p *parser) end() ([]Directive, error) {
	if p.open != nil {
		p.note(wrong(p.open.Pos, "take the chain action away, or add a rule", "the chain has no next rule"))
	}
	return p.out, errors.Join(p.errs...)
}

// note keeps a mistake; the directive that it is in is left out.
func (p *parser) note(err error) {
	if err != nil && len(p.errs) < maxMistakes {
		p.errs = append(p.errs, err)
	}
}

func (p *parser) include(at Pos, pattern string) error {
	if p.fsys == nil {
		return wrong(at, "", "Include is not possible here")
	}
	names, err := fs.Glob(p.fsys, pattern)
	if err != nil || len(names) == 0 {
		return wrong(at, "the name is relative to the file that includes", "no file matches %q", pattern)
	}
	for _, name := range names {
		if p.files++; p.files > MaxIncludes {
			return wrong(at, "does a file include itself?", "more than %d files are included", MaxIncludes)
		}
		data, err := fs.ReadFile(p.fsys, name)
		if err != nil {
			return wrong(at, "", "couldn't read %s: %v", name, err)
		}
		if len(data) > MaxFile {
			return wrong(at, "", "%s is larger than %d bytes", name, MaxFile)
		}
		if err := p.text(name, string(data)); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) text(file, text string) error {
	all, err := lines(file, text)
	if err != nil {
		return err
	}
	for i := range all {
		if err := p.directive(&all[i]); err != nil {
			p.note(err)
			p.open, p.adrift = nil, true
		}
	}
	return nil
}

func (p *parser) directive(l *line) error {
	name := strings.ToLower(l.name)
	if p.open != nil && name != "secrule" && name != "secaction" {
		return wrong(p.open.Pos, "", "the chain is interrupted by %s in line %d", l.name, l.Line)
	}
	switch name {
	case "include":
		args, err := l.arguments(1, 1)
		if err != nil {
			return err
		}
		return p.include(l.Pos, path.Join(path.Dir(l.File), args[0].s))
	case "secrule", "secaction":
		return p.rule(l, name == "secrule")
	case "secmarker":
		args, err := l.arguments(1, 1)
		if err != nil {
			return err
		}
		p.out = append(p.out, &Marker{l.Pos, args[0].s})
		return nil
	case "secdefaultaction":
		return p.defaults(l)
	}
	return p.change(l, name)
}

// rule reads SecRule TARGETS OPERATOR [ACTIONS] and SecAction ACTIONS.
func (p *parser) rule(l *line, condition bool) error {
	least, most := 1, 1
	if condition {
		least, most = 2, 3
	}
	args, err := l.arguments(least, most)
	if err != nil {
		return err
	}
	r := &Rule{Pos: l.Pos}
	if condition {
		if r.Targets, err = targets(args[0]); err != nil {
			return err
		}
		if r.Operator, err = operator(args[1]); err != nil {
			return err
		}
		args = args[2:]
	}
	if len(args) > 0 {
		if r.Actions, err = parseActions(args[0]); err != nil {
			return err
		}
	}
	return p.link(r)
}

// link appends a rule, or makes it the next link of the chain that is open.
func (p *parser) link(r *Rule) error {
	chained := false
	kept := r.Actions[:0]
	for _, a := range r.Actions {
		if a.Name == "chain" {
			chained = true
			continue
		}
		kept = append(kept, a)
	}
	r.Actions = kept
	switch {
	case p.open != nil:
		p.open.Next = r
	case r.ID() == 0 && p.adrift:
		return nil
	case r.ID() == 0:
		return wrong(r.Pos, "add id:NUMBER", "the rule has no id")
	default:
		p.out, p.adrift = append(p.out, r), false
	}
	if p.open = nil; chained {
		p.open = r
	}
	return nil
}

// operator reads @name argument, !@name argument, or a regular expression alone.
func operator(arg text) (Operator, error) {
	o := Operator{Pos: arg.at(0)}
	rest := arg.s
	if strings.HasPrefix(rest, "!") {
		o.Negated, rest = true, rest[1:]
	}
	name, isName := strings.CutPrefix(rest, "@")
	if !isName {
		o.Name, o.Argument = "rx", strings.TrimSpace(rest)
		return o, nil
	}
	name, o.Argument, _ = strings.Cut(name, " ")
	o.Argument = strings.TrimSpace(o.Argument)
	known := false
	if o.Name, known = operators[strings.ToLower(name)]; !known {
		return o, wrong(o.Pos, operators.nearest(name), "%.40q is not an operator", name)
	}
	return o, nil
}

// ID is the rule's number, or 0 where it has none, as the later links of a chain.
func (r *Rule) ID() int {
	id, _ := strconv.Atoi(r.Value("id"))
	return max(id, 0)
}

// Value is the value of the last action of that name, or "".
func (r *Rule) Value(action string) string {
	for i := len(r.Actions) - 1; i >= 0; i-- {
		if r.Actions[i].Name == action {
			return r.Actions[i].Value
		}
	}
	return ""
}
