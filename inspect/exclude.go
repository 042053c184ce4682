package inspect

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
)

// An exclusion names a rule, or every rule with a tag, that is off or monitored in a field.
type exclusion struct {
	rule  string         // id or tag
	field *regexp.Regexp // nil: everywhere
	until time.Time      // zero: for good
}

// house are the exclusions that hold for every API, because another part of the gateway answers the rule's question
// better than a list that was made for web sites. They are in docs/crs.md.
var house = []config.Exclusion{
	{Rule: "920350", Reason: "which hosts are served is said by apis[].hosts; an API may be called by address"},
	{Rule: "920420", Reason: "which media types an operation takes is said by the spec; others are 415"},
	{Rule: "920450", Field: "header.content-encoding", Reason: "content decodes one coding, bounded, before anything looks at the body"},
	{Rule: "920450", Field: "header.content-range", Reason: "resumable uploads; ranges are the service's business"},
	{Rule: "920450", Field: "header.if", Reason: "conditional requests of RFC 4918"},
	{Rule: "920450", Field: "header.expect", Reason: "the front answers 100-continue and refuses every other expectation"},
}

// exclusionsOf returns the exclusions that hold for an operation: those of the house, whose rules need not be there, and
// those of its API.
func exclusionsOf(list []config.Exclusion, operation string, known map[string]bool) ([]exclusion, error) {
	ours := slices.DeleteFunc(slices.Concat(house, bySpec(operation)), func(x config.Exclusion) bool { return !known[x.Rule] })
	return compileExclusions("exclude", slices.Concat(ours, list), operation, known)
}

// compileExclusions returns the entries of a setting that concern an operation. One that names no known rule or tag is an
// error: it would look like protection switched off, or on, where neither is so.
func compileExclusions(setting string, list []config.Exclusion, operation string, known map[string]bool) ([]exclusion, error) {
	var out []exclusion
	var errs []error
	for _, x := range list {
		if !known[x.Rule] {
			errs = append(errs, fmt.Errorf("inspect.%s: there is no rule or tag %q", setting, x.Rule))
		}
		if x.Operation != "" && x.Operation != operation {
			continue
		}
		c := exclusion{rule: x.Rule}
		if x.Expires != "" {
			day, err := time.Parse(time.DateOnly, x.Expires)
			if err != nil {
				errs = append(errs, fmt.Errorf("inspect.%s: expires of rule %s is not a day like 2027-01-31", setting, x.Rule))
			}
			c.until = day
		}
		if x.Field != "" {
			c.field = fieldPattern(x.Field)
		}
		out = append(out, c)
	}
	return out, errors.Join(errs...)
}

// bySpec spares an operation what its declaration answers: the rule against unusual methods where the spec declares one, and
// that against the extensions of files where a path ends in a parameter, whose value may be ada@example.com.
func bySpec(operation string) (list []config.Exclusion) {
	method, path, declared := strings.Cut(operation, " ")
	if declared && !slices.Contains(strings.Fields(usualMethods), method) {
		list = append(list, config.Exclusion{Rule: "911100", Reason: "the spec declares the method"})
	}
	if declared && strings.HasSuffix(path, "}") {
		list = append(list, config.Exclusion{Rule: "920440", Reason: "the spec declares a value, not a file"})
	}
	return list
}

// fieldPattern compiles body.items[*].note. A pattern covers the field and everything below it; [*] stands for every
// element and .* for every member. Names of headers are written in lower case.
func fieldPattern(pattern string) *regexp.Regexp {
	if strings.HasPrefix(pattern, "header.") {
		pattern = strings.ToLower(pattern)
	}
	expr := regexp.QuoteMeta(pattern)
	expr = strings.ReplaceAll(expr, `\[\*\]`, `\[\d+\]`)
	expr = strings.ReplaceAll(expr, `\.\*`, `(?:\.[^.\[]+|\["(?:[^"\\]|\\.)*"…?\])`)
	return regexp.MustCompile(`^` + expr + `(?:[.\[].*)?$`)
}

// excluded reports whether a list names a rule in a field.
func excluded(list []exclusion, rule string, tags []string, field string, now time.Time) bool {
	for i := range list {
		x := &list[i]
		if x.rule != rule && !slices.Contains(tags, x.rule) {
			continue
		}
		if !x.until.IsZero() && !now.Before(x.until) {
			continue
		}
		if x.field == nil || x.field.MatchString(field) {
			return true
		}
	}
	return false
}
