package lab

import (
	"fmt"
	"slices"
	"strings"
)

var invoiceRoutes = []route{
	{"GET /v1/invoices", signedIn, listInvoices},
	{"GET /v1/invoices/{invoiceId}", signedIn, getInvoice},
}

// listInvoices answers with the caller's invoices; support sees those of its tenant.
func listInvoices(c *call) {
	year := c.r.URL.Query().Get("year")
	if year != "" && !slices.Contains([]string{"2025", "2026"}, year) {
		// flaw CONF-1: a year without its partition is an error that says everything.
		panic(fmt.Errorf(`pq: relation "invoices_%s" does not exist; statement: SELECT * FROM invoices_%s WHERE customer_id = '%s' ORDER BY issued_at DESC; `+
			`dsn: host=db.internal user=shop password=Tr4wl3r-n1ght`, year, year, c.me.ID))
	}
	found := filter(c.s.invoices, func(i *invoice) bool {
		mine := i.CustomerID == c.me.ID || c.me.Role == "admin" || c.me.Role == "support" && i.Tenant == c.me.Tenant
		return mine && (year == "" || strings.HasPrefix(i.ID, "INV-"+year))
	})
	slices.Reverse(found)
	page(c, found)
}

// getInvoice answers with any invoice.
// flaw BOLA-5: numbers are counted up across all tenants, and any tenant may read all of them.
func getInvoice(c *call) {
	i := find(c.s.invoices, func(i *invoice) bool { return i.ID == c.r.PathValue("invoiceId") })
	if i == nil {
		c.missing("invoice")
		return
	}
	c.tagged(i)
}
