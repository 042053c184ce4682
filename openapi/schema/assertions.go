package schema

import (
	"encoding/json"
	"fmt"
	"sort"
)

// assertions compiles the keywords that judge by themselves.
func (b *builder) assertions() {
	b.types()
	b.values()
	b.numbers()
	b.texts()
	b.sizes()
	b.required()
}

func (b *builder) types() {
	switch t := b.m["type"].(type) {
	case nil:
		return
	case string:
		b.addType(t)
	case []any:
		for _, v := range t {
			s, _ := v.(string)
			b.addType(s)
		}
	default:
		b.malformed("type", "the name of a type or an array of them")
	}
	b.n.exact = b.d == Draft4
	b.n.nullable = b.d == OpenAPI30 && b.flag("nullable")
}

func (b *builder) addType(name string) {
	t := typeNamed(name)
	if t == 0 {
		b.c.unsupported(b.at, "type", fmt.Sprintf("there is no type %q", name))
	}
	b.n.types |= t
}

func (b *builder) values() {
	if v, ok := b.m["enum"]; ok {
		if list, ok := v.([]any); ok {
			b.n.enum = newValueSet(list)
		} else {
			b.malformed("enum", "an array")
		}
	}
	if v, ok := b.m["const"]; ok && b.draft >= 6 {
		b.n.constant = newValueSet([]any{v})
	}
	if b.d == OpenAPI30 {
		b.n.nullable = b.flag("nullable")
	}
}

func (b *builder) decimal(keyword string) (*decimal, string) {
	v, present := b.m[keyword]
	if !present {
		return nil, ""
	}
	literal, _ := v.(json.Number)
	d, ok := parseDecimal(string(literal))
	if !ok {
		b.malformed(keyword, "a number")
		return nil, ""
	}
	return &d, string(literal)
}

func (b *builder) numbers() {
	r := &b.number
	r.minimum, r.written.minimum = b.decimal("minimum")
	r.maximum, r.written.maximum = b.decimal("maximum")
	if b.draft == 4 {
		r.exclusiveMinimum, r.exclusiveMaximum = b.flag("exclusiveMinimum"), b.flag("exclusiveMaximum")
	} else {
		if d, w := b.decimal("exclusiveMinimum"); d != nil && (r.minimum == nil || d.compare(*r.minimum) >= 0) {
			r.minimum, r.written.minimum, r.exclusiveMinimum = d, w, true
		}
		if d, w := b.decimal("exclusiveMaximum"); d != nil && (r.maximum == nil || d.compare(*r.maximum) <= 0) {
			r.maximum, r.written.maximum, r.exclusiveMaximum = d, w, true
		}
	}
	if r.multipleOf, r.written.multipleOf = b.decimal("multipleOf"); r.multipleOf != nil && (r.multipleOf.isZero() || r.multipleOf.negative) {
		b.malformed("multipleOf", "a number above zero")
		r.multipleOf = nil
	}
	if r.minimum != nil || r.maximum != nil || r.multipleOf != nil {
		b.n.number = r
	}
}

func (b *builder) texts() {
	r := &b.text
	r.minLength, r.maxLength = b.count("minLength"), b.count("maxLength")
	if v, present := b.m["pattern"]; present {
		if s, ok := v.(string); ok {
			r.pattern = b.pattern("pattern", s)
		} else {
			b.malformed("pattern", "a string")
		}
	}
	if r.minLength > 0 || r.maxLength >= 0 || r.pattern != nil {
		b.n.text = r
	}
}

func (b *builder) sizes() {
	a, o := &b.array, &b.object
	a.minItems, a.maxItems, a.unique = b.count("minItems"), b.count("maxItems"), b.flag("uniqueItems")
	if b.draft >= 2019 && a.contains != nil {
		if n := b.count("minContains"); n >= 0 {
			a.minContains = n
		}
		a.maxContains = b.count("maxContains")
	}
	if a.minItems > 0 || a.maxItems >= 0 || a.unique {
		b.n.array = a
	}
	o.minimum, o.maximum = b.count("minProperties"), b.count("maxProperties")
	if o.minimum > 0 || o.maximum >= 0 {
		b.n.object = o
	}
}

// required compiles required and dependentRequired, and closes the table of members.
func (b *builder) required() {
	o := &b.object
	var names []string
	if v, present := b.m["required"]; present {
		names = b.strings("required", v)
	}
	for _, keyword := range []string{"dependentRequired", "dependencies"} {
		if keyword == "dependentRequired" && b.draft < 2019 {
			continue
		}
		m, keys := b.members(keyword)
		for _, k := range keys {
			if list, ok := m[k].([]any); ok {
				o.needs = append(o.needs, need{k, b.strings(keyword, list)})
			}
		}
	}
	if len(names) > 0 || o.needs != nil {
		b.n.object = o
	}
	o.require(names)
}

// require adds the required names to the members and gives each a bit, as far as there are bits.
func (o *objectRules) require(names []string) {
	at := map[string]int{}
	for i := range o.members {
		at[o.members[i].name] = i
	}
	for _, name := range names {
		i, ok := at[name]
		if !ok {
			i = len(o.members)
			at[name] = i
			o.members = append(o.members, memberRule{name: name})
		}
		o.members[i].must = true
	}
	sort.SliceStable(o.members, func(i, j int) bool { return o.members[i].name < o.members[j].name })
	next := uint64(1)
	for i := range o.members {
		m := &o.members[i]
		if !m.must {
			continue
		}
		if next == 0 {
			o.more = append(o.more, m.name)
			continue
		}
		m.bit, next = next, next<<1
	}
	o.seal()
}

// seal makes the index of the members where there are many.
func (o *objectRules) seal() {
	if len(o.members) <= scanLimit {
		return
	}
	o.index = make(map[string]int32, len(o.members))
	for i := range o.members {
		o.index[o.members[i].name] = int32(i)
	}
}

// format compiles format, where it is asserted.
func (b *builder) format() {
	on := b.c.formats
	if f := b.at.home.formats; f != nil {
		on = *f
	}
	if !on || b.n.format == "" {
		return
	}
	f := textFormats[b.n.format]
	if b.n.format == "hostname" && b.draft < 7 {
		f = isOldHostname
	}
	if f != nil {
		if b.n.text == nil {
			b.text = textRules{minLength: -1, maxLength: -1}
			b.n.text = &b.text
		}
		b.text.format = f
	}
	if f := numberFormats[b.n.format]; f != nil {
		b.number.format = f
		b.n.number = &b.number
	}
}
