package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// objectKeys are the fields of OpenAPI's objects, those of all versions together: what a version does not know yet is told
// where it is read.
var objectKeys = func() map[string][]string {
	m := map[string][]string{}
	for what, list := range map[string]string{
		"the document":   "openapi info jsonSchemaDialect servers paths webhooks components security tags externalDocs $self",
		"a path item":    "$ref summary description servers parameters additionalOperations " + strings.Join(fixedMethods, " "),
		"an operation":   "$ref tags summary description externalDocs operationId parameters requestBody responses callbacks deprecated security servers",
		"a request body": "$ref description content required",
		"a response":     "$ref summary description headers content links",
		"a media type":   "$ref schema itemSchema example examples encoding prefixEncoding itemEncoding",
	} {
		m[what] = strings.Fields(list)
	}
	return m
}()

// keys warns of members that an object of OpenAPI does not have: gett, schma, response. What they were meant to say is not
// there.
func (b *builder) keys(c cursor, what string) {
	if known := objectKeys[what]; known != nil {
		b.unknownKeys(c, what, known...)
	}
}

// unknownKeys warns of members that OpenAPI does not know, which are typing errors more often than not.
func (b *builder) unknownKeys(c cursor, what string, known ...string) {
	m, _ := c.v.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasPrefix(key, "x-") && !slices.Contains(known, key) {
			b.warn(c.below(key), "spec.unknown_key", nearest(key, known), "%s is not a key of %s; it has no effect", key, what)
		}
	}
}

// nearest is a hint with the key that was probably meant, or "".
func nearest(key string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if len(key) > 40 || len(k) <= 2 {
			continue
		}
		if d := config.Distance(key, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}
