package exchange

import "slices"

// Personal are the fields of a record or an event that may tell of a person. Where they are kept, they are kept sealed
// under a key of the person's own, so that to destroy the key is to erase them everywhere.
type Personal struct {
	Client    string `json:"client,omitempty"`
	Peer      string `json:"peer,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
	JA4       string `json:"ja4,omitempty"`
	Path      string `json:"path,omitempty"`
	Query     string `json:"query,omitempty"`
	Actor     string `json:"actor,omitempty"`
	Subject   string `json:"subject,omitempty"`
	// Details quote what was asked for: "path.id is 4711, principal.subject is ada".
	Detail  string   `json:"detail,omitempty"`
	Details []string `json:"details,omitempty"` // of the steps, in their order, as far as one has any
	Words   string   `json:"words,omitempty"`   // of events
}

// Whose names the person whose data the record holds: the principal, else the client's address.
func (r *Record) Whose() string {
	if r.Principal != nil && r.Principal.Subject != "" {
		return r.Principal.Subject
	}
	return r.Client
}

// Part returns the record without what is personal, and that. The record itself is left as it is.
func (r *Record) Part() (Record, Personal) {
	public, p := *r, Personal{Client: r.Client, Peer: r.Peer, UserAgent: r.UserAgent, JA4: r.JA4, Path: r.Path, Query: r.Query}
	public.Client, public.Peer, public.UserAgent, public.JA4, public.Path, public.Query = "", "", "", "", "", ""
	if r.Principal != nil {
		principal := *r.Principal
		p.Subject, principal.Subject = principal.Subject, ""
		public.Principal = &principal
	}
	p.Detail, public.Detail = r.Detail, ""
	public.Steps, p.Details = partSteps(r.Steps)
	return public, p
}

// partSteps takes the details out of steps.
func partSteps(steps []RecordStep) (public []RecordStep, details []string) {
	for i := range steps {
		if d := steps[i].Detail; d != "" {
			if public == nil {
				public = slices.Clone(steps)
			}
			details = append(append(details, make([]string, i-len(details))...), d)
			public[i].Detail = ""
		}
	}
	if public == nil {
		return steps, nil
	}
	return public, details
}

// Restore puts back what [Record.Part] took out.
func (r *Record) Restore(p Personal) {
	r.Client, r.Peer, r.UserAgent, r.JA4, r.Path, r.Query = p.Client, p.Peer, p.UserAgent, p.JA4, p.Path, p.Query
	if r.Principal != nil {
		principal := *r.Principal
		principal.Subject = p.Subject
		r.Principal = &principal
	}
	r.Detail = p.Detail
	for i := range min(len(p.Details), len(r.Steps)) {
		r.Steps[i].Detail = p.Details[i]
	}
}

// Whose names the person whose data the event holds: its subject, else who did it; "" where there is none.
func (e *Event) Whose() string {
	if e.Subject != "" {
		return e.Subject
	}
	return e.Actor
}

// Part returns the event without what is personal, and that. The event itself is left as it is.
func (e *Event) Part() (Event, Personal) {
	public, p := *e, Personal{Actor: e.Actor, Subject: e.Subject, Words: e.Words}
	public.Actor, public.Subject, public.Words = "", "", ""
	return public, p
}

// Restore puts back what [Event.Part] took out.
func (e *Event) Restore(p Personal) { e.Actor, e.Subject, e.Words = p.Actor, p.Subject, p.Words }
