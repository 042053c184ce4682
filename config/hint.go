package config

import (
	"errors"
	"io/fs"
	"strings"
)

// near suggests the known name that the writer may have meant; distance is counted in edits of one letter.
func near(got string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := Distance(strings.ToLower(got), k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known keys: " + strings.Join(known, ", ")
}

// Distance is Levenshtein's: how many letters must be changed, added or removed to make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// cause is the reason of a file error without the path, which the problem already names.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
