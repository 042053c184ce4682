package lab

import "net/http"

// What was never switched off and is in no documentation.
var legacyRoutes = []route{
	{"GET /v0/customers", public, oldCustomers},
	{"GET /v0/orders", public, oldOrders},
	{"GET /internal/health", public, internalHealth},
	{"GET /debug/vars", public, debugVars},
}

// flaw INV-1: the first version of the API knew no tokens, and it still answers.
func oldCustomers(c *call) {
	var all []*customer
	for _, id := range c.s.customerIDs {
		if who := c.s.customers[id]; who != nil {
			all = append(all, who)
		}
	}
	c.json(http.StatusOK, all)
}

// flaw INV-2: with its debug switch the first version shows orders with payments.
func oldOrders(c *call) {
	if c.r.URL.Query().Get("debug") != "1" {
		c.problem(http.StatusGone, "This version has been retired; see /v1")
		return
	}
	type debugOrder struct {
		*order
		Payments []*payment `json:"payments"`
	}
	all := []debugOrder{}
	for _, id := range c.s.orderIDs[:100] {
		all = append(all, debugOrder{c.s.orders[id], c.s.paymentsOf(id)})
	}
	c.json(http.StatusOK, all)
}

// flaw INV-3: the probe of the operators is on the public listener, and says how to log on to everything.
func internalHealth(c *call) {
	c.json(http.StatusOK, map[string]any{
		"status": "ok", "database": map[string]string{"dsn": "postgres://shop:Tr4wl3r-n1ght@db.internal:5432/shop", "state": "up"},
		"psp": map[string]string{"secret": pspSecret, "state": "up"}, "carrier": c.l.net.carriers(),
	})
}

// flaw CONF-4: the debugger's variables are for everybody.
func debugVars(c *call) {
	c.json(http.StatusOK, map[string]any{
		"cmdline": []string{"/srv/shop/shop-api", "--env=production"},
		"env":     map[string]string{"DATABASE_PASSWORD": "Tr4wl3r-n1ght", "PSP_SECRET": pspSecret},
		"orders":  len(c.s.orders),
	})
}
