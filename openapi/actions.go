package openapi

import (
	"regexp"
	"slices"
	"strings"

	"github.com/theory/jsonpath"

	"github.com/sallyport/sallyport/config"
)

var overlayVersions = regexp.MustCompile(`^1\.[01]\.\d+$`)

// act lays an OpenAPI Overlay document (Overlay Specification 1.0 and 1.1) over the description, before anything else
// reads it. What it adds has its place in the overlay's file.
func (b *builder) act(file string) {
	data, err := readFile(file)
	if err != nil {
		b.placed = append(b.placed, config.Problem{File: file, Line: 1, Column: 1, Severity: config.Error, Rule: "overlay.unreadable", Message: "cannot read the overlay: " + err.Error()})
		return
	}
	src, problems := parseSource(fileURI(file), file, data)
	b.placed = append(b.placed, problems...)
	if src == nil {
		return
	}
	b.layers = append(b.layers, src)
	root := cursor{place{src, ""}, src.root}
	if !overlayVersions.MatchString(b.label(root, "overlay")) {
		b.fail(root.below("overlay"), "overlay.version", "overlay: 1.0.0", "this is not an OpenAPI Overlay document of version 1.0 or 1.1")
		return
	}
	b.unknownKeys(root, "an overlay", "overlay", "info", "extends", "actions")
	b.extends(root)
	actions := b.list(root, "actions")
	if len(actions) == 0 {
		b.fail(root.place, "overlay.actions", "actions: [ { target: $.paths, update: … } ]", "the overlay has no actions")
	}
	for _, action := range actions {
		b.action(action)
	}
}

// extends warns where the overlay says that it was written for another file.
func (b *builder) extends(root cursor) {
	if !root.has("extends") {
		return
	}
	uri, _, err := resolve(root.src.uri, b.text(root, "extends"))
	if err != nil || strings.HasPrefix(uri, "file:") && uri != b.main.uri {
		b.warn(root.below("extends"), "overlay.extends", "", "the overlay says that it is for another document than %s", b.main.name)
	}
}

// action removes what its target selects, or changes it. A misspelt key would be an action that does nothing.
func (b *builder) action(c cursor) {
	for _, m := range c.members() {
		if key := m.key(); !strings.HasPrefix(key, "x-") && !slices.Contains(actionKeys, key) {
			b.fail(m.place, "overlay.action", nearest(key, actionKeys), "%s is not a key of an action", key)
			return
		}
	}
	targets := b.selected(c, "target")
	switch remove := b.flag(c, "remove", false); {
	case len(targets) == 0:
		b.missed(c)
	case remove:
		slices.Reverse(targets) // of one list, the last one first
		for _, ptr := range targets {
			b.main.remove(ptr)
		}
	case c.has("update"):
		update, _ := c.get("update")
		b.update(c, targets, update)
	case c.has("copy"):
		if from := b.selected(c, "copy"); len(from) == 1 {
			v, _ := b.main.lookup(from[0])
			b.update(c, targets, cursor{b.main.origin(from[0]), clone(v)})
		} else {
			b.fail(c.below("copy"), "overlay.copy", "", "copy must select one value, not %d", len(from))
		}
	default:
		b.fail(c.place, "overlay.action", "update: …, or remove: true", "the action changes nothing")
	}
}

var actionKeys = []string{"target", "description", "update", "remove", "copy"}

// selected are the values that a JSONPath (RFC 9535) selects, as pointers in the order of the document.
func (b *builder) selected(c cursor, key string) []string {
	text := b.text(c, key)
	path, err := jsonpath.Parse(text)
	if err != nil {
		at := c.place
		if c.has(key) {
			at = c.below(key)
		}
		b.fail(at, "overlay.path", "$.paths['/orders/{id}'].get", "%s must be a JSONPath by RFC 9535: %s", key, err)
		return nil
	}
	list := path.SelectLocated(b.main.root).Deduplicate()
	list.Sort()
	ptrs := make([]string, len(list))
	for i, n := range list {
		ptrs[i] = n.Path.Pointer()
	}
	return ptrs
}

// missed reports an action whose target selects nothing. The specification lets that pass; where a protection was meant
// that would be missing, it is an error.
func (b *builder) missed(c cursor) {
	if b.broken(c.below("target")) {
		return
	}
	severity := config.Warning
	if protects(c.v) {
		severity = config.Error
	}
	b.add(c.below("target"), severity, "overlay.target", "", "%s selects nothing in %s", b.text(c, "target"), b.main.name)
}

// broken reports whether a value has been found wrong already.
func (b *builder) broken(p place) bool {
	return slices.ContainsFunc(b.findings.list, func(f finding) bool { return f.place == p })
}

// protects reports whether a value has x-sallyport or security anywhere in it.
func protects(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			if key == "x-sallyport" || key == "security" || protects(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, protects)
	}
	return false
}

// update lays a value over each target: objects are merged, lists get one element more, anything else is replaced.
func (b *builder) update(c cursor, targets []string, with cursor) {
	for _, ptr := range targets {
		under, ok := b.main.lookup(ptr)
		if !ok {
			continue // gone with what an earlier target replaced
		}
		switch u := under.(type) {
		case map[string]any:
			if _, ok := with.v.(map[string]any); !ok {
				b.fail(c.place, "overlay.update", "", "%s selects an object, and only an object can be merged into it", b.text(c, "target"))
				return
			}
			b.main.merge(ptr, u, with)
		case []any:
			b.main.append(ptr, u, with)
		default:
			b.main.graft(ptr, with)
		}
	}
}
