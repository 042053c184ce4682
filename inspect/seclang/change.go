package seclang

import (
	"regexp"
	"strconv"
	"strings"
)

func (p *parser) defaults(l *line) error {
	args, err := l.arguments(1, 1)
	if err != nil {
		return err
	}
	list, err := parseActions(args[0])
	if err != nil {
		return err
	}
	p.out = append(p.out, &Defaults{l.Pos, list})
	return nil
}

// change reads the directives that change rules, and settings.
func (p *parser) change(l *line, name string) error {
	if kind, ok := strings.CutPrefix(name, "secruleremoveby"); ok {
		return p.remove(l, kind)
	}
	if kind, ok := strings.CutPrefix(name, "secruleupdatetargetby"); ok {
		return p.update(l, kind, func(u *Update, arg text) (err error) { u.Targets, err = targets(arg); return err })
	}
	if name == "secruleupdateactionbyid" {
		return p.update(l, "id", func(u *Update, arg text) (err error) { u.Actions, err = parseActions(arg); return err })
	}
	setting, known := settings[name]
	if !known {
		return wrong(l.Pos, directives.nearest(l.name), "%.40q is not a directive", l.name)
	}
	return p.setting(l, setting)
}

// setting reads a directive that configures the engine; most take one value, some a list.
func (p *parser) setting(l *line, name string) error {
	least := 1
	if name == "SecResponseBodyMimeTypesClear" {
		least = 0
	}
	args, err := l.arguments(least, 1000)
	if err != nil {
		return err
	}
	values := make([]string, len(args))
	for i := range args {
		values[i] = args[i].s
	}
	p.out = append(p.out, &Setting{l.Pos, name, strings.Join(values, " ")})
	return nil
}

// directives are for hints.
var directives = func() words {
	w := wordsOf(`Include SecRule SecAction SecMarker SecDefaultAction SecRuleRemoveById SecRuleRemoveByTag SecRuleRemoveByMsg
		SecRuleUpdateTargetById SecRuleUpdateTargetByTag SecRuleUpdateTargetByMsg SecRuleUpdateActionById`)
	for k, v := range settings {
		w[k] = v
	}
	return w
}()

// remove reads SecRuleRemoveById 1 5-10 "20", and its like by tag and message, which take one expression.
func (p *parser) remove(l *line, kind string) error {
	most := 1
	if kind == "id" {
		most = 1000
	}
	args, err := l.arguments(1, most)
	if err != nil {
		return err
	}
	s, err := selection(l, kind, args)
	if err != nil {
		return err
	}
	p.out = append(p.out, &Remove{l.Pos, s})
	return nil
}

func (p *parser) update(l *line, kind string, read func(*Update, text) error) error {
	args, err := l.arguments(2, 2)
	if err != nil {
		return err
	}
	u := &Update{Pos: l.Pos}
	if u.Selection, err = selection(l, kind, args[:1]); err != nil {
		return err
	}
	if err := read(u, args[1]); err != nil {
		return err
	}
	p.out = append(p.out, u)
	return nil
}

func selection(l *line, kind string, args []text) (s Selection, err error) {
	switch kind {
	case "id":
		for _, arg := range args {
			for field := range strings.FieldsSeq(strings.ReplaceAll(arg.s, ",", " ")) {
				r, ok := idRange(field)
				if !ok {
					return s, wrong(arg.at(0), "942100, or 942100-942199", "%.40q is neither an id nor a range", field)
				}
				s.IDs = append(s.IDs, r)
			}
		}
		return s, nil
	case "tag":
		s.Tag = args[0].s
	case "msg":
		s.Msg = args[0].s
	default:
		return s, wrong(l.Pos, directives.nearest(l.name), "%.40q is not a directive", l.name)
	}
	if _, err := regexp.Compile(args[0].s); err != nil {
		return s, wrong(args[0].at(0), "", "%.60q is no regular expression: %v", args[0].s, err)
	}
	return s, nil
}

func idRange(text string) (r [2]int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	return [2]int{a, b}, err1 == nil && err2 == nil && 0 < a && a <= b
}
