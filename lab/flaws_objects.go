package lab

import (
	"cmp"
	"fmt"
)

// API1: broken object level authorization.
var objectFlaws = []Flaw{
	{ID: "BOLA-1", Title: "Read somebody else's order by counting up its number", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of response.customerId",
		Steps: func(a *Attack) {
			o := a.orderOf(Victim, anyOrder)
			r := a.exploit(Attacker, "GET", "/v1/orders/"+o.ID, "")
			a.leak(r.has(o.ShippingAddress.Street) && r.has(Victim), "order %s of %s with her address", o.ID, Victim)
		}},
	{ID: "BOLA-2", Title: "Read somebody else's profile", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of path.customerId",
		Steps: func(a *Attack) {
			v := a.customer(Victim)
			r := a.exploit(Attacker, "GET", "/v1/customers/"+Victim, "")
			a.leak(r.has(v.Email), "e-mail address, telephone number and birthday of %s", Victim)
		}},
	{ID: "BOLA-3", Title: "Take an account over by changing its e-mail address", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of path.customerId",
		Steps: func(a *Attack) {
			a.exploit(Attacker, "PATCH", "/v1/customers/"+Victim, `{"email":"mallory@inbox.example"}`)
			a.leak(a.customer(Victim).Email == "mallory@inbox.example", "%s now has the attacker's e-mail address", Victim)
		}},
	{ID: "BOLA-4", Title: "Divert parcels by replacing somebody's address", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of path.customerId",
		Steps: func(a *Attack) {
			id := a.customer(Victim).addresses[0].ID
			a.exploit(Attacker, "PUT", "/v1/customers/"+Victim+"/addresses/"+id,
				`{"name":"M. Allory","street":"Lagerweg 3","city":"Hamburg","postalCode":"20457","country":"DE","default":true}`)
			a.leak(a.customer(Victim).addresses[0].Street == "Lagerweg 3", "parcels for %s now go to the attacker", Victim)
		}},
	{ID: "BOLA-5", Title: "Read an invoice of another tenant", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of response.customerId and response.tenant",
		Steps: func(a *Attack) {
			var i invoice
			a.state(func(s *store) { i = *find(s.invoices, func(i *invoice) bool { return i.CustomerID == Stranger }) })
			r := a.exploit(Attacker, "GET", "/v1/invoices/"+i.ID, "")
			a.leak(r.has(i.BillTo.Street) && r.has(i.Tenant), "invoice %s of tenant %s", i.ID, i.Tenant)
		}},
	{ID: "BOLA-6", Title: "Mix other people's orders into a lookup of several", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of response.items[*].customerId",
		Steps: func(a *Attack) {
			mine, hers := a.orderOf(Attacker, anyOrder), a.orderOf(Victim, anyOrder)
			r := a.exploit(Attacker, "POST", "/v1/orders/lookup", fmt.Sprintf(`{"ids":["%s","%s"]}`, mine.ID, hers.ID))
			a.leak(r.has(hers.ShippingAddress.Street) && r.has(Victim), "order %s of %s with her address", hers.ID, Victim)
		}},
	{ID: "BOLA-7", Title: "Order on somebody else's account", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of body.customerId",
		Steps: func(a *Attack) {
			before := a.orderOf(Victim, anyOrder).ID
			a.exploit(Attacker, "POST", "/v1/orders",
				fmt.Sprintf(`{"customerId":"%s","items":[{"productId":"%s","quantity":1}]}`, Victim, a.product("HG-OUT-0006").ID))
			after := a.orderOf(Victim, anyOrder)
			a.leak(after.ID != before, "order %s over %d cents, to be paid by %s", after.ID, after.Total, Victim)
		}},
	{ID: "BOLA-8", Title: "Read somebody else's payment", Class: "API1:2023", CWE: "CWE-639",
		Control: "policy.object: owner of response.customerId",
		Steps: func(a *Attack) {
			var p payment
			a.state(func(s *store) { p = *find(s.payments, func(p *payment) bool { return p.CustomerID == Victim }) })
			r := a.exploit(Attacker, "GET", "/v1/payments/"+p.ID, "")
			a.leak(r.has(p.Method.Holder), "payment of %s: holder, %s", Victim, cmp.Or(p.Method.Brand, "bank account"))
		}},
	{ID: "BOLA-9", Title: "Delete somebody else's webhook", Class: "API1:2023", CWE: "CWE-639",
		Why: "The request names only the webhook's id and the answer is an empty 204: nothing in the exchange says whose webhook it is. " +
			"It takes the API, or ids that are sealed for the one who may use them.",
		Steps: func(a *Attack) {
			hers := func(h *webhook) bool { return h.CustomerID == Victim }
			var id string
			var before, after int
			a.state(func(s *store) { id, before = find(s.webhooks, hers).ID, len(filter(s.webhooks, hers)) })
			a.exploit(Attacker, "DELETE", "/v1/webhooks/"+id, "")
			a.state(func(s *store) { after = len(filter(s.webhooks, hers)) })
			a.leak(after < before, "a webhook of %s is gone", Victim)
		}},
}
