package schema

import (
	"github.com/sallyport/sallyport/content"
)

// types is a set of JSON Schema types.
type types uint8

const (
	typeNull types = 1 << iota
	typeBoolean
	typeInteger
	typeNumber
	typeString
	typeArray
	typeObject
)

// typeNames is in the order in which messages name types.
var typeNames = []struct {
	name string
	bit  types
}{
	{"string", typeString}, {"integer", typeInteger}, {"number", typeNumber}, {"boolean", typeBoolean},
	{"array", typeArray}, {"object", typeObject}, {"null", typeNull},
}

func typeNamed(name string) types {
	for _, t := range typeNames {
		if t.name == name {
			return t.bit
		}
	}
	return 0
}

func (t types) names() []string {
	var names []string
	for _, n := range typeNames {
		if t&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// verdict is what is known of a schema before it sees an instance.
type verdict uint8

const (
	judge  verdict = iota // look at the keywords
	always                // true, {}
	never                 // false
)

// A node is the plan of one schema. It never changes after the Compile that made it has returned.
type node struct {
	location string // document URI, "#", RFC 6901
	home     *resource
	verdict  verdict
	nullable bool // OpenAPI 3.0: null passes, whatever else is said
	exact    bool // draft 4: 1.0 is not an integer
	heir     bool // what a discriminator may lead to by inheritance
	read     bool // readOnly
	write    bool // writeOnly
	old      bool // deprecated
	combines bool // has schemas within that judge the same value
	types    types
	format   string

	enum, constant *valueSet
	number         *numberRules
	text           *textRules
	array          *arrayRules
	object         *objectRules

	ref           *node
	dynamic       *dynamicRef
	allOf         []*node
	anyOf, oneOf  []*node
	not           *node
	test          *node // if
	then, other   *node // then, else
	discriminator *discriminator
	document      *node        // contentSchema of a JSON text, which only some evaluations ask for
	documents     bool         // of a root: its evaluation asks for them
	note          *Annotations // non-nil where guards want to know
	xml           *XML         // non-nil where the schema says how it is written in XML
}

type numberRules struct {
	minimum, maximum                   *decimal
	exclusiveMinimum, exclusiveMaximum bool
	multipleOf                         *decimal
	format                             *numberFormat
	written                            struct{ minimum, maximum, multipleOf string }
}

type textRules struct {
	minLength, maxLength int // -1: none
	pattern              *pattern
	format               func(string) bool
}

type arrayRules struct {
	minItems, maxItems       int // -1: none
	unique                   bool
	prefix                   []*node
	items                    *node // for what comes after prefix
	contains                 *node
	minContains, maxContains int  // maxContains -1: none
	containsEvaluates        bool // 2020-12: what contains matched is evaluated
	unevaluated              *node
}

type objectRules struct {
	members     []memberRule // sorted by name: properties, and names that are only required
	index       map[string]int32
	named       bool      // has properties
	required    [2]uint64 // bits of members that must be there, by Direction
	more        []string  // required beyond the 64th
	patterns    []patternRule
	additional  *node // nil: silent
	names       *node
	minimum     int // -1: none
	maximum     int
	needs       []need
	conditions  []condition
	unevaluated *node
}

// A memberRule is a property, or a name that is only required (schema is nil).
type memberRule struct {
	name   string
	schema *node
	bit    uint64 // in objectRules.required; 0: not required, or beyond the 64th
	read   bool   // readOnly: not for requests
	write  bool   // writeOnly: not for responses
	must   bool   // listed in required
}

type patternRule struct {
	pattern *pattern
	schema  *node
}

type need struct { // dependentRequired
	name  string
	needs []string
}

type condition struct { // dependentSchemas
	name   string
	schema *node
}

// dynamicRef is $dynamicRef or $recursiveRef whose target is chosen by the way that led here.
type dynamicRef struct {
	fallback *node
	anchor   string // "": $recursiveRef
}

// find returns the rule for a name. hint is where the last search ended: members often come in the order of the rules.
func (o *objectRules) find(name string, hint *int) *memberRule {
	if h := *hint; h < len(o.members) && o.members[h].name == name {
		*hint = h + 1
		return &o.members[h]
	}
	if o.index != nil {
		i, ok := o.index[name]
		if !ok {
			return nil
		}
		*hint = int(i) + 1
		return &o.members[i]
	}
	for i := range o.members {
		if o.members[i].name == name {
			*hint = i + 1
			return &o.members[i]
		}
	}
	return nil
}

// declares reports whether the schema speaks of a member called name; evaluates, whether properties or
// patternProperties apply to it.
func (o *objectRules) declares(name string) bool {
	hint := 0
	return o.find(name, &hint) != nil || o.matches(name)
}

func (o *objectRules) evaluates(name string) bool {
	hint := 0
	m := o.find(name, &hint)
	return m != nil && m.schema != nil || o.matches(name)
}

func (o *objectRules) matches(name string) bool {
	for i := range o.patterns {
		if o.patterns[i].pattern.match(name) {
			return true
		}
	}
	return false
}

func (s *node) combine() bool {
	return s.ref != nil || s.dynamic != nil || s.not != nil || s.test != nil || s.discriminator != nil ||
		len(s.allOf)+len(s.anyOf)+len(s.oneOf) > 0
}

// accepts reports whether an instance has one of the types.
func (s *node) accepts(n *content.Node) bool {
	switch n.Kind {
	case content.String, content.File:
		return s.types&typeString != 0
	case content.Object:
		return s.types&typeObject != 0
	case content.Array:
		return s.types&typeArray != 0
	case content.Number:
		return s.types&typeNumber != 0 || s.types&typeInteger != 0 && isInteger(n.Text, s.exact)
	case content.Bool:
		return s.types&typeBoolean != 0
	case content.Null:
		return s.types&typeNull != 0
	}
	return false
}

func isInteger(literal string, exact bool) bool {
	plain := true
	for i := range len(literal) {
		if c := literal[i]; (c < '0' || c > '9') && (c != '-' || i > 0) {
			plain = false
			break
		}
	}
	if plain || exact {
		return plain
	}
	d, ok := parseDecimal(literal)
	return ok && d.isInteger()
}
