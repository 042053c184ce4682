package openapi

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/sallyport/sallyport/config"
)

const extensionKey = "x-sallyport"

// extension decodes the x-sallyport of c strictly into a config struct, with every problem at its place.
func (b *builder) extension(c cursor, into any) bool {
	if !c.has(extensionKey) {
		return false
	}
	n, base, err := c.src.node(c.below(extensionKey).ptr)
	if err != nil {
		b.fail(c.below(extensionKey), "spec.extension", "", "x-sallyport cannot be read: %s", err)
		return false
	}
	for _, p := range config.DecodeNode(c.src.name, n, into) {
		if base.Line > 0 { // positions are relative to the snippet
			if p.Line == 1 {
				p.Column += base.Column - 1
			}
			p.Line += base.Line - 1
		}
		p.Message = inExtension(p.Message)
		b.placed = append(b.placed, p)
	}
	return true
}

// inExtension names what the config's decoder takes for the config.
func inExtension(message string) string {
	return strings.Replace(message, "of the config", "of "+extensionKey+" here", 1)
}

// misplaced reports x-sallyport where it has no meaning: whoever wrote it expects a protection.
func (b *builder) misplaced(c cursor, what string) {
	if c.has(extensionKey) {
		b.fail(c.below(extensionKey), "spec.extension", "it belongs on an operation, a parameter or a schema property", "x-sallyport has no meaning on %s", what)
	}
}

// node returns the YAML node at a pointer. For JSON sources it is parsed anew from its bytes, and base is where those
// begin.
func (s *source) node(ptr string) (n ast.Node, base Position, err error) {
	root := &spot{}
	target := root.add(ptr)
	if s.yaml {
		root.walkYAML(s.nodes())
		if target.node == nil {
			return nil, base, fmt.Errorf("no value at %s", ptr)
		}
		return target.node, base, nil
	}
	d := newDecoder(s.data)
	if err := root.walkJSON(d, s.data); err != nil {
		return nil, base, err
	}
	base.Line, base.Column = lineColumn(s.data, target.value)
	// Tabs cannot occur within JSON strings, and between values YAML does not want them.
	text := bytes.ReplaceAll(s.data[target.value:target.end], []byte("\t"), []byte(" "))
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, base, fmt.Errorf("no value at %s", ptr)
	}
	return file.Docs[0].Body, base, nil
}

// overlayInto sets every field of dst that src sets; maps are merged key by key, everything else is replaced.
func overlayInto[T any](dst *T, src T) {
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src)
	for i := range s.NumField() {
		from, to := s.Field(i), d.Field(i)
		switch {
		case from.IsZero():
		case from.Kind() == reflect.Map && !to.IsZero():
			merged := reflect.MakeMap(from.Type())
			for _, m := range []reflect.Value{to, from} {
				for it := m.MapRange(); it.Next(); {
					merged.SetMapIndex(it.Key(), it.Value())
				}
			}
			to.Set(merged)
		default:
			to.Set(from)
		}
	}
}

// overlays merges the config's words about operations over the document's, and hands owner and properties to the
// parameters and schemas that they name.
func (b *builder) overlays() {
	byKey := map[string]*Operation{}
	for _, op := range b.doc.Operations {
		byKey[op.Key] = op
	}
	for _, key := range slices.Sorted(maps.Keys(b.options.Overlay)) {
		op := byKey[key]
		if op == nil {
			b.placed = append(b.placed, config.Problem{
				File: b.main.name, Line: 1, Column: 1, Severity: config.Error, Rule: "config.unknown_operation",
				Message: fmt.Sprintf("the config names the operation %q, which the spec does not have", key),
				Hint:    near(key, slices.Sorted(maps.Keys(byKey))),
			})
			continue
		}
		overlayInto(&op.Ext, b.options.Overlay[key])
	}
	for _, op := range b.doc.Operations {
		b.properties(op)
	}
}

// properties hands Ext.Owner and Ext.Properties to what they name.
func (b *builder) properties(op *Operation) {
	all := map[string]config.Property{}
	maps.Copy(all, op.Ext.Properties)
	for path, owner := range op.Ext.Owner {
		p := all[path]
		p.Owner = owner
		all[path] = p
	}
	request, response := map[string]config.Property{}, map[string]config.Property{}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		where, rest, _ := strings.Cut(path, ".")
		switch where {
		case "path", "query", "header", "cookie":
			b.paramProperty(op, path, where, rest, all[path])
		case "body":
			request[rest] = all[path]
		case "response":
			response[rest] = all[path]
		default:
			b.fail(op.place, "config.property", "path.id, query.q, header.x-tenant, cookie.c, body.email, response.items[*].email", "%s: %q does not begin with path, query, header, cookie, body or response", op.Key, path)
		}
	}
	b.bodyProperties(op, request)
	b.responseProperties(op, response)
}

func (b *builder) paramProperty(op *Operation, path, in, name string, x config.Property) {
	var names []string
	for _, p := range op.Params {
		if p.In != in {
			continue
		}
		if p.Name == name || (in == "header" && strings.EqualFold(p.Name, name)) {
			overlayInto(&p.Property.Property, x)
			return
		}
		names = append(names, in+"."+p.Name)
	}
	b.fail(op.place, "config.property", near(path, names), "%s has no parameter %s", op.Key, path)
}

func (b *builder) bodyProperties(op *Operation, x map[string]config.Property) {
	if len(x) == 0 {
		return
	}
	if op.Body == nil {
		b.fail(op.place, "config.property", "", "%s has no request body, but properties of it are named", op.Key)
		return
	}
	b.overlayContent(op, op.Body.Content, x)
}

func (b *builder) responseProperties(op *Operation, x map[string]config.Property) {
	if len(x) == 0 {
		return
	}
	applied := false
	for _, r := range op.Responses {
		if r.Status[0] == '2' || (r.Status == "default" && len(op.Responses) == 1) {
			applied = b.overlayContent(op, r.Content, x) || applied
		}
	}
	if !applied {
		b.fail(op.place, "config.property", "", "%s declares no successful response with a schema, but properties of it are named", op.Key)
	}
}

// overlayContent is true when a schema took the overlay.
func (b *builder) overlayContent(op *Operation, content []MediaType, x map[string]config.Property) bool {
	applied := false
	for i := range content {
		s := &content[i].Schema
		if *s == nil {
			s = &content[i].ItemSchema
		}
		if *s == nil {
			continue
		}
		over, err := (*s).Overlay(x)
		if err != nil {
			b.fail(op.place, "config.property", "", "%s: %s", op.Key, err)
			continue
		}
		*s, applied = over, true
	}
	return applied
}

// near suggests what may have been meant.
func near(got string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	best, least := "", len(got)/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(got), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	if len(known) > 12 {
		return fmt.Sprintf("there are %d, %s and %s among them", len(known), known[0], known[1])
	}
	return "known: " + strings.Join(known, ", ")
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
