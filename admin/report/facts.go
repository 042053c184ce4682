package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// Facts are what a report is made of. Whoever has them fills them in; what is nil was not looked at.
type Facts struct {
	Now, Since time.Time
	Version    string
	Basis      string
	Config     *config.Config
	Posture    []gateway.Posture
	Documents  map[string]*openapi.Document
	Audit      *Audit
	Traffic    *Traffic
	// Callers lists, for an operation of an API, who was answered in the period: groups such as issuer and role, never
	// persons, with how often. Nil: records were not looked at.
	Callers func(api, operation string) []Caller
}

// Caller is a group of those who were answered.
type Caller struct {
	Who   string `json:"who"` // "corp: clerk", "anonymous"
	Count int64  `json:"count"`
}

// SortCallers brings the largest group to the front.
func SortCallers(list []Caller) {
	slices.SortFunc(list, func(a, b Caller) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Who, b.Who)) })
}

// Processing is what one operation returns about persons, and to whom.
type Processing struct {
	API       string   `json:"api"`
	Operation string   `json:"operation"`
	Kinds     []Kind   `json:"kinds"`
	Access    string   `json:"access"` // who may call
	Callers   []Caller `json:"callers,omitempty"`
}

// Kind is one class of data in the answers of an operation.
type Kind struct {
	Kind      string   `json:"kind"`
	Fields    []string `json:"fields"`
	Masked    string   `json:"masked,omitempty"`     // how it leaves
	VisibleTo []string `json:"visible_to,omitempty"` // roles that see it; empty: whoever may call
}

func (f *Facts) apis() (list []API) {
	for _, a := range f.Config.APIs {
		one := API{Name: a.Name}
		if d := f.Documents[a.Name]; d != nil {
			one.Title, one.Version = d.Title, d.Version
		}
		for _, p := range f.Posture {
			if p.API == a.Name {
				one.Operations++
			}
		}
		list = append(list, one)
	}
	return list
}

// personal are the kinds that tell of a person.
var personal = []string{"email", "phone", "pan", "iban", "ssn", "name", "address", "dob", "health"}

// processing lists the operations whose answers have personal data, as their schemas say.
func (f *Facts) processing() []Processing {
	list := []Processing{}
	for _, a := range f.Config.APIs {
		d := f.Documents[a.Name]
		if d == nil {
			continue
		}
		for _, op := range d.Operations {
			kinds := kindsOf(op)
			if len(kinds) == 0 {
				continue
			}
			p := Processing{API: a.Name, Operation: op.Key, Kinds: kinds, Access: f.access(a.Name, op)}
			if f.Callers != nil {
				p.Callers = f.Callers(a.Name, op.Key)
			}
			list = append(list, p)
		}
	}
	return list
}

// kindsOf gathers what the schemas of an operation's answers say of their properties.
func kindsOf(op *openapi.Operation) []Kind {
	found := map[string]*Kind{}
	for _, r := range op.Responses {
		for _, m := range r.Content {
			if m.Schema == nil {
				continue
			}
			m.Schema.Walk(func(pointer string, s *schema.Schema) bool {
				for _, note := range s.Info().Annotations {
					if !slices.Contains(personal, note.Kind) {
						continue
					}
					k := found[note.Kind]
					if k == nil {
						k = &Kind{Kind: note.Kind, Masked: note.Mask, VisibleTo: note.VisibleTo}
						found[note.Kind] = k
					}
					if field := fieldOf(pointer); !slices.Contains(k.Fields, field) {
						k.Fields = append(k.Fields, field)
					}
				}
				return true
			})
		}
	}
	var list []Kind
	for _, kind := range personal {
		if k := found[kind]; k != nil {
			slices.Sort(k.Fields)
			list = append(list, *k)
		}
	}
	return list
}

// fieldOf is the name of the property that a schema's location ends in.
func fieldOf(pointer string) string {
	at := strings.LastIndex(pointer, "/properties/")
	if at < 0 {
		return strings.TrimPrefix(pointer[strings.LastIndexByte(pointer, '/')+1:], "#")
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[at+len("/properties/"):])
}

// access says who may call an operation.
func (f *Facts) access(api string, op *openapi.Operation) string {
	for _, p := range f.Posture {
		if p.API != api || p.Operation != op.Key {
			continue
		}
		switch {
		case p.Guards["identity"] == "":
			return "anybody: identity is off"
		case p.Anonymous:
			return "anybody: anonymous"
		case p.Guards["identity"] == config.Monitor:
			return "anybody: identity is only monitored"
		}
	}
	var parts []string
	if len(op.Ext.Roles) > 0 {
		parts = append(parts, "roles "+strings.Join(op.Ext.Roles, ", "))
	}
	if len(op.Ext.Scopes) > 0 {
		parts = append(parts, "scopes "+strings.Join(op.Ext.Scopes, ", "))
	}
	if op.Ext.Allow != "" {
		parts = append(parts, "allow "+op.Ext.Allow)
	}
	if len(op.Ext.Owner) > 0 || ownsParams(op) {
		parts = append(parts, "owners of the object")
	}
	if len(parts) == 0 {
		return "anybody with a valid credential"
	}
	return strings.Join(parts, "; ")
}

func ownsParams(op *openapi.Operation) bool {
	return slices.ContainsFunc(op.Params, func(p *openapi.Param) bool { return p.Property.Owner != "" })
}

// coverage counts the operations that have a guard in mode enforce, and lists the others.
type coverage struct {
	all, have int
	lacking   []string
}

// enforced looks at the guards whose name or family is one of these: one that enforces suffices. Operations for which which
// is false are left out.
func (f *Facts) enforced(which func(gateway.Posture) bool, guards ...string) (c coverage) {
	for _, p := range f.Posture {
		if which != nil && !which(p) {
			continue
		}
		c.all++
		mode, there := config.Off, false
		for name, m := range p.Guards {
			family, _, _ := strings.Cut(name, ".")
			if slices.Contains(guards, name) || slices.Contains(guards, family) {
				there = true
				if m == config.Enforce || mode == config.Off {
					mode = m
				}
			}
		}
		switch {
		case there && mode == config.Enforce:
			c.have++
		case mode == config.Monitor:
			c.lacking = append(c.lacking, fmt.Sprintf("%s %s: only monitored", p.API, p.Operation))
		default:
			c.lacking = append(c.lacking, fmt.Sprintf("%s %s: off", p.API, p.Operation))
		}
	}
	return c
}
