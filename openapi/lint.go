package openapi

import (
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi/schema"
)

// The rules of the linter. Each looks at one thing and reports under one id.
var (
	documentRules  = []func(*linter){plainServers, basicAuth, keyInQuery, weakFlows}
	operationRules = []func(*linter, *Operation){
		noSecurity, contradiction, anonymousWrite, missingErrors, missingSchema, adminPath, noSunset,
	}
	paramRules  = []func(*linter, *Operation, *Param){secretInQuery, looseSegment, sequentialID, urlParam}
	schemaRules = []func(*linter, subject){
		unboundedArray, unboundedString, unboundedNumber, openObject, shapelessObject, looseAnchors, urlProperty, personalData,
	}
)

// Lint applies the security rules to a document that loaded. It reports warnings and notes, sorted by place; each
// schema is reported once, however many operations use it.
func (d *Document) Lint() config.Problems {
	l := &linter{doc: d, seen: map[string]bool{}, covered: map[string]bool{}}
	for _, op := range d.Operations {
		for path := range op.Ext.Properties {
			l.covered[lastName(path)] = true
		}
	}
	for _, check := range documentRules {
		check(l)
	}
	for _, op := range d.Operations {
		l.operation(op)
	}
	return l.settle()
}

type linter struct {
	findings
	doc     *Document
	seen    map[string]bool // schemas by direction and location
	covered map[string]bool // names of properties that the config describes
}

// A subject is a schema in one direction.
type subject struct {
	place
	schema   *schema.Schema
	info     schema.Info
	types    []string
	response bool
}

func (s subject) is(kind string) bool {
	for _, t := range s.types {
		if t == kind {
			return true
		}
	}
	return false
}

func (l *linter) operation(op *Operation) {
	for _, check := range operationRules {
		check(l, op)
	}
	for _, p := range op.Params {
		for _, check := range paramRules {
			check(l, op, p)
		}
		l.schema(p.Schema, false)
	}
	if op.Body != nil {
		l.content(op.Body.Content, false)
	}
	for _, r := range op.Responses {
		l.content(r.Content, true)
	}
}

func (l *linter) content(c []MediaType, response bool) {
	for i := range c {
		l.schema(c[i].Schema, response)
	}
}

func (l *linter) schema(root *schema.Schema, response bool) {
	if root == nil {
		return
	}
	direction := "> "
	if response {
		direction = "< "
	}
	root.Walk(func(location string, s *schema.Schema) bool {
		if l.seen[direction+location] {
			return false
		}
		l.seen[direction+location] = true
		sub := subject{place: l.place(location), schema: s, info: s.Info(), types: s.Types(), response: response}
		for _, check := range schemaRules {
			check(l, sub)
		}
		return true
	})
}

func (l *linter) place(location string) place {
	uri, ptr, _ := strings.Cut(location, "#")
	if src := l.doc.sources[uri]; src != nil {
		return place{src, ptr}
	}
	return place{l.doc.root, ""}
}

// lastName is the property that a path such as "response.items[*].email" ends in.
func lastName(path string) string {
	path = strings.TrimSuffix(path, "[*]")
	return path[strings.LastIndexByte(path, '.')+1:]
}

// words matches a name that consists of, or ends in, one of the words, in snake_case, kebab-case or camelCase.
func words(list string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[_.\-\[])(` + list + `)\]?$|(?-i:[a-z0-9])(?-i:` + capitalised(list) + `)$`)
}

func capitalised(list string) string {
	var out []string
	for w := range strings.SplitSeq(list, "|") {
		out = append(out, strings.ToUpper(w[:1])+w[1:])
	}
	return strings.Join(out, "|")
}
