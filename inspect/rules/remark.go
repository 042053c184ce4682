package rules

import (
	"strings"

	"github.com/sallyport/sallyport/inspect/seclang"
)

// Remarks lists what in directives is understood and has no effect: settings of an engine, controls and variables of what
// our front does, and TX variables that idle names, with what has the effect instead.
func Remarks(list []seclang.Directive, idle map[string]string) (out []*seclang.Error) {
	note := func(at seclang.Pos, hint, message string) {
		out = append(out, &seclang.Error{Pos: at, Message: message + " has no effect here", Hint: hint})
	}
	for _, d := range list {
		switch d := d.(type) {
		case *seclang.Setting:
			note(d.Pos, settled[d.Name], d.Name)
		case *seclang.Rule:
			for r := d; r != nil; r = r.Next {
				remarksOn(r, idle, note)
			}
		}
	}
	return out
}

func remarksOn(r *seclang.Rule, idle map[string]string, note func(at seclang.Pos, hint, message string)) {
	for _, t := range r.Targets {
		if emptyHere[t.Variable] {
			note(t.Pos, "bodies that cannot be read in one way are refused before", t.Variable+", which is always empty,")
		}
	}
	for _, a := range r.Actions {
		switch kind, _, _ := strings.Cut(a.Value, "="); {
		case a.Name == "ctl" && elsewhere[kind]:
			note(a.Pos, "bodies are read by their media type, within the limits of the config", "ctl:"+kind)
		case a.Name == "status":
			note(a.Pos, "a refusal has the status of its reason", "status")
		case a.Name == "setvar":
			if hint, known := idle[splitAssignment(a.Value).key]; known {
				note(a.Pos, hint, a.Value)
			}
		}
	}
}

// settled says what has the effect of a setting.
var settled = map[string]string{
	"SecRuleEngine":              "modes: { inspect: enforce }, monitor or off",
	"SecRequestBodyAccess":       "modes: { inspect.body: off }",
	"SecResponseBodyAccess":      "modes: { inspect.response: off }",
	"SecRequestBodyLimit":        "max_body",
	"SecRequestBodyNoFilesLimit": "max_body",
	"SecRequestBodyLimitAction":  "inspect: { beyond: refuse }, or pass",
	"SecResponseBodyLimit":       "max_response",
	"SecAuditLog":                "the record of each exchange, as access log and for explain",
	"SecAuditEngine":             "the record of each exchange, as access log and for explain",
}

// emptyHere are variables that the language has and that are always empty here.
var emptyHere = func() map[string]bool {
	m := map[string]bool{"FILES_COMBINED_SIZE": true}
	for name, s := range sources {
		m[name] = m[name] || s.kind == ofNothing
	}
	return m
}()
