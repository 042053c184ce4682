package lab

import (
	"fmt"
	"strings"
)

func visitors(p *tape) {
	p.play("is the shop open", "", "GET /v1/status", 200, "")
	p.walk("browse everything", "", "/v1/products", 20, 5)
	p.walk("browse outdoor things by price", "", "/v1/products?category=outdoor&sort=-price", 3, 4)
	for _, query := range []string{
		"category=kitchen", "category=books&sort=rating", "minPrice=1000&maxPrice=3000", "maxPrice=2500&sort=price&limit=100",
		"tags=wool", "tags=wool,winter", "inStock=true&limit=5", "inStock=false&limit=1", "sort=-rating&limit=10", "category=toys&minPrice=0",
		"tags=bestseller&sort=-name", "category=electronics&inStock=true&sort=-price&limit=2",
	} {
		p.play("browse with "+query, "", "GET /v1/products?"+query, 200, "")
	}
	for _, sku := range []string{"HG-APP-0002", "HG-KIT-0005", "HG-BKS-0003", "HG-HOM-0001"} {
		p.again("look at "+sku, "", "/v1/products/"+p.product(sku).ID)
	}
	p.play("look at a product as a customer", "cus_0003", "GET /v1/products/"+p.product("HG-TOY-0002").ID, 200, "")
	p.play("look at a product that is gone", "", "GET /v1/products/prd_00000000", 404, "")
	p.play("look with an old version", "", "GET /v1/products/"+p.product("HG-TOY-0001").ID, 200, "", "If-None-Match", `W/"0123456789abcdef", "fedcba9876543210"`)
	for _, file := range []string{"guides/size-guide-footwear.txt", "guides/size-guide-apparel.txt", "manuals/head-torch.txt", "manuals/two-person-tent.txt", "forms/return-form.txt", "forms/terms.txt"} {
		p.play("download "+file, "", "GET /v1/downloads?file="+q(file), 200, "")
	}
	p.play("download what is not there", "", "GET /v1/downloads?file="+q("manuals/kettle (2nd edition).txt"), 404, "")
	for _, query := range []string{"country=DE", "country=GB&weight=250", "country=US&weight=30000", "country=JP&weight=1", "country=SE&weight=5400"} {
		p.play("shipping rates for "+query, "", "GET /v1/shipping-rates?"+query, 200, "")
	}
}

func searchers(p *tape) {
	for _, words := range []string{
		"sweater", "O'Brien", "men's shoes", "SELECT men's shoes", "Women's Deck Shoes", "café", "Größe", "Ø 26 cm", "knots & splices",
		"drop table", "\"tea towel\" set", "select * from sea stories", "moby-dick; or, the whale", "rock and roll", "100% wool", "<3",
		"warm > expected", "wool -scratchy", "tent (2 person)", "300 lm", "1,000 pieces", "cotton*", "*boots", "0.4 l", "さくら", "чай", "😀",
		"union jack", "update for my kettle", "where can I order from", "ship's bell #2", "C++ or Go?", "a=b", "usb-c 65w", "like new",
	} {
		p.play("search for "+words, "", "GET /v1/search?q="+q(words), 200, "")
	}
	p.play("search with plus signs for spaces", "", "GET /v1/search?q=wool+blanket&limit=5", 200, "")
	p.play("search with percent signs for spaces", "", "GET /v1/search?q=wool%20blanket&limit=5", 200, "")
	p.walk("search and leaf through", "", "/v1/search?q=e", 15, 3)
}

func readers(p *tape) {
	popular := p.product("HG-APP-0001").ID
	p.walk("read the reviews of the sweater", "", "/v1/products/"+popular+"/reviews", 50, 4)
	p.play("read the good reviews", "", "GET /v1/products/"+popular+"/reviews?minStars=4&limit=10", 200, "")
	p.play("read the reviews of a product that is gone", "", "GET /v1/products/prd_00000000/reviews", 404, "")
	reviews := []m{
		{"stars": 5, "title": "Great", "text": "Keeps me warm & dry. <3"},
		{"stars": 4, "title": "Für Entwickler", "text": "if (cold) { wear(sweater); } else { store(it); } // läuft"},
		{"stars": 1, "title": "Broken -- again!", "text": "The 2nd one in a row; I can't believe it. \"Quality\", they said...\n\nOrder no. 100217, or was it 100218? Never mind; I'd rather have '58s."},
		{"stars": 3, "text": "👍🏽 for the wool, 👎 for the zip. 価格は高いです。"},
		{"stars": 5, "title": "SELECT quality", "text": "I'd select this from all the others where price matters; my union rep ordered the same."},
		{"stars": 2, "title": "Size?", "text": "M < L? No! L == XL here (chest: 103-110cm => 112cm measured). See /v1/downloads, size-guide, §2."},
		{"stars": 5, "title": "l'été", "text": "Parfait pour l'été ; mes enfants l'adorent — c'est « top » !"},
		{"stars": 4, "title": "Script for a rainy day", "text": "My daughter wrote a little script for a play: on click of the lighter, alert the crew, then eval the damage :-)"},
		{"stars": 4, "text": strings.Repeat("It has held up well over a long season: rain, salt, sun, and two children. ", 40)},
		{"stars": 5, "title": "10/10", "text": "Better than the rest, and/or cheaper: would recommend etc. to everyone, 24/7."},
	}
	for i, in := range reviews {
		who := fmt.Sprintf("cus_%04d", 70+i)
		p.play(fmt.Sprintf("review number %d", i+1), who, "POST /v1/products/"+p.product("HG-APP-0002").ID+"/reviews", 201, js(in))
	}
	p.play("read what others have just written", "", "GET /v1/products/"+p.product("HG-APP-0002").ID+"/reviews?limit=100", 200, "")
	p.play("review a product that is gone", "cus_0070", "POST /v1/products/prd_00000000/reviews", 404, js(reviews[0]))
}

func buyers(p *tape) {
	line := func(sku string, n int) m { return m{"productId": p.product(sku).ID, "quantity": n} }
	carts := []m{
		{"items": []m{line("HG-KIT-0001", 2)}},
		{"items": []m{line("HG-APP-0001", 1), line("HG-APP-0006", 3)}, "express": true},
		{"items": []m{line("HG-BKS-0003", 1)}, "giftMessage": "Happy birthday, Dad! 🎂 — with love from O'Hara & kids <3"},
		{"items": []m{line("HG-OUT-0001", 5), line("HG-OUT-0007", 20)}, "note": "Deliver between 9:00 and 12:00; if nobody's in, ring at no. 5 (Müller/Schmidt). Don't bend!"},
		{"items": []m{line("HG-TOY-0002", 1)}, "coupons": []string{"SPRING26"}},
		{"items": []m{line("HG-HOM-0007", 1)}, "coupons": []string{"TIDE-10", "LANTERN"}, "note": ""},
		{"items": []m{line("HG-ELE-0007", 2)}, "note": "Numbers 12 & 13 please, if possible."},
		{"items": []m{line("HG-FTW-0001", 1)}, "note": "Rechnung bitte an: Groß & Söhne GmbH\nKostenstelle: 4711/A; Projekt \"Hafen\"\n\n-- Gruß, J. Müller"},
		{"items": []m{line("HG-KIT-0007", 1)}, "giftMessage": "Для мамы. С днём рождения! お誕生日おめでとう"},
		{"items": []m{line("HG-KIT-0002", 1)}, "note": strings.Repeat("Our street is hard to find: turn left at the church, then follow the quay. ", 30)},
	}
	for i, cart := range carts {
		who := fmt.Sprintf("cus_%04d", 43+i)
		got := p.play(fmt.Sprintf("check out, cart %d", i+1), who, "POST /v1/orders", 201, js(cart))
		p.play(fmt.Sprintf("look at the order of cart %d", i+1), who, "GET /v1/orders/"+got.field("id"), 200, "")
	}
	twice := js(m{"items": []m{line("HG-TOY-0005", 1)}, "shippingAddressId": p.customer("cus_0053").addresses[0].ID})
	p.play("check out with a key", "cus_0053", "POST /v1/orders", 201, twice, "Idempotency-Key", "web-3f2a77c0-0001")
	p.play("check out again with the same key", "cus_0053", "POST /v1/orders", 200, twice, "Idempotency-Key", "web-3f2a77c0-0001")
	p.play("order for oneself by id", "cus_0053", "POST /v1/orders", 201, js(m{"customerId": "cus_0053", "items": []m{line("HG-TOY-0004", 1)}}))
	p.play("too many of a limited edition", "cus_0054", "POST /v1/orders", 422, js(m{"items": []m{line("HG-HOM-0008", 3)}}))
	p.play("a coupon that is not valid", "cus_0054", "POST /v1/orders", 422, js(m{"items": []m{line("HG-HOM-0001", 1)}, "coupons": []string{"OLD-2019"}}))
	p.play("support orders for a customer", "support", "POST /v1/orders", 201, js(m{"customerId": "cus_0055", "items": []m{line("HG-KIT-0004", 1)}, "note": "Replacement for a parcel that got lost; goodwill"}))

	for _, id := range []string{"cus_0003", "cus_0042", "cus_0107", "cus_0133", "cus_0181"} {
		p.walk("orders of "+id, id, "/v1/orders", 3, 3)
		o := p.orderOf(id, anyOrder)
		p.again("last order of "+id, id, "/v1/orders/"+o.ID)
	}
	for _, query := range []string{
		"status=shipped", "status=shipped&status=delivered&sort=createdAt", "from=2026-01-01", "from=2025-06-01&to=2025-12-31&sort=-total",
		"customerId=cus_0042&limit=50", "status=cancelled&limit=1",
	} {
		p.play("own orders with "+query, "cus_0042", "GET /v1/orders?"+query, 200, "")
	}
	first, last := p.orderOf("cus_0042", anyOrder), p.orderOf("cus_0042", func(o *order) bool { return o.Status == "delivered" })
	p.play("two orders at once", "cus_0042", "POST /v1/orders/lookup", 200, js(m{"ids": []string{first.ID, last.ID}}))
	p.play("an order that is not there, at once", "cus_0042", "POST /v1/orders/lookup", 200, js(m{"ids": []string{last.ID, "ord_999999"}}))
	p.play("an order that is not there", "cus_0042", "GET /v1/orders/ord_999999", 404, "")

	pending := p.orderOf("cus_0043", anyOrder)
	path := "/v1/orders/" + pending.ID
	tag := p.play("look before changing an order", "cus_0043", "GET "+path, 200, "").header.Get("ETag")
	p.play("add a gift message", "cus_0043", "PATCH "+path, 200, js(m{"giftMessage": "For Zoë & Noël: \"Bon voyage!\""}), "If-Match", tag)
	p.play("change it from a stale tab", "cus_0043", "PATCH "+path, 412, js(m{"note": "late"}), "If-Match", tag)
	p.play("clear the gift message", "cus_0043", "PATCH "+path, 200, `{"giftMessage":null,"note":"No paper invoice, please."}`, "Content-Type", "application/merge-patch+json")
	p.play("send it elsewhere", "cus_0043", "PATCH "+path, 200, js(m{"shippingAddressId": p.customer("cus_0043").addresses[0].ID}))
	p.play("change an order that is not there", "cus_0043", "PATCH /v1/orders/ord_999999", 404, `{"note":"hello?"}`)
	p.play("change an order that has left", "cus_0042", "PATCH /v1/orders/"+last.ID, 409, `{"note":"too late?"}`)
	p.play("cancel an order", "cus_0043", "POST "+path+"/cancel", 200, "")
	p.play("cancel it again", "cus_0043", "POST "+path+"/cancel", 409, "")
	p.play("cancel an order that was delivered", "cus_0042", "POST /v1/orders/"+last.ID+"/cancel", 409, "")
	p.play("cancel an order that is not there", "cus_0042", "POST /v1/orders/ord_999998/cancel", 404, "")
}

func payers(p *tape) {
	card := func(number, holder string) m {
		return m{"type": "card", "number": number, "expiry": "09/28", "cvc": "737", "holder": holder}
	}
	methods := []m{
		card("4242424242424242", "H. O'BRIEN"), card("5555555555554444", "JÜRGEN GROSS"), card("378282246310005", "AMÉLIE D'ALEMBERT"),
		{"type": "sepa_debit", "iban": "DE89370400440532013000", "holder": "Groß & Söhne GmbH"},
		{"type": "sepa_debit", "iban": "FR1420041010050500013M02606", "holder": "Zoé L'Hôpital"},
		{"type": "card", "number": "6011111111111117", "expiry": "01/30", "cvc": "1234"},
	}
	for i, method := range methods {
		who := fmt.Sprintf("cus_%04d", 44+i)
		o := p.orderOf(who, anyOrder)
		got := p.play(fmt.Sprintf("pay with method %d", i+1), who, "POST /v1/orders/"+o.ID+"/payments", 201, js(m{"amount": o.Total, "method": method}))
		p.play(fmt.Sprintf("payments after method %d", i+1), who, "GET /v1/orders/"+o.ID+"/payments", 200, "")
		p.play(fmt.Sprintf("the payment with method %d", i+1), who, "GET /v1/payments/"+got.field("id"), 200, "")
	}
	o := p.orderOf("cus_0050", anyOrder)
	p.play("a card that is declined", "cus_0050", "POST /v1/orders/"+o.ID+"/payments", 402, js(m{"amount": o.Total, "method": card("4000000000000002", "NO LUCK")}))
	p.play("pay what is paid", "cus_0044", "POST /v1/orders/"+p.orderOf("cus_0044", anyOrder).ID+"/payments", 409, js(m{"amount": 100, "method": methods[0]}))
	p.play("pay an order that is not there", "cus_0044", "POST /v1/orders/ord_999999/payments", 404, js(m{"amount": 100, "method": methods[3]}))
	p.play("a payment that is not there", "cus_0044", "GET /v1/payments/6f1c2a34-0000-4000-a000-0123456789ab", 404, "")
	p.play("payments of an order that is not there", "cus_0044", "GET /v1/orders/ord_999999/payments", 404, "")
}

func returners(p *tape) {
	for i, reason := range []string{"damaged", "not_as_described", "other"} {
		who := fmt.Sprintf("cus_%04d", 44+i)
		o := p.orderOf(who, anyOrder)
		var pay payment
		p.state(func(s *store) { pay = *s.paymentsOf(o.ID)[0] })
		got := p.play("ask for a refund: "+reason, who, "POST /v1/orders/"+o.ID+"/refunds", 201,
			js(m{"paymentId": pay.ID, "amount": pay.Amount / 2, "reason": reason, "comment": "The box was open; one mug's handle broke off (see photo: IMG_0042.jpg)."}))
		p.play("look at the refund: "+reason, who, "GET /v1/refunds/"+got.field("id"), 200, "")
		p.play("own refunds after: "+reason, who, "GET /v1/refunds?status=requested", 200, "")
	}
	o := p.orderOf("cus_0047", anyOrder)
	var pay payment
	p.state(func(s *store) { pay = *s.paymentsOf(o.ID)[0] })
	p.play("ask for more than was paid", "cus_0047", "POST /v1/orders/"+o.ID+"/refunds", 409, js(m{"paymentId": pay.ID, "amount": pay.Amount + 1, "reason": "late"}))
	p.play("ask for a refund of another payment", "cus_0047", "POST /v1/orders/"+o.ID+"/refunds", 404, js(m{"paymentId": "6f1c2a34-0000-4000-a000-0123456789ab", "amount": 1, "reason": "late"}))
	p.play("a refund that is not there", "cus_0047", "GET /v1/refunds/rfd_ffffffffffff", 404, "")
	var paid *refund
	p.state(func(s *store) { paid = s.refunds[0] })
	p.walk("refunds of a customer", paid.CustomerID, "/v1/refunds?status=paid", 1, 2)
	p.play("an old refund", paid.CustomerID, "GET /v1/refunds/"+paid.ID, 200, "")
}

func bookkeepers(p *tape) {
	for _, id := range []string{"cus_0003", "cus_0042", "cus_0125", "cus_0181"} {
		p.walk("invoices of "+id, id, "/v1/invoices", 2, 3)
		var last *invoice
		p.state(func(s *store) {
			last = s.invoices[0]
			for _, i := range s.invoices {
				if i.CustomerID == id {
					last = i
				}
			}
		})
		p.again("last invoice of "+id, last.CustomerID, "/v1/invoices/"+last.ID)
	}
	p.play("invoices of a year", "cus_0042", "GET /v1/invoices?year=2026&limit=100", 200, "")
	p.play("invoices of the year before", "cus_0042", "GET /v1/invoices?year=2025", 200, "")
	p.play("an invoice that is not there", "cus_0042", "GET /v1/invoices/INV-2026-99999", 404, "")
}

func trackers(p *tape) {
	seen := map[string]bool{}
	var parcels []order
	p.state(func(s *store) {
		for _, id := range s.orderIDs {
			o := s.orders[id]
			if (o.Carrier == "northpost" || o.Carrier == "parcelwing") && !seen[o.CustomerID] && len(parcels) < 6 {
				seen[o.CustomerID] = true
				parcels = append(parcels, *o)
			}
		}
	})
	for i, o := range parcels {
		p.play(fmt.Sprintf("where is parcel %d", i+1), o.CustomerID, "GET /v1/orders/"+o.ID+"/tracking", 200, "")
	}
	o := parcels[0]
	p.play("the carrier reports", "partner", "POST /v1/partner/shipments/"+o.TrackingNumber+"/events", 202,
		js(m{"status": "out_for_delivery", "at": "2026-10-27T06:30:00+01:00", "location": "Köln-Ehrenfeld", "description": "On the van; driver's 2nd stop"}))
	p.play("where is it now", o.CustomerID, "GET /v1/orders/"+o.ID+"/tracking", 200, "")
	p.play("the carrier reports once more", "partner", "POST /v1/partner/shipments/"+o.TrackingNumber+"/events", 202, js(m{"status": "delivered", "at": "2026-10-27T09:05:11Z"}))
	p.play("the carrier reports an unknown parcel", "partner", "POST /v1/partner/shipments/NP000000000HG/events", 404, js(m{"status": "returned", "at": "2026-10-27T09:05:11Z"}))
	p.play("an order without a parcel yet", "cus_0045", "GET /v1/orders/"+p.orderOf("cus_0045", anyOrder).ID+"/tracking", 404, "")
}
