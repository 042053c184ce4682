package lab

import "fmt"

// API5: broken function level authorization.
var functionFlaws = []Flaw{
	{ID: "BFLA-1", Title: "The report on the best customers, for an ordinary customer", Class: "API5:2023", CWE: "CWE-285",
		Control: "policy.operation: roles",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/admin/reports/customers?limit=50", "")
			a.leak(r.ok() && r.has(`"turnover"`), "names, e-mail addresses and turnover of 50 customers")
		}},
	{ID: "BFLA-2", Title: "Delete an account by changing GET to DELETE", Class: "API5:2023", CWE: "CWE-650",
		Control: "policy.operation: roles",
		Steps: func(a *Attack) {
			a.exploit(Attacker, "DELETE", "/v1/customers/"+Victim, "")
			a.leak(a.customer(Victim).ID == "", "%s is gone", Victim)
		}},
	{ID: "BFLA-3", Title: "An export of everything that is in no documentation", Class: "API5:2023", CWE: "CWE-425",
		Control: "match: operations that the spec does not know",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/admin/export", "")
			a.leak(r.has("passwordHash"), "all customers and all payments")
		}},
	{ID: "BFLA-4", Title: "Give oneself the role of an admin", Class: "API5:2023", CWE: "CWE-269",
		Control: "policy.operation: roles",
		Steps: func(a *Attack) {
			a.exploit(Attacker, "PUT", "/v1/customers/"+Attacker+"/role", `{"role":"admin"}`)
			a.leak(a.customer(Attacker).Role == "admin", "role of %s became admin", Attacker)
		}},
	{ID: "BFLA-5", Title: "Change a price by a method hidden in a header", Class: "API5:2023", CWE: "CWE-436",
		Control: "inspect: restricted headers, validate: no body expected",
		Steps: func(a *Attack) {
			p := a.product("HG-OUT-0006")
			a.exploit(nobody, "GET", "/v1/products/"+p.ID, `{"price":100}`, "X-HTTP-Method-Override", "PATCH")
			now := a.product("HG-OUT-0006").Price
			a.leak(now == 100, "price of %s is now %d cents instead of %d", p.Name, now, p.Price)
		}},
	{ID: "BFLA-6", Title: "Close an account by a method hidden in a header", Class: "API5:2023", CWE: "CWE-436",
		Control: "inspect: restricted headers",
		Steps: func(a *Attack) {
			a.exploit(Attacker, "GET", "/v1/customers/"+Attacker, "", "X-HTTP-Method-Override", "DELETE")
			a.leak(a.customer(Attacker).ID == "", "%s is gone, with what was owed", Attacker)
		}},
}

// API7: server side request forgery.
var urlFlaws = []Flaw{
	{ID: "SSRF-1", Title: "A webhook that delivers to the cloud's metadata service", Class: "API7:2023", CWE: "CWE-918",
		Control: "inspect.body: kind url",
		Steps:   func(a *Attack) { webhookTo(a, "http://169.254.169.254"+metadataPath) }},
	{ID: "SSRF-2", Title: "An avatar from an address written as one number", Class: "API7:2023", CWE: "CWE-918",
		Control: "inspect.body: kind url, in all spellings",
		Steps:   func(a *Attack) { avatarFrom(a, "http://2852039166"+metadataPath) }},
	{ID: "SSRF-3", Title: "A webhook to an IPv4 address dressed as IPv6", Class: "API7:2023", CWE: "CWE-918",
		Control: "inspect.body: kind url, in all spellings",
		Steps:   func(a *Attack) { webhookTo(a, "http://[::ffff:a9fe:a9fe]"+metadataPath) }},
	{ID: "SSRF-4", Title: "An avatar from a public host that redirects inside", Class: "API7:2023", CWE: "CWE-601",
		Why: "The URL in the request is a public one; where its server sends the shop is seen by the shop's HTTP client only. " +
			"inspect.urls.only (a list of known hosts) or a guard on what leaves the shop stops it.",
		Steps: func(a *Attack) { avatarFrom(a, "https://"+detour+"/cat.png") }},
}

// webhookTo registers a webhook and has it tested.
func webhookTo(a *Attack, url string) {
	before := a.lab.net.reached.Load()
	r := a.exploit(Attacker, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":"%s","events":["order.paid"]}`, url))
	if !r.ok() {
		return
	}
	var id string
	a.state(func(s *store) {
		if h := find(s.webhooks, func(h *webhook) bool { return h.URL == url }); h != nil {
			id = h.ID
		}
	})
	r = a.send(Attacker, "POST", "/v1/webhooks/"+id+"/test", "")
	a.reached(before, r)
}

func avatarFrom(a *Attack, url string) {
	before := a.lab.net.reached.Load()
	r := a.exploit(Attacker, "POST", "/v1/customers/"+Attacker+"/avatar/import", fmt.Sprintf(`{"url":"%s"}`, url))
	a.reached(before, r)
}

// reached judges a forgery of requests by the server at its other end: that it was asked is the flaw, be the answer shown
// or not.
func (a *Attack) reached(before int64, r *answer) {
	a.leak(r.has(metadataKey), "the machine's cloud credentials, in the answer")
	a.leak(a.lab.net.reached.Load() > before, "the metadata service answered the shop, though its answer is not shown")
}
