package openapi

import (
	"net/http"
)

// A plan is how the parameters of one operation are found and read, computed once.
type plan struct {
	slots []slot
	// path holds the slot of each template parameter, in template order.
	path []int
	// query finds the slot of a query name. A name that only declares a credential has the slot skip.
	query map[string]target
	// open is the slot of an exploded object that takes query names without a slot; -1 when there is none.
	open int
	// whole is the slot of a querystring parameter; -1 when there is none.
	whole   int
	headers []int
	cookies map[string]target
	need    []int // slots of required parameters
	deep    bool  // there are deepObject parameters
}

// A slot is one parameter and how it is read.
type slot struct {
	param  *Param
	shape  *shape
	header string // canonical name
	form   form
	sep    byte // between elements that share one text
}

// A form is how a value is spread over the message.
type form uint8

const (
	single   form = iota // one text: a scalar, or elements between separators
	repeated             // one pair per element
	spread               // one pair per member of an object
	brackets             // name[member]=value
	document             // one text in a media type of its own
)

// A target is a slot, and the member of its object that a name stands for.
type target struct {
	slot   int
	member bool
}

const skip = -1

// newPlan computes the plan of an operation. schemes are those of the document: their names are declared too.
func newPlan(o *Operation, schemes map[string]*SecurityScheme, shapes shaper) *plan {
	p := &plan{open: skip, whole: skip, query: map[string]target{}, cookies: map[string]target{}}
	for _, s := range schemes {
		if s.Type == "apiKey" && s.In == "query" {
			p.query[s.Param] = target{slot: skip}
		}
	}
	segments, _ := o.template()
	for _, name := range templateNames(segments) {
		p.path = append(p.path, skip)
		for i, param := range o.Params {
			if param.In == "path" && param.Name == name {
				p.path[len(p.path)-1] = i
			}
		}
	}
	for i, param := range o.Params {
		p.slots = append(p.slots, newSlot(param, shapes))
		p.register(i)
	}
	return p
}

// SecretInQuery reports whether a pair of the query carries a credential, or what its parameter calls a secret.
func (o *Operation) SecretInQuery(name string) bool {
	if o.plan == nil {
		return false
	}
	t, known := o.plan.query[name]
	return known && (t.slot == skip || o.plan.slots[t.slot].param.Property.Secret())
}

func newSlot(p *Param, shapes shaper) slot {
	s := slot{param: p, shape: shapes.shape(p.Schema), header: http.CanonicalHeaderKey(p.Name)}
	switch p.Style {
	case "spaceDelimited":
		s.sep = ' '
	case "pipeDelimited":
		s.sep = '|'
	default:
		s.sep = ','
	}
	pairs := p.In == "query" || p.In == "cookie"
	switch {
	case p.Media != "":
		s.form = document
	case p.Style == "deepObject":
		s.form = brackets
	case pairs && p.Explode && s.shape.object && !s.shape.array:
		s.form = spread
	case pairs && p.Explode && s.shape.array:
		s.form = repeated
	}
	return s
}

func (p *plan) register(i int) {
	s := &p.slots[i]
	if s.param.Required {
		p.need = append(p.need, i)
	}
	switch s.param.In {
	case "query":
		p.deep = p.deep || s.form == brackets
		p.names(p.query, i)
	case "cookie":
		p.names(p.cookies, i)
	case "header":
		p.headers = append(p.headers, i)
	case "querystring":
		p.whole = i
	}
}

// names registers what a parameter is called in the message. Names of parameters win over members of exploded objects.
func (p *plan) names(m map[string]target, i int) {
	s := &p.slots[i]
	if s.form != spread || s.shape.scalar() {
		m[s.param.Name] = target{slot: i}
	}
	if s.form != spread {
		return
	}
	for name := range s.shape.props {
		if t, taken := m[name]; !taken || t.slot == skip {
			m[name] = target{i, true}
		}
	}
	if s.shape.extra != nil && s.param.In == "query" {
		p.open = i
	}
}
