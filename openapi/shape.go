package openapi

import (
	"slices"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi/schema"
)

// A shape is what a schema says about the form of a value that arrives as text: which readings are possible at all.
type shape struct {
	text, number, integer, boolean bool
	array, object                  bool
	loose                          bool // no type is demanded: text stays text as long as the schema accepts it
	items                          *shape
	props                          map[string]*shape
	markup                         markup
	extra                          *shape // members without a name of their own; nil: there are none
	// try holds the schema where more than one reading is possible: the first that the schema accepts is taken.
	try *schema.Schema
}

// anyText is the shape of a value without a schema.
var anyText = &shape{text: true}

func (s *shape) scalar() bool { return s.text || s.number || s.integer || s.boolean }

// shaper builds shapes, each schema once; schemas may be recursive.
type shaper map[string]*shape

// maxProps bounds how many property shapes are computed ahead for one operation's parameters.
const maxProps = 10_000

func (m shaper) shape(s *schema.Schema) *shape {
	if s == nil || len(m) > maxProps {
		return anyText
	}
	at := s.Location()
	if known := m[at]; known != nil {
		return known
	}
	sh := &shape{}
	m[at] = sh
	info := s.Info()
	types := s.Types()
	sh.fill(types, info)
	if types == nil && len(s.Properties()) > 0 {
		sh.object = true
	}
	if sh.array {
		sh.items = m.shape(s.Items())
		sh.markup.list(s, info)
	}
	if sh.object {
		m.members(s, sh, info)
	}
	readings := 0
	for _, possible := range []bool{sh.text, sh.number || sh.integer, sh.boolean, sh.array, sh.object} {
		if possible {
			readings++
		}
	}
	if readings > 1 {
		sh.try = s
	}
	return sh
}

func (sh *shape) fill(types []string, info schema.Info) {
	if types == nil { // any: text, unless the schema says otherwise
		sh.text, sh.number, sh.boolean, sh.loose = true, true, true, true
		sh.array, sh.object = info.MaxItems != nil || info.MinItems != nil, false
		return
	}
	sh.text = slices.Contains(types, "string")
	sh.number = slices.Contains(types, "number")
	sh.integer = slices.Contains(types, "integer")
	sh.boolean = slices.Contains(types, "boolean")
	sh.array = slices.Contains(types, "array")
	sh.object = slices.Contains(types, "object")
}

func (m shaper) members(s *schema.Schema, sh *shape, info schema.Info) {
	props := s.Properties()
	sh.props = make(map[string]*shape, len(props))
	for _, p := range props {
		sh.props[p.Name] = m.shape(p.Schema)
	}
	sh.markup.object(props)
	for _, alternative := range info.Alternatives {
		other := m.shape(alternative)
		for name, p := range other.props {
			if sh.props[name] == nil {
				sh.props[name] = p
			}
		}
		sh.markup.add(other.markup)
		if sh.extra == nil {
			sh.extra = other.extra
		}
	}
	switch {
	case info.AdditionalSchema != nil:
		sh.extra = m.shape(info.AdditionalSchema)
	case info.Additional == schema.Open, info.Additional == schema.Silent && len(props) == 0 && len(info.Alternatives) == 0:
		sh.extra = anyText
	}
}

// member is the shape of a named member; nil when the schema does not know it.
func (s *shape) member(name string) *shape {
	if p := s.props[name]; p != nil {
		return p
	}
	return s.extra
}

// node types text by the shape. Text that fits none of the types stays a String, which validation then refuses.
func (s *shape) node(name, text string) content.Node {
	n := content.Node{Kind: content.String, Name: name, Text: text}
	k := s.literal(text)
	if k == content.String || (s.loose && s.fits(n)) {
		return n
	}
	n.Kind = k
	if s.try != nil && s.text && !s.fits(n) {
		n.Kind = content.String
	}
	return n
}

// fits takes a copy, so that the node stays off the heap where nothing has to be tried.
func (s *shape) fits(n content.Node) bool { return s.try.Evaluate(&n, schema.Request).Valid() }

// literal is the kind that text has as a JSON literal, as far as the shape allows one. Where only whole numbers are
// meant, 1.0 and 1e3 are text: servers disagree about them.
func (s *shape) literal(text string) content.Kind {
	switch {
	case s.boolean && (text == "true" || text == "false"):
		return content.Bool
	case s.number && isNumber(text), s.integer && isInteger(text):
		return content.Number
	}
	return content.String
}

// maxNumber bounds the length of a number in a parameter; more digits than that mean nothing to anybody.
const maxNumber = 40

func isInteger(text string) bool {
	rest := digits(sign(text))
	return rest == "" && bounded(text)
}

// isNumber is the number of RFC 8259 section 6, with an exponent of at most three digits.
func isNumber(text string) bool {
	if !bounded(text) {
		return false
	}
	rest := digits(sign(text))
	if len(rest) > 1 && rest[0] == '.' {
		after := skipDigits(rest[1:])
		if len(after) == len(rest)-1 {
			return false
		}
		rest = after
	}
	if len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest[0] == '+' || rest[0] == '-' {
			rest = rest[1:]
		}
		return rest != "" && len(rest) <= 3 && skipDigits(rest) == ""
	}
	return rest == ""
}

func bounded(text string) bool { return text != "" && len(text) <= maxNumber }

func sign(text string) string {
	if len(text) > 1 && text[0] == '-' {
		return text[1:]
	}
	return text
}

// digits skips an integer without leading zeros; where there is none, it returns something that cannot end a number.
func digits(text string) string {
	rest := skipDigits(text)
	n := len(text) - len(rest)
	if n == 0 || (n > 1 && text[0] == '0') {
		return "?"
	}
	return rest
}

func skipDigits(text string) string {
	i := 0
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	return text[i:]
}
