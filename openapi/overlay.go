package openapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi/schema"
)

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
		where, rest := splitPlace(path)
		switch where {
		case "path", "query", "header", "cookie":
			b.paramProperty(op, path, where, rest, all[path])
		case "body":
			request[rest] = all[path]
		case "response":
			response[rest] = all[path]
		default:
			b.fail(op.place, "config.property", "path.id, query.q, header.x-tenant, cookie.c, body.email, response.items[*].email, response[*].email", "%s: %q does not begin with path, query, header, cookie, body or response", op.Key, path)
		}
	}
	b.bodyProperties(op, request)
	b.responseProperties(op, response)
}

// splitPlace splits "response.items[*].email" behind the place. Of a body that is an array itself, the elements are
// response[*].email or response.[*].email.
func splitPlace(path string) (where, rest string) {
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end], strings.TrimPrefix(path[end:], ".")
	}
	return path, ""
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
	b.overlaySchemas(op, schemasOf(nil, op.Body.Content), x, "request body")
}

func (b *builder) responseProperties(op *Operation, x map[string]config.Property) {
	if len(x) == 0 {
		return
	}
	var schemas []**schema.Schema
	for _, r := range op.Responses {
		if r.Status[0] == '2' || (r.Status == "default" && len(op.Responses) == 1) {
			schemas = schemasOf(schemas, r.Content)
		}
	}
	b.overlaySchemas(op, schemas, x, "successful response")
}

// schemasOf appends the places of the schemas of media types.
func schemasOf(list []**schema.Schema, content []MediaType) []**schema.Schema {
	for i := range content {
		if m := &content[i]; m.Schema != nil {
			list = append(list, &m.Schema)
		}
	}
	return list
}

// overlaySchemas lays each path over every schema that has it. One of them is enough: an XML and a JSON schema of one
// operation, or the schemas of 200 and 202, need not have the same properties.
func (b *builder) overlaySchemas(op *Operation, schemas []**schema.Schema, x map[string]config.Property, what string) {
	if len(schemas) == 0 {
		b.fail(op.place, "config.property", "", "%s declares no %s with a schema, but properties of it are named", op.Key, what)
		return
	}
	fitting := make([]map[string]config.Property, len(schemas))
	for _, path := range slices.Sorted(maps.Keys(x)) {
		one := map[string]config.Property{path: x[path]}
		var missing error
		found := false
		for i, s := range schemas {
			if _, err := (*s).Overlay(one); err != nil {
				missing = err
				continue
			}
			if fitting[i] == nil {
				fitting[i] = map[string]config.Property{}
			}
			fitting[i][path], found = x[path], true
		}
		if !found {
			b.fail(op.place, "config.property", "", "%s: %s", op.Key, missing)
		}
	}
	for i, s := range schemas {
		if fitting[i] != nil {
			over, err := (*s).Overlay(fitting[i])
			if err != nil {
				b.fail(op.place, "config.property", "", "%s: %s", op.Key, err)
				continue
			}
			*s = over
		}
	}
}

// near suggests what may have been meant.
func near(got string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	best, least := "", len(got)/3+2
	for _, k := range known {
		if d := config.Distance(strings.ToLower(got), strings.ToLower(k)); d < least {
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
