package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// spec.go puts into words what the spec says of one operation: parameters, bodies and answers, each field with what it
// must be.

// specPart is one of them.
type specPart struct {
	Title  string // "Body, application/json"
	Note   string // "required"
	Fields []specField
	Any    bool // the spec says nothing of it
}

// specField is one value, with those within it after it.
type specField struct {
	Part     string // for exports: that of its part
	Name     string // "id"; "[]" for the elements of a list; "or 1" for an alternative; "" for the whole
	Path     string // "/items/[]/id"
	Depth    int
	Type     string
	Required bool
	Rules    []string // "at most 40 characters"
	Marks    []string // what x-sallyport and readOnly say
}

// Indent is how far a field stands from the edge; deeper ones stand no further.
func (f specField) Indent() int { return min(f.Depth, 6) }

// Bounds of what is shown: schemas refer to themselves.
const (
	deepestField = 8
	mostFields   = 400
	mostValues   = 12
)

// specOf are the parts of an operation.
func specOf(op *openapi.Operation) (parts []specPart) {
	if len(op.Params) > 0 {
		p := specPart{Title: "Parameters"}
		for _, x := range op.Params {
			p.Fields = append(p.Fields, paramField(x)...)
		}
		parts = append(parts, p)
	}
	if op.Body != nil {
		note := ""
		if op.Body.Required {
			note = "required"
		}
		for _, m := range op.Body.Content {
			parts = append(parts, mediaPart("Body", note, m))
		}
	}
	for _, r := range op.Responses {
		if len(r.Content) == 0 {
			parts = append(parts, specPart{Title: "Answer " + r.Status, Note: "without a body"})
		}
		for _, m := range r.Content {
			parts = append(parts, mediaPart("Answer "+r.Status, "", m))
		}
		if len(r.Headers) > 0 {
			p := specPart{Title: "Answer " + r.Status + ", header"}
			for _, x := range r.Headers {
				p.Fields = append(p.Fields, paramField(x)...)
			}
			parts = append(parts, p)
		}
	}
	for i := range parts {
		for j := range parts[i].Fields {
			parts[i].Fields[j].Part = parts[i].Title
		}
	}
	return parts
}

func mediaPart(title, note string, m openapi.MediaType) specPart {
	p := specPart{Title: title + ", " + m.Range, Note: note}
	if m.Schema == nil {
		p.Any = true
		return p
	}
	w := walker{}
	w.visit(m.Schema, specField{})
	p.Fields = w.fields
	return p
}

func paramField(x *openapi.Param) []specField {
	f := specField{Name: x.Name, Required: x.Required, Path: x.In + "." + x.Name, Marks: []string{"in " + x.In}}
	if x.Media != "" {
		f.Marks = append(f.Marks, x.Media)
	}
	if x.Property.Kind != "" {
		f.Marks = append(f.Marks, "kind "+x.Property.Kind)
	}
	if x.Property.Owner != "" {
		f.Marks = append(f.Marks, "owner "+x.Property.Owner)
	}
	w := walker{kinds: x.Property.Kind != ""}
	if x.Schema == nil {
		f.Type = "any"
		return []specField{f}
	}
	w.visit(x.Schema, f)
	return w.fields
}

// walker goes through a schema, and not twice into what contains itself.
type walker struct {
	fields []specField
	within []string // locations of the schemas around
	kinds  bool     // the kind is told already
}

func (w *walker) visit(s *schema.Schema, f specField) {
	if len(w.fields) >= mostFields {
		return
	}
	info := s.Info()
	f.Type = typeOf(s, info)
	f.Rules = append(f.Rules, rulesOf(info)...)
	f.Marks = append(f.Marks, w.marksOf(info)...)
	at := s.Location()
	again := slices.Contains(w.within, at)
	if again {
		f.Rules = append(f.Rules, "as above, again")
	}
	w.fields = append(w.fields, f)
	if again || f.Depth >= deepestField {
		return
	}
	w.within = append(w.within, at)
	defer func() { w.within = w.within[:len(w.within)-1] }()
	for _, p := range s.Properties() {
		w.visit(p.Schema, f.child(p.Name, p.Required))
	}
	for i, item := range s.Prefix() {
		w.visit(item, f.child(fmt.Sprintf("[%d]", i), false))
	}
	if items := s.Items(); items != nil {
		w.visit(items, f.child("[]", false))
	}
	for i, branch := range info.Alternatives {
		w.visit(branch, f.child(fmt.Sprintf("or %d", i+1), false))
	}
	if info.AdditionalSchema != nil {
		w.visit(info.AdditionalSchema, f.child("any other name", false))
	}
}

func (f specField) child(name string, required bool) specField {
	return specField{Name: name, Path: f.Path + "/" + name, Depth: f.Depth + 1, Required: required}
}

func typeOf(s *schema.Schema, info schema.Info) string {
	types := s.Types()
	if info.Nullable && len(types) > 0 && !slices.Contains(types, "null") {
		types = append(types, "null")
	}
	text := strings.Join(types, " or ")
	if text == "" {
		text = "any"
	}
	if info.Format != "" {
		text += ", " + info.Format
	}
	return text
}

// rulesOf are the bounds of a value in words.
func rulesOf(i schema.Info) (rules []string) {
	add := func(format string, args ...any) { rules = append(rules, fmt.Sprintf(format, args...)) }
	if len(i.Enum) > 0 {
		var values []string
		for _, v := range first(i.Enum, mostValues) {
			values = append(values, literal(v))
		}
		more := ""
		if n := len(i.Enum) - mostValues; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		add("one of %s%s", strings.Join(values, ", "), more)
	}
	span := func(least, most *int, what string) {
		switch {
		case least != nil && most != nil && *least == *most:
			add("%d %s", *least, plural(*least, what))
		case least != nil && most != nil:
			add("%d to %d %s", *least, *most, what)
		case least != nil && *least > 0:
			add("at least %d %s", *least, plural(*least, what))
		case most != nil:
			add("at most %d %s", *most, plural(*most, what))
		}
	}
	span(i.MinLength, i.MaxLength, "characters")
	span(i.MinItems, i.MaxItems, "elements")
	span(i.MinProperties, i.MaxProperties, "members")
	switch {
	case i.Minimum != "" && i.Maximum != "":
		add("from %s to %s", i.Minimum, i.Maximum)
	case i.Minimum != "":
		add("from %s", i.Minimum)
	case i.Maximum != "":
		add("up to %s", i.Maximum)
	}
	if i.Pattern != "" {
		add("matches %s", i.Pattern)
	}
	if i.UniqueItems {
		add("no element twice")
	}
	switch i.Additional {
	case schema.Closed:
		add("no other members")
	case schema.Open:
		add("other members, too")
	}
	return rules
}

// plural is the word for n of something, of which what is the word for many.
func plural(n int, what string) string {
	if n == 1 {
		return strings.TrimSuffix(what, "s")
	}
	return what
}

// literal is a value as JSON writes it, for people.
func literal(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // it came from JSON or YAML
	return strings.TrimSpace(b.String())
}

// marksOf are what is said of a value besides its form.
func (w *walker) marksOf(i schema.Info) (marks []string) {
	add := func(on bool, mark string) {
		if on && !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	add(i.ReadOnly, "read only")
	add(i.WriteOnly, "write only")
	add(i.Deprecated, "deprecated")
	for _, a := range i.Annotations {
		add(a.Kind != "" && !w.kinds, "kind "+a.Kind)
		add(a.Owner != "", "owner "+a.Owner)
		add(len(a.VisibleTo) > 0, "visible to "+strings.Join(a.VisibleTo, ", "))
		add(a.Mask != "", "mask "+a.Mask)
	}
	w.kinds = false
	return marks
}

// specColumns are for exports; the order of fields is their structure.
var specColumns = []column[specField]{
	{Name: "part", Cell: func(f specField) any { return f.Part }, Plain: true},
	{Name: "field", Cell: func(f specField) any { return f.Path }, Plain: true},
	{Name: "type", Cell: func(f specField) any { return f.Type }, Plain: true},
	{Name: "required", Cell: func(f specField) any { return f.Required }, Plain: true},
	{Name: "rules", Cell: func(f specField) any { return strings.Join(f.Rules, "; ") }, Plain: true},
	{Name: "marks", Cell: func(f specField) any { return strings.Join(f.Marks, "; ") }, Plain: true},
}
