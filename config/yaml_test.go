package config

import (
	"strings"
	"testing"
)

// Without the bound, each of the deep ones would take minutes.
func TestNestingIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"sequences": strings.Repeat("[", 200_000),
		"mappings":  strings.Repeat("{a: ", 200_000),
		"mixed":     "apis: " + strings.Repeat("[{a: ", 200_000),
		"dashes":    strings.Repeat("- ", 200_000) + "a",
	} {
		c, _, problems := Parse("deep.yaml", []byte(text))
		if c != nil || len(problems) != 1 || problems[0].Rule != "config.syntax" || problems[0].Line != 1 || problems[0].Column < 500 ||
			!strings.Contains(problems[0].Message, "nested deeper than 500") {
			t.Errorf("%s: %v", name, problems)
		}
	}
	for name, text := range map[string]string{
		"within bounds":     strings.Repeat("[", 500) + strings.Repeat("]", 500),
		"many side by side": "[" + strings.Repeat("[a], ", 5_000) + "b]",
		"many lines":        strings.Repeat("- a\n", 5_000),
		"text":              "a: |\n  " + strings.Repeat("[", 1_000) + "\nb: \"" + strings.Repeat("{", 1_000) + "\"\n",
	} {
		if _, err := ParseYAML([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
