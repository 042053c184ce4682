package seclang

import (
	"regexp"
	"strings"
)

// targets reads VARIABLE|!VARIABLE:key|&VARIABLE:/regexp/|VARIABLE:'/regexp/'.
func targets(arg text) ([]Target, error) {
	var out []Target
	for rest := arg.s; ; {
		t, more, err := target(arg.end(rest), rest)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		if more == "" {
			return out, nil
		}
		if more[0] != '|' {
			return nil, wrong(arg.end(more), "targets are separated by |", "the target %s is followed by %.20q", t.Variable, more)
		}
		rest = more[1:]
	}
}

func target(at Pos, text string) (t Target, rest string, err error) {
	t.Pos = at
	switch {
	case strings.HasPrefix(text, "!"):
		t.Negated, text = true, text[1:]
	case strings.HasPrefix(text, "&"):
		t.Count, text = true, text[1:]
	}
	end := strings.IndexAny(text, "|:")
	if end < 0 {
		end = len(text)
	}
	name, known := variables[strings.ToLower(text[:end])]
	if !known {
		return t, "", wrong(at, variables.nearest(text[:end]), "%.40q is not a variable", text[:end])
	}
	t.Variable, rest = name, text[end:]
	if !strings.HasPrefix(rest, ":") {
		return t, rest, nil
	}
	return key(at, t, rest[1:])
}

// key reads what follows the colon. For XML and JSON it is a path, in which slashes are no quotes.
func key(at Pos, t Target, text string) (Target, string, error) {
	quoted := strings.HasPrefix(text, "'")
	if quoted {
		text = text[1:]
	}
	if strings.HasPrefix(text, "/") && t.Variable != "XML" && t.Variable != "JSON" {
		end := closing(text)
		if end < 0 {
			return t, "", wrong(at, "close it with /", "the regular expression of %s has no end", t.Variable)
		}
		t.Key, t.Regexp, text = text[1:end], true, text[end+1:]
		if _, err := regexp.Compile(t.Key); err != nil {
			return t, "", wrong(at, "", "the key of %s is no regular expression: %v", t.Variable, err)
		}
	} else {
		end := strings.IndexAny(text, "|'")
		if end < 0 {
			end = len(text)
		}
		t.Key, text = text[:end], text[end:]
	}
	if quoted {
		if !strings.HasPrefix(text, "'") {
			return t, "", wrong(at, "close it with '", "the key of %s has no end", t.Variable)
		}
		text = text[1:]
	}
	if t.Key == "" {
		return t, "", wrong(at, "leave the colon out for the whole collection", "%s: lacks a key", t.Variable)
	}
	return t, text, nil
}

// closing is the index of the slash that ends the regular expression at the beginning of text, or -1.
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '/':
			return i
		}
	}
	return -1
}
