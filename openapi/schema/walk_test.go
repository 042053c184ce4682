package schema

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// nearAndFar leads from one resource into the other, and back to an anchor that nothing refers to by name.
const nearAndFar = `{"$id":"http://a/near","$ref":"far","$defs":{
	"far":{"$id":"far","properties":{"a":{"type":"array","items":{"$dynamicRef":"#kind"}}},"$defs":{"k":{"$dynamicAnchor":"kind","type":"integer"}}},
	"k":{"$dynamicAnchor":"kind","properties":{"b":{"type":"string","format":"uri"}}}}}`

// What a schema may mark is found on every way to it, and nowhere else.
func TestMayMark(t *testing.T) {
	const inherited = `{"openapi":"3.2.0","components":{"schemas":{"Main":{"type":"object","discriminator":{"propertyName":"kind","mapping":{"cat":"Cat"},"defaultMapping":"Other"}},
		"Cat":{"allOf":[{"$ref":"#/components/schemas/Main"}]},"Other":{"properties":{"b":URL}}}}}`
	for name, c := range map[string]struct {
		dialect  Dialect
		schema   string
		instance string
	}{
		"here":                 {Draft2020, `URL`, `"x"`},
		"reference":            {Draft2020, `{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":URL}}`, `"x"`},
		"itself":               {Draft2020, `{"properties":{"a":{"$ref":"#"},"b":URL}}`, `{"a":{"a":{"b":"x"}}}`},
		"alternatives":         {Draft2020, `{"anyOf":[{"type":"integer"},{"oneOf":[{"type":"null"},URL]}]}`, `"x"`},
		"condition":            {Draft2020, `{"if":{"type":"integer"},"then":true,"else":URL}`, `"x"`},
		"dependent":            {Draft2020, `{"dependentSchemas":{"a":{"properties":{"b":URL}}}}`, `{"a":1,"b":"x"}`},
		"additional":           {Draft2020, `{"additionalProperties":URL}`, `{"b":"x"}`},
		"unevaluated":          {Draft2020, `{"unevaluatedProperties":{"unevaluatedItems":URL}}`, `{"b":["x"]}`},
		"pattern":              {Draft2020, `{"patternProperties":{"^b":URL}}`, `{"b":"x"}`},
		"elements":             {Draft2020, `{"prefixItems":[true,{"items":URL}]}`, `[1,["x"]]`},
		"by the way":           {Draft2020, nearAndFar, `{"a":[{"b":"x"}]}`},
		"by the way, of old":   {Draft2019, `{"$id":"http://a/near","$recursiveAnchor":true,"$ref":"far","properties":{"b":URL},"$defs":{"far":{"$id":"far","$recursiveAnchor":true,"properties":{"a":{"$recursiveRef":"#"}}}}}`, `{"a":{"b":"x"}}`},
		"discriminator":        {OpenAPI31, strings.Replace(inherited, `"cat":"Cat"`, `"cat":"Cat","other":"Other"`, 1), `{"kind":"other","b":"x"}`},
		"nothing else matches": {OpenAPI31, inherited, `{"kind":"dog","b":"x"}`},
	} {
		_, s := compileIn(t, c.dialect, strings.ReplaceAll(c.schema, "URL", `{"type":"string","format":"uri"}`))
		if got := s.Evaluate(tree(t, []byte(c.instance)), Request).Marked; len(got) != 1 || !got[0].Property.URL() {
			t.Fatalf("%s: the case marks %+v", name, got)
		}
		if !s.MayMark((*Annotations).URL) {
			t.Errorf("%s: not found", name)
		}
		if s.MayMark((*Annotations).Secret) {
			t.Errorf("%s: nothing is secret", name)
		}
	}
	_, s := compileIn(t, Draft2020, `{"properties":{"a":{"items":{"properties":{"b":{"type":"string"}}}}}}`)
	over, err := s.Overlay(map[string]config.Property{"a[*].b": {Kind: "url"}})
	if err != nil || !over.MayMark((*Annotations).URL) || over.MayMark((*Annotations).Secret) || s.MayMark((*Annotations).URL) {
		t.Errorf("the path of an overlay: %v", err)
	}
}
