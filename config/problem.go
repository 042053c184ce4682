package config

import (
	"fmt"
	"sort"
	"strings"
)

// Severity of a [Problem].
type Severity string

// Errors keep a configuration from being used; warnings are shown and counted.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// A Problem is one thing that is wrong with a configuration or a spec: what, where, and what to do.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"` // stable id: "config.unknown_key", "spec.no_security"
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
}

func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s: %s [%s]", p.File, p.Line, p.Column, p.Severity, p.Message, p.Rule)
	if p.Hint != "" {
		s += "\n    hint: " + p.Hint
	}
	return s
}

// Problems are all problems of one run. As an error it is returned only when one of them is an [Error].
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Failed reports whether one of the problems is an error.
func (p Problems) Failed() bool {
	for i := range p {
		if p[i].Severity == Error {
			return true
		}
	}
	return false
}

// Sort orders problems by file, line and column.
func (p Problems) Sort() {
	sort.SliceStable(p, func(i, j int) bool {
		a, b := p[i], p[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

// Each is the errors that were joined, or the one that is none of those.
func Each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, Each(e)...)
	}
	return list
}
