package seclang

import "strings"

// A line is one directive with its continuation lines joined.
type line struct {
	Pos
	name string // the directive as written
	rest string
}

// lines splits text into directives. A line that begins with # is a comment wherever it stands; a line that ends with a
// backslash goes on in the next.
func lines(file, text string) ([]line, error) {
	var out []line
	var joined strings.Builder
	start, number := 0, 0
	for raw := range strings.Lines(text) {
		number++
		l := strings.TrimSpace(raw)
		if l == "" || l[0] == '#' {
			continue
		}
		if joined.Len() == 0 {
			start = number
		}
		body, goesOn := strings.CutSuffix(l, `\`)
		if joined.WriteString(body); goesOn {
			continue
		}
		out = append(out, directive(Pos{file, start}, joined.String()))
		joined.Reset()
	}
	if joined.Len() > 0 {
		return nil, wrong(Pos{file, start}, "take the last backslash away", "the directive goes on beyond the end of the file")
	}
	return out, nil
}

func directive(at Pos, text string) line {
	cut := strings.IndexAny(text, " \t")
	if cut < 0 {
		return line{at, text, ""}
	}
	return line{at, text[:cut], strings.TrimSpace(text[cut:])}
}

// argument cuts the first argument off: a quoted string, in which \" is a quote and every other backslash stands for
// itself, or what reaches to the next blank.
func (l *line) argument() (string, error) {
	text := l.rest
	if text == "" {
		return "", wrong(l.Pos, "", "%s lacks an argument", l.name)
	}
	if text[0] != '"' {
		cut := strings.IndexAny(text, " \t")
		if cut < 0 {
			cut = len(text)
		}
		l.rest = strings.TrimLeft(text[cut:], " \t")
		return text[:cut], nil
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // what follows ends nothing
		case '"':
			l.rest = strings.TrimLeft(text[i+1:], " \t")
			return strings.ReplaceAll(text[1:i], `\"`, `"`), nil
		}
	}
	return "", wrong(l.Pos, `close it with "`, "the argument of %s has no end", l.name)
}

// arguments cuts off between least and most arguments and demands that nothing is left.
func (l *line) arguments(least, most int) ([]string, error) {
	var out []string
	for len(out) < most && (l.rest != "" || len(out) < least) {
		arg, err := l.argument()
		if err != nil {
			return nil, err
		}
		out = append(out, arg)
	}
	if l.rest != "" {
		return nil, wrong(l.Pos, "quote arguments that hold blanks", "%s has more arguments than it takes: %.40q", l.name, l.rest)
	}
	return out, nil
}
