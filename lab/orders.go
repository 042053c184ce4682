package lab

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
)

var orderRoutes = []route{
	{"GET /v1/orders", signedIn, listOrders},
	{"POST /v1/orders", signedIn, createOrder},
	{"POST /v1/orders/lookup", signedIn, lookupOrders},
	{"GET /v1/orders/{orderId}", signedIn, getOrder},
	{"PATCH /v1/orders/{orderId}", signedIn, updateOrder},
	{"POST /v1/orders/{orderId}/cancel", signedIn, cancelOrder},
}

// order returns the order that the path names, or answers 404, also when it belongs to somebody else.
func (c *call) order() *order {
	o := c.s.orders[c.r.PathValue("orderId")]
	if o == nil || !c.owns(o.CustomerID) {
		c.missing("order")
		return nil
	}
	return o
}

func listOrders(c *call) {
	q := c.r.URL.Query()
	var found []*order
	for _, id := range c.s.orderIDs {
		o := c.s.orders[id]
		if !c.owns(o.CustomerID) ||
			q.Get("customerId") != "" && q.Get("customerId") != o.CustomerID ||
			len(q["status"]) > 0 && !slices.Contains(q["status"], o.Status) ||
			q.Get("from") != "" && o.CreatedAt < q.Get("from") ||
			q.Get("to") != "" && o.CreatedAt[:10] > q.Get("to") {
			continue
		}
		found = append(found, o)
	}
	field, down := sorting(c, "-createdAt")
	slices.SortStableFunc(found, func(a, b *order) int {
		by := cmp.Compare(a.ID, b.ID)
		if field == "total" {
			by = cmp.Compare(a.Total, b.Total)
		}
		if down {
			return -by
		}
		return by
	})
	page(c, found)
}

// lookupOrders answers with several orders.
// flaw BOLA-6: whoever they belong to.
// flaw DOS-2: however many there are.
func lookupOrders(c *call) {
	var in struct{ IDs []string }
	if !c.read(&in) {
		return
	}
	found := []*order{}
	for _, id := range in.IDs {
		if o := c.s.orders[id]; o != nil {
			found = append(found, o)
		}
	}
	c.json(http.StatusOK, map[string]any{"items": found})
}

// getOrder answers with any order.
// flaw BOLA-1: numbers can be counted up, and nobody asks whose order it is.
func getOrder(c *call) {
	o := c.s.orders[c.r.PathValue("orderId")]
	if o == nil {
		c.missing("order")
		return
	}
	c.tagged(o)
}

func updateOrder(c *call) {
	var in struct {
		ShippingAddressID *string
		GiftMessage, Note json.RawMessage
	}
	o := c.order()
	if o == nil || c.stale(o) || !c.read(&in) {
		return
	}
	if o.Status != "pending" && o.Status != "paid" {
		c.problem(http.StatusConflict, "The order has left the house")
		return
	}
	if in.ShippingAddressID != nil {
		a := c.s.customers[o.CustomerID].address(*in.ShippingAddressID)
		if a == nil {
			c.problem(http.StatusConflict, "There is no such address in the customer's book")
			return
		}
		o.ShippingAddress = copyOf(a)
	}
	setText(&o.GiftMessage, in.GiftMessage)
	setText(&o.Note, in.Note)
	o.UpdatedAt = c.s.now()
	c.tagged(o)
}

// setText takes a member of a merge patch over: absent leaves the text, null clears it.
func setText(text *string, member json.RawMessage) {
	var s string
	if member != nil && json.Unmarshal(member, &s) == nil {
		*text = s
	}
}

func cancelOrder(c *call) {
	o := c.order()
	if o == nil {
		return
	}
	if o.Status != "pending" && o.Status != "paid" {
		c.problem(http.StatusConflict, "An order that is "+o.Status+" cannot be cancelled")
		return
	}
	o.Status, o.UpdatedAt = "cancelled", c.s.now()
	for _, p := range c.s.payments {
		if p.OrderID == o.ID && p.Status == "settled" {
			p.Refunded, p.Status = p.Amount, "refunded"
		}
	}
	c.tagged(o)
}
