package lab

import (
	"cmp"
	"net/http"
	"slices"
)

var adminRoutes = []route{
	{"GET /v1/admin/reports/sales", staff, salesReport},
	// flaw BFLA-1: the report is linked for admins only, and open to whoever has a token.
	{"GET /v1/admin/reports/customers", signedIn, customerReport},
	{"GET /v1/admin/coupons", admin, listCoupons},
	{"POST /v1/admin/coupons", admin, createCoupon},
	// flaw BFLA-3: not in the documentation, and not protected either.
	{"GET /v1/admin/export", signedIn, exportAll},
}

type salesRow struct {
	Key      string `json:"key"`
	Orders   int    `json:"orders"`
	Units    int    `json:"units"`
	Turnover int    `json:"turnover"`
	Margin   int    `json:"margin"`
}

func salesReport(c *call) {
	q := c.r.URL.Query()
	by := cmp.Or(q.Get("groupBy"), "month")
	rows := map[string]*salesRow{}
	for _, id := range c.s.orderIDs {
		o := c.s.orders[id]
		if o.Status == "cancelled" || q.Get("from") != "" && o.CreatedAt < q.Get("from") || q.Get("to") != "" && o.CreatedAt[:10] > q.Get("to") {
			continue
		}
		key := map[string]string{"month": o.CreatedAt[:7], "tenant": o.tenant, "category": c.s.products[o.Items[0].ProductID].Category}[by]
		if rows[key] == nil {
			rows[key] = &salesRow{Key: key}
		}
		r := rows[key]
		r.Orders, r.Turnover, r.Margin = r.Orders+1, r.Turnover+o.Total, r.Margin+o.Margin
		for _, l := range o.Items {
			r.Units += l.Quantity
		}
	}
	sorted := []*salesRow{}
	for _, r := range rows {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(a, b *salesRow) int { return cmp.Compare(a.Key, b.Key) })
	c.json(http.StatusOK, map[string]any{"groupBy": by, "rows": sorted})
}

type customerRow struct {
	CustomerID string `json:"customerId"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Phone      string `json:"phone"`
	Tenant     string `json:"tenant"`
	Orders     int    `json:"orders"`
	Turnover   int    `json:"turnover"`
}

func customerReport(c *call) {
	tenant := c.r.URL.Query().Get("tenant")
	rows := map[string]*customerRow{}
	for _, id := range c.s.orderIDs {
		o := c.s.orders[id]
		who := c.s.customers[o.CustomerID]
		if who == nil || tenant != "" && who.Tenant != tenant {
			continue
		}
		if rows[who.ID] == nil {
			rows[who.ID] = &customerRow{CustomerID: who.ID, Name: who.name(), Email: who.Email, Phone: who.Phone, Tenant: who.Tenant}
		}
		rows[who.ID].Orders++
		rows[who.ID].Turnover += o.Total
	}
	sorted := []*customerRow{}
	for _, r := range rows {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(a, b *customerRow) int {
		return cmp.Or(cmp.Compare(b.Turnover, a.Turnover), cmp.Compare(a.CustomerID, b.CustomerID))
	})
	page(c, sorted)
}

func listCoupons(c *call) { page(c, c.s.coupons) }

func createCoupon(c *call) {
	var in coupon
	if !c.read(&in) {
		return
	}
	if c.s.coupon(in.Code) != nil {
		c.problem(http.StatusConflict, "There is a coupon with this code")
		return
	}
	in.Uses = cmp.Or(in.Uses, 1)
	c.s.coupons = append(c.s.coupons, &in)
	c.json(http.StatusCreated, &in)
}

func exportAll(c *call) {
	var all []*customer
	for _, id := range c.s.customerIDs {
		if who := c.s.customers[id]; who != nil {
			all = append(all, who)
		}
	}
	c.json(http.StatusOK, map[string]any{"exportedAt": c.s.clock, "customers": all, "payments": c.s.payments})
}
