package lab

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var customerRoutes = []route{
	{"GET /v1/me", signedIn, getMe},
	{"GET /v1/customers", staff, listCustomers},
	{"POST /v1/customers", public, registerCustomer},
	{"GET /v1/customers/{customerId}", signedIn, getCustomer},
	{"PATCH /v1/customers/{customerId}", signedIn, updateCustomer},
	// flaw BFLA-2: nobody thought that a customer would send DELETE.
	{"DELETE /v1/customers/{customerId}", signedIn, deleteCustomer},
	// flaw BFLA-4: only the admin's screen has the button, so the route asks for no more than a token.
	{"PUT /v1/customers/{customerId}/role", signedIn, setRole},
}

// customer returns the customer that the path names, or answers 404.
func (c *call) customer() *customer {
	who := c.s.customers[c.r.PathValue("customerId")]
	if who == nil {
		c.missing("customer")
	}
	return who
}

func getMe(c *call) {
	who := c.s.customers[c.me.ID]
	if who == nil {
		c.missing("customer")
		return
	}
	c.tagged(who)
}

func listCustomers(c *call) {
	q := c.r.URL.Query()
	needle := strings.ToLower(q.Get("q"))
	var found []*customer
	for _, id := range c.s.customerIDs {
		who := c.s.customers[id]
		if who == nil || who.Role != "customer" ||
			needle != "" && !strings.Contains(strings.ToLower(who.name()+" "+who.Email), needle) ||
			q.Get("country") != "" && q.Get("country") != who.Country ||
			q.Get("status") != "" && q.Get("status") != who.Status {
			continue
		}
		found = append(found, who)
	}
	field, down := sorting(c, "name")
	slices.SortStableFunc(found, func(a, b *customer) int {
		by := cmp.Compare(a.LastName+a.FirstName, b.LastName+b.FirstName)
		if field == "createdAt" {
			by = cmp.Compare(a.CreatedAt, b.CreatedAt)
		}
		if down {
			return -by
		}
		return by
	})
	page(c, found)
}

func registerCustomer(c *call) {
	var in struct {
		Password string
		customer
	}
	if !c.read(&in) {
		return
	}
	// flaw BOPLA-8: the new row is what the client sent, tenant and role included.
	who := in.customer
	who.Email = strings.ToLower(who.Email)
	if c.s.byEmail(who.Email) != nil {
		c.problem(http.StatusConflict, "There is an account with this e-mail address")
		return
	}
	who.ID = fmt.Sprintf("cus_%04d", customerCount+c.s.next("customer"))
	who.Status, who.CreatedAt = "active", c.s.now()
	who.UpdatedAt, who.password, who.home = who.CreatedAt, in.Password, "EUR"
	who.Tenant, who.Role = cmp.Or(who.Tenant, tenants[0]), cmp.Or(who.Role, "customer")
	who.Locale = cmp.Or(who.Locale, "en-GB")
	who.PasswordHash = "$2b$12$" + strings.Repeat("n", 53)
	c.s.addCustomer(&who)
	c.created("/v1/customers/"+who.ID, &who)
}

// getCustomer answers with any customer.
// flaw BOLA-2: it never asks whose profile this is.
func getCustomer(c *call) {
	if who := c.customer(); who != nil {
		c.tagged(who)
	}
}

// updateCustomer changes a profile.
// flaw BOLA-3: also that of somebody else.
// flaw BOPLA-2: the body is decoded over the row, so that every column can be set.
func updateCustomer(c *call) {
	who := c.customer()
	if who == nil || c.stale(who) {
		return
	}
	changed := *who
	if !c.read(&changed) {
		return
	}
	changed.Email = strings.ToLower(changed.Email)
	if other := c.s.byEmail(changed.Email); other != nil && other != who {
		c.problem(http.StatusConflict, "There is an account with this e-mail address")
		return
	}
	changed.ID, changed.UpdatedAt = who.ID, c.s.now()
	*who = changed
	c.tagged(who)
}

func deleteCustomer(c *call) {
	who := c.customer()
	if who == nil {
		return
	}
	c.s.customers[who.ID] = nil
	c.w.WriteHeader(http.StatusNoContent)
}

func setRole(c *call) {
	var in struct{ Role string }
	who := c.customer()
	if who == nil || !c.read(&in) {
		return
	}
	who.Role = in.Role
	c.json(http.StatusOK, map[string]any{"id": who.ID, "role": who.Role})
}
