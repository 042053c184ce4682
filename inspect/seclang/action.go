package seclang

import "strings"

// parseActions reads name,name:value,name:'value' and demands that each name, transformation and control is known.
func parseActions(arg text) ([]Action, error) {
	var out []Action
	arg.s = strings.TrimRight(arg.s, " \t")
	for rest := strings.TrimLeft(arg.s, " \t"); rest != ""; {
		at := arg.end(rest)
		end := strings.IndexAny(rest, ",:")
		if end < 0 {
			end = len(rest)
		}
		word := strings.TrimSpace(rest[:end])
		name, known := actions[strings.ToLower(word)]
		if !known {
			return nil, wrong(at, actions.nearest(word), "%.40q is not an action", word)
		}
		a := Action{Pos: at, Name: name}
		if end < len(rest) && rest[end] == ':' {
			var ok bool
			if a.Value, end, ok = value(rest, end+1); !ok {
				return nil, wrong(at, "close it with '", "the value of %s has no end", name)
			}
		}
		if err := checkWord(at, &a); err != nil {
			return nil, err
		}
		out = append(out, a)
		if end == len(rest) {
			break
		}
		if rest = strings.TrimLeft(rest[end+1:], " \t"); rest == "" {
			return nil, wrong(at, "take the last comma away", "an action is missing behind %s", name)
		}
	}
	return out, nil
}

// value reads the value that begins at i and returns the index of the comma behind it, or the end. Quotes may surround
// all of it or only what follows the = of a setvar; within them a comma is text and \' is a quote.
func value(text string, i int) (string, int, bool) {
	start, quoted := i, false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '\'':
			quoted = !quoted
		case c == ',' && !quoted:
			return unquote(text[start:i]), i, true
		}
	}
	return unquote(text[start:]), len(text), !quoted
}

func unquote(v string) string {
	v = strings.TrimSpace(v)
	if len(v) >= 2 && v[0] == '\'' && v[len(v)-1] == '\'' {
		v = v[1 : len(v)-1]
	}
	return strings.ReplaceAll(v, `\'`, `'`)
}

// checkWord checks the values that are words of the language themselves.
func checkWord(at Pos, a *Action) error {
	switch a.Name {
	case "t":
		name, known := transformations[strings.ToLower(a.Value)]
		if !known {
			return wrong(at, transformations.nearest(a.Value), "%.40q is not a transformation", a.Value)
		}
		a.Value = name
	case "ctl":
		name, argument, _ := strings.Cut(a.Value, "=")
		control, known := controls[strings.ToLower(strings.TrimSpace(name))]
		if !known {
			return wrong(at, controls.nearest(name), "%.40q is not a control", name)
		}
		a.Value = control + "=" + strings.TrimSpace(argument)
	}
	return nil
}
