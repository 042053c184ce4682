// Package explain puts a record into words: why an exchange was refused, or would have been, and what would allow it.
// The command line and the dashboard tell the same story by it.
package explain

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A Cause is one refusal: one that was made, or one that a guard in monitor mode would have made.
type Cause struct {
	Guard     string
	Code      string
	Title     string // what the client is told
	OWASP     string // class of the OWASP API Security Top 10 (2023): "API1"; "" where none fits
	CWE       int    // 0 where none fits
	Severity  exchange.Severity
	Meaning   string           // of the code, whatever the exchange
	Detail    string           // what was found in this one
	Fields    []exchange.Field // where
	Setting   string           // what the guard names as the setting that would allow it; "" where it names none
	Allow     Allow
	Monitored bool
}

// Causes lists what refused the exchange, or nothing, and then what would have.
func Causes(r *exchange.Record) []Cause {
	var list []Cause
	if r.Refused {
		list = append(list, cause(r, r.Guard, r.Code, r.Detail, r.Fields, r.Setting, false))
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Code != "" && s.Mode == config.Monitor {
			list = append(list, cause(r, s.Guard, s.Code, s.Detail, s.Fields, s.Setting, true))
		}
	}
	return list
}

func cause(r *exchange.Record, guard, code, detail string, fields []exchange.Field, setting string, monitored bool) Cause {
	c := Cause{Guard: guard, Code: code, Detail: detail, Fields: fields, Setting: setting, Monitored: monitored}
	if reason := exchange.Lookup(code); reason != nil {
		c.Title, c.OWASP, c.CWE, c.Severity, c.Meaning = reason.Title, reason.OWASP, reason.CWE, reason.Severity, reason.Help
	}
	c.Allow = Allowing(r, c)
	return c
}

// Who is the caller in one line.
func Who(r *exchange.Record) string {
	if r.Principal == nil {
		return "nobody, from " + r.Client
	}
	return fmt.Sprintf("%s (%s %s, roles %s), from %s", r.Principal.Subject, r.Principal.Kind, r.Principal.Issuer, OrDash(strings.Join(r.Principal.Roles, " ")), r.Client)
}

// Rated is how the client was rated, and why, in one line; "" where it was not.
func Rated(r *exchange.Record) string {
	b := r.Bot
	if b == nil {
		return ""
	}
	text := string(b.Rating)
	if b.Name != "" {
		text += " " + b.Name
	}
	if len(b.Reasons) > 0 {
		text += ": " + strings.Join(b.Reasons, "; ")
	}
	return text
}

// Outcome is what one guard said.
func Outcome(s exchange.RecordStep) string {
	switch {
	case s.Code == "":
		return "pass"
	case s.Mode == config.Monitor:
		return "would refuse: " + s.Code
	}
	return "refused: " + s.Code
}

// Kept is why somebody will ask about a record: what refused, or would have, or that something was noticed.
func Kept(r *exchange.Record) string {
	if r.Code != "" {
		return r.Code
	}
	for i := range r.Steps {
		if r.Steps[i].Code != "" {
			return "(would be " + r.Steps[i].Code + ")"
		}
	}
	if len(r.Findings) > 0 {
		return "(finding)"
	}
	return OrDash("")
}

// OrDash is s, or a dash where there is nothing to show.
func OrDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
