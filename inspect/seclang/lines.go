package seclang

import (
	"slices"
	"strings"
	"unicode"
)

// A line is one directive with its continuation lines joined.
type line struct {
	Pos
	name string // the directive as written
	rest text   // what has not been read yet
}

// A text is a part of a directive that knows where in the file it stands.
type text struct {
	s      string
	raw    string // s as written: \" is not a quote yet
	from   int    // where raw begins in the joined lines
	origin *origin
}

// An origin tells the places of joined lines.
type origin struct {
	file   string
	starts []start
}

// A start is where a line of the file begins in the joined ones.
type start struct{ at, line, column int }

// at is the place of the byte with index i of the text.
func (t *text) at(i int) Pos {
	if len(t.raw) != len(t.s) {
		escaped := 0
		for k := 0; k < i+escaped && k+1 < len(t.raw); k++ {
			if t.raw[k] == '\\' && t.raw[k+1] == '"' {
				escaped++
				k++
			}
		}
		i += escaped
	}
	i += t.from
	n, found := slices.BinarySearchFunc(t.origin.starts, i, func(s start, i int) int { return s.at - i })
	if !found {
		n--
	}
	s := t.origin.starts[n]
	return Pos{t.origin.file, s.line, s.column + i - s.at}
}

// end is the place of a suffix of the text.
func (t *text) end(suffix string) Pos { return t.at(len(t.s) - len(suffix)) }

// lines splits text into directives. A line that begins with # is a comment wherever it stands; a line that ends with a
// backslash goes on in the next.
func lines(file, all string) ([]line, error) {
	var out []line
	var joined strings.Builder
	from := &origin{file: file}
	number := 0
	for raw := range strings.Lines(all) {
		number++
		l := strings.TrimSpace(raw)
		if l == "" || l[0] == '#' {
			continue
		}
		indent := len(raw) - len(strings.TrimLeftFunc(raw, unicode.IsSpace))
		from.starts = append(from.starts, start{joined.Len(), number, indent + 1})
		body, goesOn := strings.CutSuffix(l, `\`)
		if joined.WriteString(body); goesOn {
			continue
		}
		out = append(out, directive(from, joined.String()))
		joined.Reset()
		from = &origin{file: file}
	}
	if len(from.starts) > 0 {
		at := Pos{file, from.starts[0].line, from.starts[0].column}
		return nil, wrong(at, "take the last backslash away", "the directive goes on beyond the end of the file")
	}
	return out, nil
}

func directive(from *origin, joined string) line {
	joined = strings.TrimRight(joined, " \t")
	whole := text{joined, joined, 0, from}
	cut := strings.IndexAny(joined, " \t")
	if cut < 0 {
		cut = len(joined)
	}
	return line{whole.at(0), joined[:cut], whole.behind(cut)}
}

// argument cuts the first argument off: a quoted string, in which \" is a quote and every other backslash stands for
// itself, or what reaches to the next blank.
func (l *line) argument() (text, error) {
	s := l.rest.s
	if s == "" {
		return text{}, wrong(l.Pos, "", "%s lacks an argument", l.name)
	}
	if s[0] != '"' {
		cut := strings.IndexAny(s, " \t")
		if cut < 0 {
			cut = len(s)
		}
		return l.cut(0, cut, cut), nil
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++ // what follows ends nothing
		case '"':
			return l.cut(1, i, i+1), nil
		}
	}
	return text{}, wrong(l.rest.at(0), `close it with "`, "the argument of %s has no end", l.name)
}

// cut takes the bytes from..to of what is left as an argument, and goes on behind the byte before next.
func (l *line) cut(from, to, next int) text {
	raw := l.rest.s[from:to]
	arg := text{strings.ReplaceAll(raw, `\"`, `"`), raw, l.rest.from + from, l.rest.origin}
	l.rest = l.rest.behind(next)
	return arg
}

// behind is what follows the byte i, without blanks at its beginning. It is for texts without quotes that are escaped.
func (t text) behind(i int) text {
	s := strings.TrimLeft(t.s[i:], " \t")
	return text{s, s, t.from + len(t.s) - len(s), t.origin}
}

// arguments cuts off between least and most arguments and demands that nothing is left.
func (l *line) arguments(least, most int) ([]text, error) {
	var out []text
	for len(out) < most && (l.rest.s != "" || len(out) < least) {
		arg, err := l.argument()
		if err != nil {
			return nil, err
		}
		out = append(out, arg)
	}
	if l.rest.s != "" {
		return nil, wrong(l.rest.at(0), "quote arguments that hold blanks", "%s has more arguments than it takes: %.40q", l.name, l.rest.s)
	}
	return out, nil
}
