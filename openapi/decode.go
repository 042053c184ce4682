package openapi

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/content"
)

// The bounds of one parameter: elements of an array, members of an object, brackets after a deepObject's name.
const (
	maxElements = 1000
	maxMembers  = 256
	maxBrackets = 8
)

// Decode reads every declared parameter of a request: t is its canonical target, path the arguments that the matcher
// found for the template, in template order, h its header. It is safe for concurrent use.
//
// Text becomes a Number or a Bool only where the schema allows one; where it allows text as well, the schema decides
// which reading fits. A scalar that is given twice is an error, and so is anything that two servers could split
// differently.
func (o *Operation) Decode(t content.Target, path []string, h http.Header) Params {
	p := o.plan
	if p == nil { // not from a document
		p = newPlan(o, nil, shaper{})
	}
	d := decoder{plan: p, query: t.Query, raw: t.RawQuery, path: path, header: h}
	var buffer [24]occurrence
	if n := len(p.slots); n <= len(buffer) {
		d.found = buffer[:n]
	} else {
		d.found = make([]occurrence, n)
	}
	d.findQuery()
	d.findHeaders()
	d.findCookies()
	d.read()
	return d.out
}

// decoder is the state of one Decode.
type decoder struct {
	plan    *plan
	query   []content.Pair
	raw     string // the whole query
	path    []string
	header  http.Header
	found   []occurrence // by slot
	cookies []content.Pair
	values  []Value
	nodes   []content.Node
	out     Params
}

// occurrence counts where a parameter was seen.
type occurrence struct {
	count int32 // pairs or lines
	first int32 // index of the first
}

func (d *decoder) fail(s *slot, detail string) {
	d.out.Errors = append(d.out.Errors, ParamError{In: s.param.In, Name: s.param.Name, Detail: detail})
}

func (o *occurrence) see(i int) {
	if o.count == 0 {
		o.first = int32(i)
	}
	o.count++
}

func (d *decoder) findQuery() {
	if d.plan.whole != skip {
		if len(d.query) > 0 {
			d.found[d.plan.whole].see(0)
		}
		return
	}
	for i := range d.query {
		t, ok := d.queryTarget(d.query[i].Name)
		switch {
		case !ok:
			d.out.Undeclared = append(d.out.Undeclared, d.query[i].Name)
		case t.slot != skip:
			d.found[t.slot].see(i)
		}
	}
}

// queryTarget finds the slot that a query name belongs to.
func (d *decoder) queryTarget(name string) (target, bool) {
	if t, ok := d.plan.query[name]; ok {
		return t, true
	}
	if d.plan.deep {
		if open := strings.IndexByte(name, '['); open > 0 {
			if t, ok := d.plan.query[name[:open]]; ok && t.slot != skip && d.plan.slots[t.slot].form == brackets {
				return target{t.slot, true}, d.plan.slots[t.slot].shape.knows(name[open:])
			}
		}
	}
	return target{d.plan.open, true}, d.plan.open != skip
}

func (d *decoder) findHeaders() {
	for _, i := range d.plan.headers {
		d.found[i].count = int32(len(d.header[d.plan.slots[i].header]))
	}
}

func (d *decoder) findCookies() {
	if len(d.plan.cookies) == 0 {
		return
	}
	var ok bool
	if d.cookies, ok = parseCookies(d.header["Cookie"]); !ok {
		d.out.Errors = append(d.out.Errors, ParamError{In: "cookie", Detail: "must be name=value pairs separated by \"; \", without quotes"})
		return
	}
	for i := range d.cookies {
		if t, ok := d.plan.cookies[d.cookies[i].Name]; ok && t.slot != skip {
			d.found[t.slot].see(i)
		}
	}
}

// read turns what was found into values.
func (d *decoder) read() {
	n := len(d.plan.path)
	for i := range d.found {
		if d.found[i].count > 0 {
			n++
		}
	}
	if n > 0 {
		d.values, d.nodes = make([]Value, 0, n), make([]content.Node, 0, n)
	}
	for i, slot := range d.plan.path {
		if slot != skip && i < len(d.path) {
			d.found[slot].count = 1
			d.add(slot, d.path[i], d.single(&d.plan.slots[slot], d.path[i]))
		}
	}
	for i := range d.found {
		if d.found[i].count > 0 && d.plan.slots[i].param.In != "path" {
			d.slot(i)
		}
	}
	for _, i := range d.plan.need {
		if d.found[i].count == 0 {
			d.fail(&d.plan.slots[i], "is required")
		}
	}
	d.out.Values = d.values
}

// reading is a node, or why there is none.
type reading struct {
	node   content.Node
	detail string
}

func refuse(detail string) reading { return reading{detail: detail} }

func (d *decoder) add(slot int, raw string, r reading) {
	s := &d.plan.slots[slot]
	if r.detail != "" {
		d.fail(s, r.detail)
		return
	}
	d.nodes = append(d.nodes, r.node)
	d.values = append(d.values, Value{Param: s.param, Node: &d.nodes[len(d.nodes)-1], Raw: raw})
}

// slot reads one parameter from the pairs or lines in which it was found.
func (d *decoder) slot(i int) {
	s, o := &d.plan.slots[i], d.found[i]
	var raw string
	switch s.param.In {
	case "header":
		d.readHeader(i, s)
		return
	case "querystring":
		d.add(i, d.raw, d.queryString(s))
		return
	case "query":
		raw = d.query[o.first].Value
	case "cookie":
		raw = d.cookies[o.first].Value
	}
	if o.count > 1 {
		raw = ""
	}
	switch s.form {
	case repeated:
		d.add(i, raw, d.repeated(i, s, o))
	case spread:
		d.add(i, raw, d.spread(i, s, o))
	case brackets:
		d.add(i, raw, d.brackets(i, s, o))
	default:
		if o.count > 1 {
			d.fail(s, "must be given once")
			return
		}
		d.add(i, raw, d.single(s, raw))
	}
}

func (d *decoder) pairs(s *slot) []content.Pair {
	if s.param.In == "cookie" {
		return d.cookies
	}
	return d.query
}

// belongs reports whether the pair at i was found for the slot, and whether it is a member of its object.
func (d *decoder) belongs(slot int, s *slot, name string) (member, ok bool) {
	var t target
	if s.param.In == "cookie" {
		t, ok = d.plan.cookies[name]
	} else {
		t, ok = d.queryTarget(name)
	}
	return t.member, ok && t.slot == slot
}

func (d *decoder) readHeader(i int, s *slot) {
	lines := d.header[s.header]
	raw := lines[0]
	switch {
	case len(lines) > 1 && (!s.shape.array || s.form == document):
		d.fail(s, "must be given once")
		return
	case len(lines) > maxElements:
		d.fail(s, tooMany)
		return
	case len(lines) > 1:
		raw = strings.Join(lines, ",") // RFC 9110 section 5.3
	}
	raw = strings.Trim(raw, " \t")
	if !utf8.ValidString(raw) {
		d.fail(s, "must be UTF-8")
		return
	}
	d.add(i, raw, d.single(s, raw))
}

// single reads a value from one text.
func (d *decoder) single(s *slot, raw string) reading {
	if s.form == document {
		return s.document(raw)
	}
	switch s.param.Style {
	case "label":
		return s.label(raw)
	case "matrix":
		return s.matrix(raw)
	}
	return s.text(raw, s.sep, s.sep, s.param.Explode)
}
