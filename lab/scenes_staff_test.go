package lab

import (
	"fmt"
	"strings"
)

func bargainHunters(p *tape) {
	p.play("redeem a coupon", "cus_0090", "POST /v1/coupons/redeem", 200, `{"code":"OCTOPUS"}`)
	p.play("redeem it again", "cus_0090", "POST /v1/coupons/redeem", 409, `{"code":"OCTOPUS"}`)
	p.play("mistype a code", "cus_0090", "POST /v1/coupons/redeem", 404, `{"code":"HARBOR-DAY"}`)
	p.play("type it right", "cus_0090", "POST /v1/coupons/redeem", 200, `{"code":"HARBOUR-DAY"}`)
	for i, id := range []string{"cus_0091", "cus_0136", "cus_0175"} {
		p.play("redeem the newsletter's coupon as "+id, id, "POST /v1/coupons/redeem", 200, `{"code":"SPRING26"}`)
		p.play("invite a friend of "+id, id, "POST /v1/referrals", 201,
			js(m{"email": fmt.Sprintf("friend.no-%d@inbox.example", i), "message": "Hi! You've got to see this shop, it's <3. Use my link & save 5€ :-)"}))
	}
	p.play("invite the same friend", "cus_0091", "POST /v1/referrals", 409, `{"email":"friend.no-0@inbox.example"}`)
	p.play("invite another friend", "cus_0091", "POST /v1/referrals", 201, `{"email":"grand.ma@mail.example"}`)
	p.walk("whom have I invited", "cus_0091", "/v1/referrals", 1, 2)
	p.play("whom has nobody invited", "cus_0003", "GET /v1/referrals", 200, "")
}

func integrators(p *tape) {
	urls := []string{
		"https://hooks.northwind.example.com/harborgoods", "https://erp.kutter-soehne.example/api/v2/events?source=hg&tenant=7",
		"https://user-content.example.org:8443/hooks/6f1c2a34/~orders", "http://legacy.shop-tools.example.net/in.php?id=42",
		"https://flows.automation.example/webhook/%E2%9C%93/new", "https://hooks.gone.example/",
	}
	ids := make([]string, len(urls))
	for i, url := range urls {
		who := []string{"cus_0110", "cus_0140"}[i%2]
		got := p.play("add a webhook to "+url, who, "POST /v1/webhooks", 201, js(m{"url": url, "events": []string{"order.created", "refund.paid"}, "description": "ERP & co."}))
		ids[i] = got.field("id")
		p.play("try the webhook to "+url, who, "POST /v1/webhooks/"+ids[i]+"/test", 200, "")
	}
	p.play("add a webhook twice", "cus_0110", "POST /v1/webhooks", 409, js(m{"url": urls[0], "events": []string{"order.paid"}}))
	p.play("list webhooks", "cus_0110", "GET /v1/webhooks", 200, "")
	p.play("list webhooks of an old customer", "cus_0107", "GET /v1/webhooks", 200, "")
	p.play("list no webhooks", "cus_0003", "GET /v1/webhooks", 200, "")
	p.play("look at a webhook", "cus_0110", "GET /v1/webhooks/"+ids[0], 200, "")
	p.play("look at a webhook that is not there", "cus_0110", "GET /v1/webhooks/6f1c2a34-0000-4000-b000-0123456789ab", 404, "")
	p.play("remove a webhook", "cus_0110", "DELETE /v1/webhooks/"+ids[0], 204, "")
	p.play("remove it once more", "cus_0110", "DELETE /v1/webhooks/"+ids[0], 404, "")
	p.play("try a webhook that is gone", "cus_0110", "POST /v1/webhooks/"+ids[0]+"/test", 404, "")
}

func supporters(p *tape) {
	p.walk("support leafs through customers", "support", "/v1/customers", 100, 2)
	for _, query := range []string{"q=o%27brien", "q=M%C3%BCller", "q=mail.example&limit=3", "country=JP&sort=createdAt", "status=blocked&limit=50", "sort=-name&limit=5", "country=FR&q=L%27H"} {
		p.play("support looks for customers with "+query, "support", "GET /v1/customers?"+query, 200, "")
	}
	p.again("support reads a profile", "support", "/v1/customers/cus_0107")
	p.play("support looks for a customer who is not there", "support", "GET /v1/customers/cus_9999", 404, "")
	p.play("support corrects a typo", "support", "PATCH /v1/customers/cus_0108", 200, `{"lastName":"L'Hôpital"}`)
	p.play("support reads an address book", "support", "GET /v1/customers/cus_0108/addresses", 200, "")
	p.play("support lists orders of a customer", "support", "GET /v1/orders?customerId=cus_0107&sort=total", 200, "")
	p.play("support lists new orders", "support", "GET /v1/orders?status=pending&limit=10", 200, "")
	p.again("support reads an order", "support", "/v1/orders/"+p.orderOf("cus_0107", anyOrder).ID)
	p.play("support lists refunds", "support", "GET /v1/refunds?limit=5", 200, "")
	p.play("support lists invoices", "support", "GET /v1/invoices?limit=5", 200, "")
	p.play("support reads the sales report", "support", "GET /v1/admin/reports/sales", 200, "")
	p.play("support reads a profile of its own", "support", "GET /v1/me", 200, "")
}

func admins(p *tape) {
	for _, query := range []string{"groupBy=month", "groupBy=category&from=2026-01-01", "groupBy=tenant&from=2025-01-01&to=2025-12-31"} {
		p.play("sales report with "+query, "admin", "GET /v1/admin/reports/sales?"+query, 200, "")
	}
	p.walk("the best customers", "admin", "/v1/admin/reports/customers", 50, 3)
	p.play("the best customers of a tenant", "admin", "GET /v1/admin/reports/customers?tenant=harbor-us&limit=10", 200, "")
	p.walk("all coupons", "admin", "/v1/admin/coupons", 5, 2)
	p.play("issue a coupon", "admin", "POST /v1/admin/coupons", 201, js(m{"code": "ANCHOR-5", "value": 500, "currency": "EUR", "description": "Saint Nicholas' day: 5€ off orders > 50€", "uses": 100, "expiresAt": "2026-12-06T23:59:59Z"}))
	p.play("issue it again", "admin", "POST /v1/admin/coupons", 409, js(m{"code": "ANCHOR-5", "value": 500, "currency": "EUR"}))

	products := []m{
		{"sku": "HG-KIT-0101", "name": "Grandma's Cookie Tin", "description": "Ø 20 cm; with <lid> & recipe: \"250 g butter, 1/2 cup sugar\"", "category": "kitchen", "price": 1900, "currency": "EUR", "stock": 25, "tags": []string{"tin", "gift"}, "costPrice": 700},
		{"sku": "HG-BKS-0101", "name": "SQL for Sailors: SELECT, JOIN & Set Sail", "description": "From SELECT * FROM ports WHERE depth > 3 to UNION of fleets. With exercises.", "category": "books", "price": 3400, "currency": "EUR"},
		{"sku": "HG-TOY-0101", "name": "Żaglówka «Łódź»", "description": "Drewniana łódka.\nOd 3 lat.", "category": "toys", "price": 2900, "currency": "EUR", "stock": 5, "weight": 350},
	}
	for _, in := range products {
		got := p.play(fmt.Sprintf("add the product %s", in["sku"]), "admin", "POST /v1/products", 201, js(in))
		p.again(fmt.Sprintf("look at the new product %s", in["sku"]), "", "/v1/products/"+got.field("id"))
	}
	p.play("add a product twice", "admin", "POST /v1/products", 409, js(products[0]))
	id := p.product("HG-KIT-0007").ID
	tag := p.play("look before a price changes", "admin", "GET /v1/products/"+id, 200, "").header.Get("ETag")
	p.play("change a price", "admin", "PATCH /v1/products/"+id, 200, `{"price":5900,"tags":["steel","sale"]}`, "If-Match", tag)
	p.play("change it from a stale tab, too", "admin", "PATCH /v1/products/"+id, 412, `{"price":6900}`, "If-Match", tag)
	p.play("rewrite a description", "admin", "PATCH /v1/products/"+id, 200, js(m{"description": strings.Repeat("Whistles at 100 °C -- and looks good on any stove; it's steel, isn't it? ", 20)}))
	p.play("change a product that is not there", "admin", "PATCH /v1/products/prd_00000000", 404, `{"stock":1}`)

	p.play("make somebody a colleague", "admin", "PUT /v1/customers/cus_0109/role", 200, `{"role":"support"}`)
	p.play("and a customer again", "admin", "PUT /v1/customers/cus_0109/role", 200, `{"role":"customer"}`)
	p.play("make nobody a colleague", "admin", "PUT /v1/customers/cus_9999/role", 404, `{"role":"support"}`)
	p.play("an admin reads any profile", "admin", "GET /v1/customers/cus_0181", 200, "")
}

func stockists(p *tape) {
	p.walk("the partner reads the stock", "partner", "/v1/partner/stock", 40, 2)
	p.play("the partner reads what is low", "partner", "GET /v1/partner/stock?below=100&limit=50", 200, "")
	for i, sku := range []string{"HG-KIT-0001", "HG-FTW-0003", "HG-TOY-0004"} {
		p.play("the partner delivers "+sku, "partner", "PUT /v1/partner/stock/"+sku, 200, js(m{"quantity": 300 + i, "note": "Pallet 3/4; delivery note #2026-10/77 'partial'"}))
	}
	p.play("the partner delivers what nobody sells", "partner", "PUT /v1/partner/stock/HG-ZZZ-9999", 404, `{"quantity":1}`)
	lists := []string{
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n<catalogue supplier=\"Fjordtex AS\">\n  <reference>PL-2026/11</reference>\n  <product><sku>HG-APP-0001</sku><cost>4100</cost></product>\n  <product><sku>HG-APP-0006</sku><cost>950</cost></product>\n</catalogue>\n",
		`<catalogue><reference>Kutter &amp; Söhne &lt;Herbst&gt;</reference><product><sku>HG-KIT-0002</sku><cost>2600</cost></product></catalogue>`,
		`<catalogue xmlns="https://schemas.harborgoods.example/pricelist/1"><reference>42</reference><!-- two unknown --><product unit="pc"><sku>HG-XXX-0001</sku><cost>1</cost></product><product><sku>HG-XXX-0002</sku><cost>2</cost></product></catalogue>`,
	}
	for i, list := range lists {
		p.play(fmt.Sprintf("the partner hands in price list %d", i+1), "partner", "POST /v1/products/import", 200, list, "Content-Type", "application/xml")
	}
	p.play("the partner hands in a price list with words for numbers", "partner", "POST /v1/products/import", 422,
		`<catalogue><reference>x</reference><product><sku>HG-APP-0001</sku><cost>forty</cost></product></catalogue>`, "Content-Type", "application/xml; charset=utf-8")
}
