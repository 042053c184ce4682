package lab

// API10: unsafe consumption of APIs. The attacker is a carrier that was taken over; the customer only asks where a parcel is.
var partnerFlaws = []Flaw{
	{ID: "PART-1", Title: "A carrier says more than it was asked, and all of it goes on", Class: "API10:2023", CWE: "CWE-213",
		Control: "protect.filter: undeclared properties",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/orders/"+a.parcelWith("sealine")+"/tracking", "")
			a.leak(r.has("+48 601 555 014"), "name, telephone number and licence of the driver")
		}},
	{ID: "PART-2", Title: "A carrier's remark carries somebody else's account numbers", Class: "API10:2023", CWE: "CWE-359",
		Control: "protect.mask: numbers detected in texts",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/orders/"+a.parcelWith("harborvan")+"/tracking", "")
			a.leak(r.has("DE89370400440532013000") || r.has("4242424242424242"), "IBAN and card number of another customer")
		}},
	{ID: "PART-3", Title: "A carrier's remark carries a script", Class: "API10:2023", CWE: "CWE-79",
		Control: "validate.response: pattern",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/orders/"+a.parcelWith("quickship")+"/tracking", "")
			a.leak(r.has("<script"), "a script from cdn.evil.example")
		}},
	{ID: "PART-4", Title: "A carrier's redirect leads to the metadata service", Class: "API10:2023", CWE: "CWE-601",
		Control: "validate.response: required properties",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/shipping-rates?country=LI", "")
			a.leak(r.has(metadataKey), "the machine's cloud credentials")
		}},
	{ID: "PART-5", Title: "A carrier's answer has no end", Class: "API10:2023", CWE: "CWE-770",
		Control: "content: max_response",
		Steps: func(a *Attack) {
			r := a.exploit(Attacker, "GET", "/v1/orders/"+a.parcelWith("bulkair")+"/tracking", "")
			a.leak(r.ok() && len(r.body) > 128<<10, "%d KiB instead of a few lines", len(r.body)>>10)
		}},
	{ID: "PART-6", Title: "A carrier pays whoever orders", Class: "API10:2023", CWE: "CWE-20",
		Control: "validate.response: minimum",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/shipping-rates?country=NZ", "")
			a.leak(r.has("-500000"), "a shipping rate of minus 5,000 euros")
		}},
}

// parcelWith returns the attacker's order that a carrier has on its way.
func (a *Attack) parcelWith(carrier string) string {
	return a.orderOf(Attacker, func(o *order) bool { return o.Carrier == carrier }).ID
}
