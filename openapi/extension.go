package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	ext, _ := c.get(extensionKey)
	at := c.src.origin(ext.ptr)
	n, base, err := at.src.node(at.ptr)
	if err != nil || c.src.patched(ext.ptr) {
		return b.extensionValue(ext, into)
	}
	for _, p := range config.DecodeNode(at.src.name, n, into) {
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

// extensionValue decodes an x-sallyport that stands nowhere as a whole: by a YAML alias, or in parts by an overlay. Problems
// have the place of all of it.
func (b *builder) extensionValue(c cursor, into any) bool {
	text, err := json.Marshal(c.v)
	file, err2 := parser.ParseBytes(text, 0)
	if err != nil || err2 != nil || len(file.Docs) != 1 {
		b.fail(c.place, "spec.extension", "", "x-sallyport cannot be read")
		return false
	}
	for _, p := range config.DecodeNode(c.src.name, file.Docs[0].Body, into) {
		b.add(c.place, p.Severity, p.Rule, p.Hint, "%s", inExtension(p.Message))
	}
	return true
}

// inExtension names what the config's decoder takes for the config.
func inExtension(message string) string {
	return strings.Replace(message, "of the config", "of "+extensionKey+" here", 1)
}

// misplaced reports x-sallyport where it has no meaning, as whoever wrote it expects a protection, and keys that the
// object does not have.
func (b *builder) misplaced(c cursor, what string) {
	b.keys(c, what)
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
