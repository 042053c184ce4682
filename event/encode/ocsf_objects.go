package encode

import (
	"net/netip"

	"github.com/sallyport/sallyport/exchange"
)

// choice is one of a list of OCSF's, by number and caption.
func (e *ocsfDocument) choice(a activity, id, caption string) {
	e.count(id, int64(a.id))
	e.always(caption, a.name)
}

func (e *ocsfDocument) metadata(uid string, profiles ...string) {
	e.object("metadata")
	e.always("version", OCSFVersion)
	e.always("uid", uid)
	e.object("product")
	e.always("name", "Sallyport")
	e.always("vendor_name", "Sallyport")
	e.end()
	e.texts("profiles", profiles...)
	e.end()
}

// finding describes what was found: the refusal, or the worst finding.
func (e *ocsfDocument) finding(r *exchange.Record, s exchange.Severity) {
	title, kind := r.Code, ""
	if reason := exchange.Lookup(r.Code); reason != nil {
		title, kind = reason.Help, r.Code
	}
	var types []string
	if kind != "" {
		types = append(types, kind)
	}
	f := worst(r.Findings)
	if f != nil && !r.Refused {
		title, types = f.Message, append(types, f.Rule)
	}
	e.object("finding_info")
	e.always("uid", r.ID)
	e.always("title", title)
	e.text("desc", r.Detail)
	if types != nil {
		e.texts("types", types...)
	}
	if f != nil {
		e.object("analytic")
		e.always("uid", f.Rule)
		e.always("name", f.Guard)
		e.choice(activity{1, "Rule"}, "type_id", "type")
		e.end()
	}
	e.end()
	e.value("is_alert", rank(s) >= rank(exchange.Medium))
}

func worst(list []exchange.Finding) (f *exchange.Finding) {
	for i := range list {
		if f == nil || rank(list[i].Severity) > rank(f.Severity) {
			f = &list[i]
		}
	}
	return f
}

func (e *ocsfDocument) entity(member, name string) {
	e.object(member)
	e.text("name", name)
	e.end()
}

func (e *ocsfDocument) user(name, uid string, kind int, caption string, groups ...string) {
	e.object("user")
	e.text("name", name)
	e.text("uid", uid)
	e.choice(activity{kind, caption}, "type_id", "type")
	if len(groups) > 0 {
		e.name("groups")
		e.b = append(e.b, '[')
		for _, g := range groups {
			e.next()
			e.b = append(e.b, '{')
			e.text("name", g)
			e.end()
		}
		e.b = append(e.b, ']')
	}
	e.end()
}

func (e *ocsfDocument) actor(r *exchange.Record) {
	e.object("actor")
	defer e.end()
	p := r.Principal
	if p == nil {
		e.user("anonymous", "", 0, "Unknown")
		return
	}
	name := ""
	if p.Subject == "" { // dropped, or erased
		name = "withheld"
	}
	e.user(name, p.Subject, 1, "User", p.Roles...)
	if p.Issuer == "" {
		return
	}
	e.object("idp")
	e.always("name", p.Issuer)
	e.text("protocol_name", p.Kind)
	e.text("tenant_uid", p.Tenant)
	e.end()
}

func (e *ocsfDocument) api(r *exchange.Record) {
	operation := r.Operation
	if operation == "" {
		operation = "unknown"
	}
	e.call(operation, r.API, r.ID)
}

func (e *ocsfDocument) call(operation, service, id string) {
	e.object("api")
	e.always("operation", operation)
	e.entity("service", service)
	e.object("request")
	e.always("uid", id)
	e.end()
	e.end()
}

// traffic is what went to and fro, and between whom.
func (e *ocsfDocument) traffic(r *exchange.Record) {
	e.request(r)
	e.object("http_response")
	e.count("code", int64(r.Status))
	e.number("body_length", r.BytesOut)
	e.number("latency", r.Took.Milliseconds())
	e.end()
	e.source(r)
	e.destination(r)
}

func (e *ocsfDocument) request(r *exchange.Record) {
	e.object("http_request")
	e.always("uid", r.ID)
	if _, ok := httpActivities[r.Method]; ok {
		e.text("http_method", r.Method)
	}
	if r.Path != "" {
		e.object("url")
		e.text("hostname", r.Host)
		e.always("path", r.Path)
		e.text("query_string", r.Query)
		e.end()
	}
	e.text("user_agent", r.UserAgent)
	e.text("version", r.Proto)
	e.number("body_length", r.BytesIn)
	e.end()
}

// source is the client; an address that is a pseudonym is a name and no address.
func (e *ocsfDocument) source(r *exchange.Record) {
	e.object("src_endpoint")
	switch {
	case r.Client == "":
		e.always("name", "withheld")
	case isAddress(r.Client):
		e.always("ip", r.Client)
	default:
		e.always("uid", r.Client)
	}
	e.end()
}

func isAddress(s string) bool {
	if s[:1] == pseudonym { // it is nearly always, and an error takes time to make
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (e *ocsfDocument) destination(r *exchange.Record) {
	e.object("dst_endpoint")
	if r.Host == "" && r.API == "" {
		e.always("name", "sallyport")
	}
	e.text("hostname", r.Host)
	e.text("svc_name", r.API)
	e.end()
}
