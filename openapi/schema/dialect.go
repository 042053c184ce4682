package schema

import "strings"

// A Dialect is the vocabulary in which a schema without its own $schema is written.
type Dialect uint8

// The dialects. OpenAPI30 is draft 4 with nullable and discriminator, read as its authors mean it: nullable admits null
// whatever else the schema says, and 1.0 is an integer. OpenAPI31 is 2020-12 with discriminator, and serves 3.2 too.
const (
	Draft4 Dialect = iota
	Draft6
	Draft7
	Draft2019
	Draft2020
	OpenAPI30
	OpenAPI31
)

// draft is the draft of JSON Schema that a dialect is made from.
func (d Dialect) draft() int {
	switch d {
	case Draft4, OpenAPI30:
		return 4
	case Draft6:
		return 6
	case Draft7:
		return 7
	case Draft2019:
		return 2019
	}
	return 2020
}

func (d Dialect) openAPI() bool { return d == OpenAPI30 || d == OpenAPI31 }

// refAlone reports whether $ref hides the keywords beside it.
func (d Dialect) refAlone() bool { return d.draft() < 2019 }

// idKeyword is the keyword that identifies a schema, "" where there is none.
func (d Dialect) idKeyword() string {
	switch {
	case d == OpenAPI30:
		return ""
	case d == Draft4:
		return "id"
	}
	return "$id"
}

var dialects = map[string]Dialect{
	"http://json-schema.org/schema":                  Draft2020,
	"http://json-schema.org/draft-04/schema":         Draft4,
	"http://json-schema.org/draft-06/schema":         Draft6,
	"http://json-schema.org/draft-07/schema":         Draft7,
	"https://json-schema.org/draft/2019-09/schema":   Draft2019,
	"https://json-schema.org/draft/2020-12/schema":   Draft2020,
	"https://spec.openapis.org/oas/3.1/dialect/base": OpenAPI31,
}

// dialectNamed finds the dialect of a $schema or jsonSchemaDialect.
func dialectNamed(uri string) (Dialect, bool) {
	uri = strings.TrimSuffix(uri, "#")
	if d, ok := dialects[uri]; ok {
		return d, true
	}
	// The dialects of OpenAPI 3.1 and 3.2 are dated.
	if strings.HasPrefix(uri, "https://spec.openapis.org/oas/3.") && strings.Contains(uri, "/dialect/") {
		return OpenAPI31, true
	}
	if rest, ok := strings.CutPrefix(uri, "https://json-schema.org/draft-0"); ok {
		d, ok := dialects["http://json-schema.org/draft-0"+rest]
		return d, ok
	}
	return 0, false
}

// subschemas is where schemas stand within a schema.
var subschemas = struct{ single, list, named []string }{
	single: []string{"additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"},
	list:   []string{"allOf", "anyOf", "oneOf", "prefixItems", "items"},
	named:  []string{"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"},
}
