package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/expr"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// bindings are the owner bindings of a request body, or of the answers of an operation.
type bindings struct {
	// owners by source: a Mark carries the source, and annotations that the config lays over are made per message.
	owners map[string]*expr.Owner
	// named are the sources by the name of the property, for messages that do not fit their schema; see strays.
	named map[string][]string
	// media are the declared media types whose schema has bindings. Of the others there is nothing to judge.
	media map[*openapi.MediaType]bool
}

// concern reports whether a body of that declared media type has bound values. One of an undeclared type may.
func (b *bindings) concern(m *openapi.MediaType) bool { return m == nil || b.media[m] }

// compiler gathers the bindings of one side of an operation.
type compiler struct {
	bindings
	op    *openapi.Operation
	o     Options
	scope expr.Scope
	found int // bindings met so far
	errs  []error
}

func newCompiler(op *openapi.Operation, o Options, s expr.Scope) *compiler {
	s.Operation = op
	b := bindings{map[string]*expr.Owner{}, map[string][]string{}, map[*openapi.MediaType]bool{}}
	return &compiler{bindings: b, op: op, o: o, scope: s}
}

// add compiles an owner once. place is where it stands, for the error.
func (c *compiler) add(src, name, place string) {
	if src == "" {
		return
	}
	if _, known := c.owners[src]; !known {
		owner, err := expr.NewOwner(src, c.scope)
		if err != nil {
			c.errs = append(c.errs, fmt.Errorf("owner of %s: %w", place, err))
			return
		}
		if c.o.IdentityOff && owner.UsesPrincipal() {
			owner = nil // nobody is known: not judged
		}
		c.owners[src] = owner
	}
	if c.owners[src] == nil {
		return
	}
	c.found++
	if name != "" && !slices.Contains(c.named[name], src) {
		c.named[name] = append(c.named[name], src)
	}
}

// content adds what the schemas of one content map say, and what the operation says about this side, by path: that
// holds for every media type, and openapi has laid it over their schemas.
func (c *compiler) content(types []openapi.MediaType, side string) {
	for i := range types {
		m := &types[i]
		before := c.found
		c.config(side)
		if m.Schema != nil {
			c.schema(m.Schema, side)
		}
		if c.found > before {
			c.media[m] = true
		}
	}
}

// schema adds what the properties below s say.
func (c *compiler) schema(s *schema.Schema, side string) {
	s.Walk(func(_ string, at *schema.Schema) bool {
		for _, a := range at.Info().Annotations {
			c.add(a.Owner, "", side)
		}
		for _, p := range at.Properties() {
			for _, a := range p.Schema.Info().Annotations {
				c.add(a.Owner, p.Name, side+"."+p.Name)
			}
		}
		return true
	})
}

func (c *compiler) config(side string) {
	for path, src := range c.op.Ext.Owner {
		c.path(path, src, side)
	}
	for path, p := range c.op.Ext.Properties {
		c.path(path, p.Owner, side)
	}
}

func (c *compiler) path(path, src, side string) {
	rest, ok := strings.CutPrefix(path, side)
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return
	}
	name := strings.TrimSuffix(rest, "[*]")
	c.add(src, name[strings.LastIndexAny(name, ".]")+1:], path)
}

// done returns the bindings; nil when there is none to judge.
func (c *compiler) done() (*bindings, error) {
	for src, owner := range c.owners {
		if owner == nil {
			delete(c.owners, src)
		}
	}
	if len(c.errs) > 0 || len(c.owners) == 0 {
		return nil, errors.Join(c.errs...)
	}
	return &c.bindings, nil
}

// bound is one value that somebody must own.
type bound struct {
	parent, node *content.Node // parent is nil for the root
	pointer      string        // RFC 6901
	owned        bool
	err          error // why it could not be judged
}

// each calls f for every bound value of a message. Values are judged by the marks that its schema made.
//
// Where a message does not fit its schema, the schema's marks cannot be relied on: alternatives of which none fits leave
// none behind. Then every member that bears the name of a bound property is judged too, wherever it stands. Validation
// refuses such a message; but it may be set to monitor, and whoever writes a body could choose not to be judged. A bound
// property that the schema requires and that is not there is judged like null, for the same reason.
func (b *bindings) each(e *exchange.Exchange, root *content.Node, r *schema.Result, f func(bound) bool) {
	for i := range r.Marked {
		m := &r.Marked[i]
		owner := b.owners[m.Property.Owner]
		if owner == nil {
			continue
		}
		owned, err := owner.Owns(e, m.Node)
		if !f(bound{m.Parent, m.Node, m.Pointer, owned, err}) {
			return
		}
	}
	if !r.Valid() && b.strays(e, root, "", f) {
		b.lacking(e, root, r, f)
	}
}

// lacking judges the bound properties that are required and missing.
func (b *bindings) lacking(e *exchange.Exchange, root *content.Node, r *schema.Result, f func(bound) bool) {
	for i := range r.Violations {
		v := &r.Violations[i]
		if v.Keyword != "required" {
			continue
		}
		tokens := strings.Split(v.Pointer, "/")
		parent := descend(root, tokens[1:len(tokens)-1])
		for _, src := range b.named[unescape.Replace(tokens[len(tokens)-1])] {
			owned, err := b.owners[src].Owns(e, nil)
			if parent != nil && !f(bound{parent, nil, v.Pointer, owned, err}) {
				return
			}
		}
	}
}

// strays judges the members below n by their names. It reports whether to go on.
func (b *bindings) strays(e *exchange.Exchange, n *content.Node, pointer string, f func(bound) bool) bool {
	for i := range n.Children {
		c := &n.Children[i]
		at := pointer + "/" + token(n, i)
		if n.Kind == content.Object {
			for _, src := range b.named[c.Name] {
				owned, err := b.owners[src].Owns(e, c)
				if !f(bound{n, c, at, owned, err}) {
					return false
				}
			}
		}
		if !b.strays(e, c, at, f) {
			return false
		}
	}
	return true
}
