package openapi

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/openapi/schema"
)

func unboundedArray(l *linter, s subject) {
	if !s.response && s.is("array") && s.info.MaxItems == nil {
		l.warn(s.place, "spec.unbounded_array", "maxItems: 100", "an array without maxItems: its length is the client's choice (API4)")
	}
}

func unboundedString(l *linter, s subject) {
	i := s.info
	if !s.response && s.is("string") && i.MaxLength == nil && i.Enum == nil && i.Format == "" && i.Pattern == "" && len(i.Alternatives) == 0 {
		l.warn(s.place, "spec.unbounded_string", "maxLength, pattern, format or enum", "a text without bounds: its length and content are the client's choice (API4)")
	}
}

func unboundedNumber(l *linter, s subject) {
	i := s.info
	if !s.response && (s.is("integer") || s.is("number")) && (i.Minimum == "" || i.Maximum == "") && i.Enum == nil && i.Format != "int32" && i.Format != "int64" && len(i.Alternatives) == 0 {
		l.note(s.place, "spec.unbounded_number", "minimum and maximum", "a number without bounds")
	}
}

func openObject(l *linter, s subject) {
	if !s.response && s.info.Additional == schema.Open && s.info.AdditionalSchema == nil && len(s.schema.Properties()) > 0 {
		l.warn(s.place.below("additionalProperties"), "spec.open_object", "leave it out: objects that name properties are closed", "the object takes any further property (API3, mass assignment)")
	}
}

func shapelessObject(l *linter, s subject) {
	i := s.info
	if !s.response && s.is("object") && len(s.types) == 1 && len(s.schema.Properties()) == 0 && len(i.Alternatives) == 0 && i.AdditionalSchema == nil && i.Additional != schema.Closed {
		l.warn(s.place, "spec.shapeless_object", "name its properties", "an object without properties takes anything (API3)")
	}
}

func looseAnchors(l *linter, s subject) {
	p := s.info.Pattern
	if s.response || p == "" || (strings.HasPrefix(p, "^") && strings.HasSuffix(p, "$")) || strings.HasPrefix(p, `\A`) {
		return
	}
	l.warn(s.place.below("pattern"), "spec.unanchored_pattern", "^…$", "the pattern is not anchored: it is enough that a part of the text fits")
}

// property places a finding at the property's name.
func (s subject) property(name string) place { return s.place.below("properties").below(name) }

// kinds reports whether some annotation of a schema says what it means.
func kinds(s *schema.Schema) bool {
	return slices.ContainsFunc(s.Info().Annotations, func(a *schema.Annotations) bool {
		return a.Kind != "" || a.VisibleTo != nil || a.Mask != ""
	})
}

func urlProperty(l *linter, s subject) {
	if s.response || !s.is("object") {
		return
	}
	for _, p := range s.schema.Properties() {
		if urlWords.MatchString(p.Name) && slices.Contains(p.Schema.Types(), "string") && p.Schema.Info().Format == "" && !kinds(p.Schema) && !l.covered[p.Name] {
			l.warn(s.property(p.Name), "spec.url_field", "format: uri, or x-sallyport: { kind: url }", "%s looks like a URL; without format or kind it is not checked for inside addresses (API7)", p.Name)
		}
	}
}

var personalWords = words("email|e_mail|emailaddress|phone|phone_number|phonenumber|mobile|ssn|social_security_number|iban|pan|card_number|cardnumber|passport|tax_id|taxid|birthdate|birth_date|birthday|date_of_birth|dateofbirth|dob|password|password_hash|passwordhash|salt|secret|cvv|cvc")

func personalData(l *linter, s subject) {
	if !s.response || !s.is("object") {
		return
	}
	for _, p := range s.schema.Properties() {
		if !personalWords.MatchString(p.Name) || kinds(p.Schema) || l.covered[p.Name] {
			continue
		}
		if types := p.Schema.Types(); types != nil && !slices.Contains(types, "string") && !slices.Contains(types, "number") && !slices.Contains(types, "integer") {
			continue
		}
		l.note(s.property(p.Name), "spec.personal_data", "x-sallyport: { kind: … } masks it, visible_to hides it", "%s looks personal or secret, and nothing says who may see it (API3)", p.Name)
	}
}
