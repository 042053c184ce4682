package lab

import (
	"fmt"
	"net/http"
	"strings"
)

// API4: unrestricted resource consumption.
var resourceFlaws = []Flaw{
	{ID: "DOS-1", Title: "A page as long as the client likes", Class: "API4:2023", CWE: "CWE-770",
		Control: "validate.params: maximum",
		Steps: func(a *Attack) {
			r := a.exploit(nobody, "GET", "/v1/products/"+a.product("HG-APP-0001").ID+"/reviews?limit=1000000", "")
			n := strings.Count(string(r.body), `"productId"`)
			a.leak(n > 100, "%d reviews in one answer instead of 100", n)
		}},
	{ID: "DOS-2", Title: "A lookup of thousands of orders", Class: "API4:2023", CWE: "CWE-770",
		Control: "validate.body: maxItems",
		Steps: func(a *Attack) {
			id := a.orderOf(Attacker, anyOrder).ID
			r := a.exploit(Attacker, "POST", "/v1/orders/lookup", `{"ids":["`+id+strings.Repeat(`","`+id, 4999)+`"]}`)
			a.leak(r.ok() && len(r.body) > 1<<20, "%d KiB for a request of 65", len(r.body)>>10)
		}},
	{ID: "DOS-3", Title: "An avatar of six megabytes", Class: "API4:2023", CWE: "CWE-400",
		Control: "content: max_body",
		Steps: func(a *Attack) {
			const edge = "lighthouse"
			body := "--" + edge + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"me.png\"\r\nContent-Type: image/png\r\n\r\n" +
				string(PNG) + strings.Repeat("\x00", 6<<20) + "\r\n--" + edge + "--\r\n"
			a.exploit(Attacker, "PUT", "/v1/customers/"+Attacker+"/avatar", body, "Content-Type", "multipart/form-data; boundary="+edge)
			c := a.customer(Attacker)
			a.leak(c.avatar != nil && len(c.avatar.data) > 2<<20, "six megabytes stored as an avatar")
		}},
	{ID: "DOS-4", Title: "A search that keeps the database busy for its asterisks", Class: "API4:2023", CWE: "CWE-1333",
		Control: "validate.params: pattern",
		Steps: func(a *Attack) {
			a.exploit(nobody, "GET", "/v1/search?q="+strings.Repeat("*e", 9)+"*zz", "")
			var steps int
			a.state(func(s *store) { steps = s.searchSteps })
			a.leak(steps > 500_000, "%d comparisons for one search", steps)
		}},
	{ID: "DOS-5", Title: "SMS without end, at the shop's expense", Class: "API4:2023", CWE: "CWE-799",
		Control: "limit.spend: rate of sendPhoneCode by principal",
		Steps: func(a *Attack) {
			for range 15 {
				if r := a.exploit(texter, "POST", "/v1/auth/phone-verification", ""); r.code != "" {
					break
				}
			}
			n := a.customer(texter).texts
			a.leak(n > 5, "%d SMS within a second", n)
		}},
	{ID: "DOS-6", Title: "An order with a note of six megabytes", Class: "API4:2023", CWE: "CWE-400",
		Control: "content: max_body",
		Steps: func(a *Attack) {
			note := strings.Repeat("Please ring. ", 6<<20/13)
			a.exploit(Attacker, "POST", "/v1/orders", fmt.Sprintf(`{"items":[{"productId":"%s","quantity":1}],"note":"%s"}`, a.product("HG-KIT-0001").ID, note))
			a.leak(len(a.orderOf(Attacker, anyOrder).Note) > 1<<20, "six megabytes stored as a note")
		}},
}

// Flaws that use up a budget have customers of their own, so that one does not hide how the next is stopped.
const (
	texter  = "cus_0061"
	guesser = "cus_0062"
	scalper = "cus_0063"
	inviter = "cus_0064"
)

// API6: unrestricted access to sensitive business flows.
var flowFlaws = []Flaw{
	{ID: "FLOW-1", Title: "Count coupon codes up until one is good", Class: "API6:2023", CWE: "CWE-799",
		Control: "limit.spend: rate of redeemCoupon by principal",
		Steps: func(a *Attack) {
			for n := 10; n < 60; n++ {
				r := a.exploit(guesser, "POST", "/v1/coupons/redeem", fmt.Sprintf(`{"code":"WELCOME-%02d"}`, n))
				if r.code != "" || r.err != nil {
					return
				}
				if r.ok() {
					a.leak(a.customer(guesser).credit > 0, "a coupon worth %d cents after %d guesses", a.customer(guesser).credit, a.requests)
					return
				}
			}
		}},
	{ID: "FLOW-2", Title: "Buy a limited edition out within a second", Class: "API6:2023", CWE: "CWE-799",
		Control: "limit.spend: rate of createOrder by principal",
		Steps: func(a *Attack) {
			id := a.product("HG-ELE-0007").ID
			for range 20 {
				if r := a.exploit(scalper, "POST", "/v1/orders", fmt.Sprintf(`{"items":[{"productId":"%s","quantity":2}]}`, id)); r.code != "" {
					break
				}
			}
			a.leak(a.product("HG-ELE-0007").Stock == 0, "all 40 pieces of an edition that is limited to two per customer")
		}},
	{ID: "FLOW-3", Title: "Have the same payment refunded again and again", Class: "API6:2023", CWE: "CWE-841",
		Why: "Each refund is a valid request of the payment's owner, and no larger than the payment. Only the shop knows what it has paid back already. " +
			"The rate limit slows it down and does not stop it.",
		Steps: func(a *Attack) {
			o := a.orderOf(Attacker, func(o *order) bool { return o.Status == "paid" })
			var p payment
			a.state(func(s *store) { p = *s.paymentsOf(o.ID)[0] })
			for range 3 {
				a.exploit(Attacker, "POST", "/v1/orders/"+o.ID+"/refunds", fmt.Sprintf(`{"paymentId":"%s","amount":%d,"reason":"damaged"}`, p.ID, p.Amount))
			}
			a.state(func(s *store) { p = *s.paymentsOf(o.ID)[0] })
			a.leak(p.Refunded > p.Amount, "%d cents back for a payment of %d", p.Refunded, p.Amount)
		}},
	{ID: "FLOW-4", Title: "Harvest bonus points with invented friends", Class: "API6:2023", CWE: "CWE-799",
		Control: "limit.spend: rate of refer by principal",
		Steps: func(a *Attack) {
			before := a.customer(inviter).Points
			for n := range 25 {
				if r := a.exploit(inviter, "POST", "/v1/referrals", fmt.Sprintf(`{"email":"mallory+%d@inbox.example"}`, n)); r.code != "" {
					break
				}
			}
			won := a.customer(inviter).Points - before
			a.leak(won > 10*500, "%d points for friends who do not exist", won)
		}},
	{ID: "FLOW-5", Title: "Order a negative number of things", Class: "API6:2023", CWE: "CWE-1284",
		Control: "validate.body: minimum",
		Steps: func(a *Attack) {
			a.exploit(Attacker, "POST", "/v1/orders", fmt.Sprintf(`{"items":[{"productId":"%s","quantity":-3}]}`, a.product("HG-OUT-0006").ID))
			o := a.orderOf(Attacker, anyOrder)
			a.leak(o.Total < 0, "an order over %d cents", o.Total)
		}},
	{ID: "FLOW-6", Title: "Pay one cent and have the order settled", Class: "API6:2023", CWE: "CWE-840",
		Why: "The amount is a declared field with a value that the spec allows, from the order's owner. That it has to equal what is due is known to the shop only.",
		Steps: func(a *Attack) {
			o := a.orderOf(Attacker, func(o *order) bool { return o.Status == "pending" })
			a.exploit(Attacker, http.MethodPost, "/v1/orders/"+o.ID+"/payments",
				`{"amount":1,"method":{"type":"card","number":"4242424242424242","expiry":"11/29","cvc":"123","holder":"M ALLORY"}}`)
			now := a.orderOf(Attacker, func(x *order) bool { return x.ID == o.ID })
			a.leak(now.Status == "paid", "an order over %d cents is paid with one", o.Total)
		}},
}
