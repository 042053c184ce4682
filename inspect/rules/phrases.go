package rules

import (
	"io/fs"
	"strings"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// phrases is @pm: any of them, ASCII letter case ignored.
func (o *operator) phrases(list []string) error {
	lower := make([]string, 0, len(list))
	for _, p := range list {
		lower = append(lower, strings.ToLower(p))
	}
	o.literals, o.captures, o.caseless = lower, true, true
	scanner := pattern.NewScanner([][]string{lower})
	o.holds = func(r *run, v string) bool {
		start, end := scanner.First(v)
		if start < 0 {
			return false
		}
		if r.capturing {
			r.capture(0, v[start:end])
		}
		return true
	}
	return nil
}

// phrasesOf is @pmFromFile: a phrase a line, # begins a comment.
func (c *compiler) phrasesOf(at seclang.Pos, o *operator, name string) error {
	data, err := fs.ReadFile(c.options.Data, name)
	if err != nil {
		return problem(at, "@pmFromFile: couldn't read %s: %v", name, err)
	}
	var list []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return problem(at, "@pmFromFile: %s holds no phrase", name)
	}
	return o.phrases(list)
}
