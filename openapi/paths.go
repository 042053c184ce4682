package openapi

import (
	"slices"
	"strings"
)

// paths reads all operations of the document.
func (b *builder) paths() {
	root := cursor{place{b.main, ""}, b.main.root}
	paths, ok := b.object(root, "paths")
	if !ok {
		if !root.has("paths") {
			b.warn(root.place, "spec.no_paths", "webhooks and components alone describe nothing that a client can call", "the document has no paths")
		}
		return
	}
	for _, item := range paths.members() {
		template := item.key()
		if strings.HasPrefix(template, "x-") {
			continue
		}
		if !strings.HasPrefix(template, "/") {
			b.fail(item.place, "spec.path", "paths begin with a slash", "%q is not a path", template)
			continue
		}
		b.pathItem(item, template)
	}
}

// fixedMethods are the fields of a path item that are operations; query is new in 3.2.
var fixedMethods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

func (b *builder) pathItem(item cursor, template string) {
	at := item.place
	if m, ok := item.v.(map[string]any); ok && m["$ref"] != nil && len(m) > 1 && b.hasMethod(m) {
		b.fail(item.place, "spec.path_item_ref", "move the operations to one place", "the path item has a $ref and operations of its own; which of them count is undefined")
		return
	}
	item, ok := b.follow(item)
	if !ok {
		return
	}
	if strings.ContainsAny(template, "?#") {
		// Not an error: what cannot be matched is refused.
		b.warn(at, "spec.path", "declare query parameters instead", "%s has a query or a fragment, which paths do not have; its operations are left out", template)
		return
	}
	parts, err := parseTemplate(template)
	if err != nil {
		b.fail(at, "spec.path", "", "the path %s cannot be matched: %s", template, err)
		return
	}
	b.misplaced(item, "a path item")
	shared := b.paramList(item)
	for _, m := range b.methods(item) {
		b.operation(m.op, at, m.name, template, parts, shared, item)
	}
}

func (b *builder) hasMethod(m map[string]any) bool {
	return slices.ContainsFunc(fixedMethods, func(name string) bool { return m[name] != nil })
}

type method struct {
	name string
	op   cursor
}

// methods lists the operations of a path item.
func (b *builder) methods(item cursor) []method {
	var list []method
	for _, name := range fixedMethods {
		op, ok := item.get(name)
		if !ok {
			continue
		}
		if name == "query" && b.minor < 2 {
			b.warn(op.place, "spec.version", "openapi: 3.2.0", "query is a method since OpenAPI 3.2; it is ignored")
			continue
		}
		if name == "trace" {
			b.neverServed(op, "TRACE")
		}
		list = append(list, method{strings.ToUpper(name), op})
	}
	more, ok := b.object(item, "additionalOperations")
	if ok && b.minor < 2 {
		b.warn(more.place, "spec.version", "openapi: 3.2.0", "additionalOperations exist since OpenAPI 3.2; they are ignored")
		return list
	}
	for _, op := range more.members() {
		name := op.key()
		if !isToken(name) || slices.Contains(fixedMethods, strings.ToLower(name)) {
			b.fail(op.place, "spec.method", "methods with a field of their own are written there", "%q cannot be an additional operation", name)
			continue
		}
		if name == "CONNECT" {
			b.neverServed(op, name)
		}
		list = append(list, method{name, op})
	}
	return list
}

// neverServed warns of methods that the listener refuses whatever is declared.
func (b *builder) neverServed(c cursor, method string) {
	b.warn(c.place, "spec.method", "remove the operation", "%s cannot be judged and is never forwarded: the operation cannot be called", method)
}

func (b *builder) operation(c cursor, path place, method, template string, parts []segment, shared []*Param, item cursor) {
	c, ok := b.follow(c)
	if !ok {
		return
	}
	b.keys(c, "an operation")
	op := &Operation{
		Key: method + " " + template, Method: method, Path: template,
		ID: b.text(c, "operationId"), Deprecated: b.flag(c, "deprecated", false), Tags: b.texts(c, "tags"),
		segments: parts, place: c.place,
	}
	if op.ID == "" {
		op.ID = op.Key
	}
	b.orders[op] = &order{item: item}
	b.want(path, &b.orders[op].path)
	b.want(c.place, &b.orders[op].operation)
	b.want(c.place, &op.At)
	b.extension(c, &op.Ext)
	b.params(op, c, shared)
	b.security(op, c)
	if body, ok := c.get("requestBody"); ok {
		op.Body = b.requestBody(body)
	}
	b.responses(op, c)
	b.servers(c)
	b.servers(item)
	b.doc.Operations = append(b.doc.Operations, op)
}

// sortOperations brings operations into document order, once positions are known.
func (b *builder) sortOperations() {
	slices.SortStableFunc(b.doc.Operations, func(x, y *Operation) int {
		p, q := b.orders[x], b.orders[y]
		if c := p.path.compare(q.path); c != 0 {
			return c
		}
		return p.operation.compare(q.operation)
	})
}

func (p Position) compare(q Position) int {
	if c := strings.Compare(p.File, q.File); c != 0 {
		return c
	}
	if p.Line != q.Line {
		return p.Line - q.Line
	}
	return p.Column - q.Column
}

// uniqueIDs reports operation ids that are used twice: they name operations in logs and metrics.
func (b *builder) uniqueIDs() {
	seen := map[string]*Operation{}
	for _, op := range b.doc.Operations {
		if first := seen[op.ID]; first != nil {
			b.warn(op.place.below("operationId"), "spec.operation_id", "operation ids are unique within a document", "the operationId %s is taken by %s", op.ID, first.Key)
			op.ID = op.Key
			continue
		}
		seen[op.ID] = op
	}
}
