package encode

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// A Mask decides what leaves the house of what is personal: every field as a pseudonym, unless it is dropped or written down to
// leave in clear. A pseudonym is an HMAC of the value, so that the same person, address or path value stays recognizable,
// and nobody without the key can try values. It may be used concurrently.
type Mask struct {
	drop, clear map[string]bool
	pseudonyms  pseudonyms
}

// NewMask takes names of config.EventFields; clear may name personal ones only.
func NewMask(key []byte, drop, clear []string) (*Mask, error) {
	m := &Mask{drop: map[string]bool{}, clear: map[string]bool{}}
	m.pseudonyms.init(key)
	for _, name := range drop {
		if m.drop[name] = true; !slices.Contains(config.EventFields, name) {
			return nil, fmt.Errorf("there is no field %s", name)
		}
	}
	for _, name := range clear {
		if m.clear[name] = true; !slices.Contains(config.PersonalFields, name) {
			return nil, fmt.Errorf("there is no personal field %s", name)
		}
	}
	return m, nil
}

// Before returns an encoding of what m lets through.
func (m *Mask) Before(e Encoding) Encoding {
	return func(b []byte, i Item) []byte {
		if i.Event != nil {
			return e(b, Item{Event: m.event(i.Event)})
		}
		return e(b, Item{Record: m.record(i.Record)})
	}
}

func (m *Mask) event(e *exchange.Event) *exchange.Event {
	masked, p := e.Part()
	masked.Restore(exchange.Personal{Actor: m.field("actor", p.Actor), Subject: m.field("subject", p.Subject)})
	if m.drop["detail"] {
		masked.Detail = ""
	}
	return &masked
}

func (m *Mask) record(r *exchange.Record) *exchange.Record {
	masked, p := r.Part()
	masked.Restore(exchange.Personal{Client: m.field("client", p.Client), Peer: m.field("peer", p.Peer), UserAgent: m.field("user_agent", p.UserAgent), JA4: m.field("ja4", p.JA4),
		Path: m.path(r, p.Path), Query: m.query(p.Query), Subject: m.field("subject", p.Subject), Detail: p.Detail, Details: p.Details})
	if p.Detail != "" || p.Details != nil {
		m.details(&masked, p)
	}
	if len(m.drop) > 0 {
		m.empty(&masked)
	}
	return &masked
}

// details replaces personal values in what is said to operators: the path of an unknown operation, the owner of an object.
func (m *Mask) details(r *exchange.Record, p exchange.Personal) {
	var pairs []string
	hide := func(name, value string) {
		if len(value) >= leastHidden && !m.clear[name] {
			pairs = append(pairs, value, m.pseudonyms.fresh(value))
		}
	}
	hide("path", p.Path)
	for s := range strings.SplitSeq(p.Path, "/") {
		if !strings.Contains(r.Operation, "/"+s) {
			hide("path", s)
		}
	}
	for name, value := range map[string]string{"client": p.Client, "peer": p.Peer, "user_agent": p.UserAgent, "subject": p.Subject} {
		hide(name, value)
	}
	words := strings.NewReplacer(pairs...)
	r.Detail, r.Steps = words.Replace(r.Detail), slices.Clone(r.Steps)
	for i := range r.Steps {
		r.Steps[i].Detail = words.Replace(r.Steps[i].Detail)
	}
}

// leastHidden is how long a value must be to be looked for in sentences, where shorter ones are anything.
const leastHidden = 3

// empty drops what is not personal; the record and its principal are copies.
func (m *Mask) empty(r *exchange.Record) {
	p := r.Principal
	if p == nil {
		p = &exchange.RecordPrincipal{}
	}
	for name, drop := range map[string]func(){
		"host": func() { r.Host = "" }, "detail": func() { r.Detail = "" }, "fields": func() { r.Fields = nil },
		"findings": func() { r.Findings = nil }, "steps": func() { r.Steps = nil }, "upstream": func() { r.Upstream = nil },
		"roles": func() { p.Roles = nil }, "tenant": func() { p.Tenant = "" },
	} {
		if m.drop[name] {
			drop()
		}
	}
}

func (m *Mask) field(name, value string) string {
	switch {
	case value == "" || m.drop[name]:
		return ""
	case m.clear[name]:
		return value
	}
	return m.pseudonyms.of(value)
}

// path keeps what the spec says of a path, and replaces values. Where no operation tells them apart, everything is one.
func (m *Mask) path(r *exchange.Record, path string) string {
	_, template, ok := strings.Cut(r.Operation, " ")
	if path == "" || m.drop["path"] || m.clear["path"] || !ok || r.Undocumented {
		return m.field("path", path)
	}
	segments, wanted := strings.Split(path, "/"), strings.Split(template, "/")
	base := len(segments) - len(wanted) // an API may have a base path before its templates
	if base < 0 {
		return m.pseudonyms.fresh(path)
	}
	for i, w := range wanted {
		if strings.Contains(w, "{") {
			segments[base+i] = m.pseudonyms.fresh(segments[base+i])
		}
	}
	return strings.Join(segments, "/")
}

// query keeps names, and what was masked when the record was made.
func (m *Mask) query(query string) string {
	if query == "" || m.drop["query"] || m.clear["query"] {
		return m.field("query", query)
	}
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		if name, value, ok := strings.Cut(p, "="); ok && value != "" && value != "***" {
			pairs[i] = name + "=" + m.pseudonyms.fresh(value)
		}
	}
	return strings.Join(pairs, "&")
}
