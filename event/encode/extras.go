package encode

import "github.com/sallyport/sallyport/exchange"

// extras are what the languages of others have no words for; the names are ours.
type extras struct {
	OWASP       string
	CWE         int
	Setting     string
	WouldRefuse []string // by guards in monitor mode
	Fields      []exchange.Field
	Findings    []exchange.Finding
	Peer        string // the proxy that the client came through
	JA4         string
	Bot         *exchange.RecordBot
	Upstream    *exchange.RecordUpstream
	Object      string // of events
	Subject     string
	Data        map[string]string
}

func extrasOf(r *exchange.Record) extras {
	x := extras{OWASP: r.OWASP, Setting: r.Setting, Fields: r.Fields, Findings: r.Findings, Peer: r.Peer, JA4: r.JA4, Bot: r.Bot, Upstream: r.Upstream}
	if reason := exchange.Lookup(r.Code); reason != nil {
		x.CWE = reason.CWE
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Code != "" && s.Mode == "monitor" {
			x.WouldRefuse = append(x.WouldRefuse, s.Code)
		}
	}
	return x
}

// members of an object.
func (x *extras) members(d *document) {
	d.text("owasp", x.OWASP)
	d.number("cwe", int64(x.CWE))
	d.text("setting", x.Setting)
	if x.WouldRefuse != nil {
		d.texts("would_refuse", x.WouldRefuse...)
	}
	if len(x.Fields) > 0 {
		d.value("fields", x.Fields)
	}
	if len(x.Findings) > 0 {
		d.value("findings", x.Findings)
	}
	d.text("peer", x.Peer)
	d.text("ja4", x.JA4)
	if b := x.Bot; b != nil {
		d.object("bot")
		d.always("rating", string(b.Rating))
		d.text("action", b.Action)
		d.number("points", int64(b.Points))
		d.text("name", b.Name)
		if len(b.Reasons) > 0 {
			d.texts("reasons", b.Reasons...)
		}
		d.end()
	}
	if u := x.Upstream; u != nil {
		d.object("upstream")
		d.always("target", u.Target)
		d.count("status", int64(u.Status))
		d.count("attempts", int64(u.Attempts))
		d.count("took_ns", u.Took.Nanoseconds())
		d.end()
	}
	d.text("object", x.Object)
	d.text("subject", x.Subject)
	if len(x.Data) > 0 {
		d.value("data", x.Data)
	}
}

// MarshalJSON is for encodings that are made of structs.
func (x *extras) MarshalJSON() ([]byte, error) {
	d := document{[]byte{'{'}}
	x.members(&d)
	d.end()
	return d.b, nil
}
