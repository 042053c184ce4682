package openapi

import (
	"errors"
	"net/url"
	"strings"
)

// A segment is one part of a path template between slashes: literals and parameters in turn.
// parts[0], names[0], parts[1], … names[n-1], parts[n]; a literal segment has one part and no names.
type segment struct {
	parts []string
	names []string
}

func (s segment) literal() bool { return len(s.names) == 0 }

// whole reports whether the segment is one parameter and nothing else.
func (s segment) whole() bool { return len(s.names) == 1 && s.parts[0] == "" && s.parts[1] == "" }

// weight is how many characters the template fixes.
func (s segment) weight() int {
	n := 0
	for _, p := range s.parts {
		n += len(p)
	}
	return n
}

// parseTemplate splits "/repos/{owner}/compare/{base}...{head}". Literals are percent-decoded, as the segments of a
// request are.
func parseTemplate(template string) ([]segment, error) {
	if strings.ContainsAny(template, "?#") {
		return nil, errors.New("a path has no query and no fragment")
	}
	if template == "/" {
		return nil, nil
	}
	var list []segment
	seen := map[string]bool{}
	for text := range strings.SplitSeq(template[1:], "/") {
		s, err := parseSegment(text)
		if err != nil {
			return nil, err
		}
		for _, name := range s.names {
			if seen[name] {
				return nil, errors.New("the parameter " + name + " occurs twice")
			}
			seen[name] = true
		}
		list = append(list, s)
	}
	for i, s := range list {
		if s.literal() && (s.parts[0] == "." || s.parts[0] == ".." || (s.parts[0] == "" && i != len(list)-1)) {
			return nil, errors.New("it has empty or dot segments, which no canonical path has")
		}
	}
	return list, nil
}

func parseSegment(text string) (segment, error) {
	var s segment
	for {
		literal, rest, open := strings.Cut(text, "{")
		if strings.Contains(literal, "}") {
			return s, errors.New("braces do not match")
		}
		decoded, err := url.PathUnescape(literal)
		if err != nil {
			return s, errors.New("it has a bad percent-encoding")
		}
		s.parts = append(s.parts, decoded)
		if !open {
			return s, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return s, errors.New("braces do not match")
		}
		if n := len(s.parts); n > 1 && decoded == "" {
			return s, errors.New("two parameters follow each other with nothing between them")
		}
		s.names = append(s.names, name)
		text = after
	}
}

// match splits text by the template, shortest values first, and appends them to args. Values are never empty.
func (s segment) match(text string, args []string) ([]string, bool) {
	last := len(s.parts) - 1
	if !strings.HasPrefix(text, s.parts[0]) {
		return args, false
	}
	text = text[len(s.parts[0]):]
	for _, literal := range s.parts[1:last] {
		if text == "" {
			return args, false
		}
		i := strings.Index(text[1:], literal)
		if i < 0 {
			return args, false
		}
		args = append(args, text[:i+1])
		text = text[i+1+len(literal):]
	}
	value, ok := strings.CutSuffix(text, s.parts[last])
	if !ok || value == "" {
		return args, false
	}
	return append(args, value), true
}

// overlaps reports whether some text may match both segments. It errs on the side of yes.
func (s segment) overlaps(t segment) bool {
	if s.literal() && t.literal() {
		return s.parts[0] == t.parts[0]
	}
	if s.literal() {
		_, ok := t.match(s.parts[0], nil)
		return ok
	}
	if t.literal() {
		return t.overlaps(s)
	}
	a, b := s.parts[0], t.parts[0]
	y, z := s.parts[len(s.parts)-1], t.parts[len(t.parts)-1]
	return (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) && (strings.HasSuffix(y, z) || strings.HasSuffix(z, y))
}
