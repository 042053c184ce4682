package schema

// A Confinement is what is certain of the texts of a message that fits a schema: whoever judges the message afterwards
// need not look for what cannot be there. It says nothing of messages that do not fit. It is immutable.
type Confinement struct {
	// Enum holds all texts that the value may be. Nil: that is not known.
	Enum []string
	// Patterns each match somewhere in the text. They are in the syntax of package regexp.
	Patterns []string
	// Members are the confinements of an object's members, by name, as far as something is known.
	Members map[string]*Confinement
	// Elements is the confinement of every element of an array, or nil.
	Elements *Confinement
}

// Confinement gathers what the schema, its references and its allOf demand. Alternatives, conditions and references that
// depend on the way are passed over: which of them apply is decided by the message. It is nil where nothing is certain.
func (s *Schema) Confinement() *Confinement {
	c := confiner{known: map[*node]*Confinement{}}
	return c.of(s.plan).orNil(map[*Confinement]bool{})
}

const (
	datePattern = `[0-9]{4}-[0-9]{2}-[0-9]{2}`
	timePattern = `[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})`
)

// formatPatterns match whatever passes as a format, and more.
var formatPatterns = map[string]string{
	"date":      `^` + datePattern + `$`,
	"time":      `^` + timePattern + `$`,
	"date-time": `^` + datePattern + `[Tt]` + timePattern + `$`,
	"uuid":      `^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`,
	"ipv4":      `^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$`,
	"int64":     `^-?[0-9]+$`,
	"uint64":    `^-?[0-9]+$`,
}

// confiner remembers what it has met: schemas may refer to themselves.
type confiner struct{ known map[*node]*Confinement }

func (c *confiner) of(n *node) *Confinement {
	if n == nil {
		return nil
	}
	if known := c.known[n]; known != nil {
		return known
	}
	out := &Confinement{}
	c.known[n] = out
	n.certain(map[*node]bool{}, func(n *node) { c.add(out, n) })
	return out
}

func (c *confiner) add(out *Confinement, n *node) {
	for _, set := range []*valueSet{n.enum, n.constant} {
		if set != nil && out.Enum == nil {
			out.Enum = append([]string{}, set.strings...)
		}
	}
	if t := n.text; t != nil {
		if t.pattern != nil {
			out.Patterns = append(out.Patterns, t.pattern.re2)
		}
		if p := formatPatterns[n.format]; t.format != nil && p != "" {
			out.Patterns = append(out.Patterns, p)
		}
	}
	if o := n.object; o != nil {
		for i := range o.members {
			m := &o.members[i]
			if m.schema == nil {
				continue
			}
			if out.Members == nil {
				out.Members = map[string]*Confinement{}
			}
			if out.Members[m.name] == nil {
				out.Members[m.name] = c.of(m.schema)
			}
		}
	}
	if a := n.array; a != nil && len(a.prefix) == 0 && out.Elements == nil {
		out.Elements = c.of(a.items)
	}
}

// certain visits a schema and what applies with it, whatever the message.
func (s *node) certain(seen map[*node]bool, visit func(*node)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	visit(s)
	s.ref.certain(seen, visit)
	for _, n := range s.allOf {
		n.certain(seen, visit)
	}
}

// orNil is nil where nothing is confined here or below.
func (c *Confinement) orNil(seen map[*Confinement]bool) *Confinement {
	if c == nil || seen[c] {
		return nil
	}
	seen[c] = true
	if c.Enum != nil || c.Patterns != nil || c.Elements.orNil(seen) != nil {
		return c
	}
	for _, m := range c.Members {
		if m.orNil(seen) != nil {
			return c
		}
	}
	return nil
}
