package encode

import (
	"flag"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

var update = flag.Bool("update", false, "write the golden files again")

var noon = time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC)

// cases are one item of each kind, by name.
func cases() map[string]Item {
	return map[string]Item{
		"passed": {Record: sample(nil)},
		"anonymous": {Record: sample(func(r *exchange.Record) {
			r.Principal, r.Client, r.Peer, r.Method, r.Query = nil, "2001:db8::7", "", "PROPFIND", ""
		})},
		"unknown":  {Record: refused(exchange.UnknownOperation, "openapi", func(r *exchange.Record) { r.Operation, r.Path = "", "/wp-admin" })},
		"identity": {Record: refused(exchange.TokenExpired, "identity", func(r *exchange.Record) { r.Principal = nil })},
		"policy":   {Record: refused(exchange.NotOwner, "policy.object", nil)},
		"attack": {Record: refused(exchange.SQLi, "inspect.body", func(r *exchange.Record) {
			r.Findings = []exchange.Finding{{Guard: "inspect.body", Rule: "942100", Message: "SQL Injection Attack Detected via libinjection", Field: "body.note", Severity: exchange.Critical, Score: 5, Tags: []string{"attack-sqli"}, Match: "1 UNI…"}}
		})},
		"monitored": {Record: sample(func(r *exchange.Record) {
			r.Steps = []exchange.RecordStep{{Guard: "validate.body", Mode: config.Monitor, Code: exchange.BodyInvalid.Code}}
			r.Findings = []exchange.Finding{{Guard: "inspect.head", Rule: "913100", Message: "Found User-Agent associated with security scanner", Field: "header.user-agent", Severity: exchange.Low}}
		})},
		"leak": {Record: refused(exchange.Leak, "inspect.response", func(r *exchange.Record) {
			r.Findings = []exchange.Finding{{Guard: "inspect.response", Rule: "951100", Message: "A database error", Field: "response", Severity: exchange.High}}
		})},
		"hostile": {Record: sample(func(r *exchange.Record) {
			r.UserAgent, r.Path, r.Host, r.Detail = "a|b=c\\d\r\nCEF:0|x \x00\x7f\u202e\u2028<script>", "/\xff\xfe=|", "h\nost", "x\n=\\|]\"[y"
		})},
		"config":    {Event: happened(exchange.ConfigApplied, "cli", "", "")},
		"signed_in": {Event: happened(exchange.AdminSignedIn, "admin:grace", "", "")},
		"refused":   {Event: happened(exchange.AdminRefused, "", "", "")},
		"failing":   {Event: happened(exchange.SinkFailing, "", "siem", "")},
		"recovered": {Event: happened(exchange.SinkRecovered, "", "siem", "")},
		"erased":    {Event: happened(exchange.Erased, "admin:grace", "", "ada")},
	}
}

func sample(change func(*exchange.Record)) *exchange.Record {
	r := &exchange.Record{ID: "01JDZ0000000000000000000AA", Time: noon, Took: 1500 * time.Microsecond, API: "shop", Operation: "GET /orders/{id}", Method: "GET", Host: "shop.example", Path: "/api/orders/4711", Query: "q=***&limit=10",
		Proto: "HTTP/2.0", Client: "192.0.2.7", Peer: "10.0.0.1", UserAgent: "curl/8.5.0", JA4: "t13d1516h2_8daaf6152771_b186095e22b6", Bot: &exchange.RecordBot{Rating: exchange.Suspected, Action: "allow", Points: 4, Reasons: []string{"its User-Agent is a program's, and no browser's"}}, Status: 200, BytesOut: 512, Trace: "0af7651916cd43dd8448eb211c80319c",
		Principal: &exchange.RecordPrincipal{Subject: "ada", Issuer: "corp", Kind: "jwt", Tenant: "acme", Roles: []string{"customer"}},
		Upstream:  &exchange.RecordUpstream{Target: "http://127.0.0.1:9000", Status: 200, Attempts: 1, Took: time.Millisecond}}
	if change != nil {
		change(r)
	}
	return r
}

func refused(reason *exchange.Reason, guard string, change func(*exchange.Record)) *exchange.Record {
	return sample(func(r *exchange.Record) {
		r.Refused, r.Guard, r.Code, r.OWASP, r.Status, r.Detail, r.Upstream = true, guard, reason.Code, reason.OWASP, reason.Status, "the cause, for operators", nil
		if change != nil {
			change(r)
		}
	})
}

func happened(k *exchange.Kind, actor, object, subject string) *exchange.Event {
	return &exchange.Event{ID: "01JDZ0000000000000000000EV", Time: noon, Kind: k.Name, Severity: k.Severity, Actor: actor, Object: object, Subject: subject, Detail: "Something happened.", Data: map[string]string{"count": "7"}}
}

func encoded(t *testing.T, name string, i Item) []byte {
	t.Helper()
	e, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	return e(nil, i)
}

func masked(t *testing.T, drop, clear []string) *Mask {
	t.Helper()
	m, err := NewMask([]byte("0123456789abcdef0123456789abcdef"), drop, clear)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
