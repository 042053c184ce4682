package seclang

import "fmt"

// An Error is a mistake in a rule file.
type Error struct {
	Pos
	Message string
	Hint    string // what would be right, or ""
}

// Error implements error: file:line:column: message (hint).
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func wrong(at Pos, hint, format string, args ...any) error {
	return &Error{at, fmt.Sprintf(format, args...), hint}
}
