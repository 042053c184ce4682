package lab

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
)

// A checkout is what a client sends to order.
type checkout struct {
	Items []struct {
		ProductID string
		Quantity  int
		UnitPrice int // flaw BOPLA-3: meant for the call centre, and read from everybody
	}
	CustomerID, ShippingAddressID string
	Coupons                       []string
	GiftMessage, Note             string
	Express                       bool
}

func createOrder(c *call) {
	var in checkout
	if !c.read(&in) {
		return
	}
	key := c.me.ID + " " + c.r.Header.Get("Idempotency-Key")
	if id := c.s.keys[key]; id != "" {
		c.json(http.StatusOK, c.s.orders[id])
		return
	}
	// flaw BOLA-7: orders can be made in the name, and on the account, of somebody else.
	who := c.s.customers[cmp.Or(in.CustomerID, c.me.ID)]
	if who == nil || len(who.addresses) == 0 {
		c.problem(http.StatusUnprocessableEntity, "The customer has no address yet")
		return
	}
	to := who.addresses[0]
	if in.ShippingAddressID != "" {
		if to = who.address(in.ShippingAddressID); to == nil {
			c.problem(http.StatusUnprocessableEntity, "There is no such address in the customer's book")
			return
		}
	}
	o := &order{
		CustomerID: who.ID, Status: "pending", Currency: who.home, ShippingAddress: copyOf(to), GiftMessage: in.GiftMessage,
		Note: in.Note, Express: in.Express, FraudVerdict: "clear", tenant: who.Tenant,
	}
	if !c.fill(o, in) || !c.discount(o, in.Coupons) {
		return
	}
	o.sum()
	o.ID, o.CreatedAt = orderID(c.s.next("order")), c.s.now()
	o.UpdatedAt = o.CreatedAt
	c.s.addOrder(o)
	if c.r.Header.Get("Idempotency-Key") != "" {
		c.s.keys[key] = o.ID
	}
	c.created("/v1/orders/"+o.ID, o)
}

// fill takes the lines over and the goods out of stock.
// flaw FLOW-2: "two per customer" is checked per order.
func (c *call) fill(o *order, in checkout) bool {
	checked := firstQuantities(c.body)
	for i, l := range in.Items {
		p := c.s.products[l.ProductID]
		switch {
		case p == nil || p.draft:
			c.problem(http.StatusUnprocessableEntity, "There is no product "+l.ProductID)
			return false
		case p.Limited && checked[i] > 2:
			c.problem(http.StatusUnprocessableEntity, "No more than two of "+p.Name+" per customer")
			return false
		case p.Stock < l.Quantity:
			c.problem(http.StatusConflict, p.Name+" is sold out")
			return false
		}
		p.Stock -= l.Quantity
		o.Items = append(o.Items, line{p.ID, p.Name, l.Quantity, cmp.Or(l.UnitPrice, p.Price)})
		o.Margin += (p.Price - p.CostPrice) * l.Quantity
	}
	return true
}

// firstQuantities returns the quantity of each item as the rules engine reads it.
// flaw CONF-9: it takes the first of duplicate keys, the order takes the last.
func firstQuantities(body []byte) map[int]int {
	found := map[int]int{}
	d := json.NewDecoder(bytes.NewReader(body))
	item, seen := -1, true
	for {
		t, err := d.Token()
		if err != nil {
			return found
		}
		switch key, _ := t.(string); {
		case t == json.Delim('{'):
			item, seen = item+1, false
		case strings.EqualFold(key, "quantity") && !seen && item > 0:
			var n int
			if d.Decode(&n) == nil {
				found[item-1] = n
			}
			seen = true
		}
	}
}

// discount takes the coupons off.
func (c *call) discount(o *order, codes []string) bool {
	for _, code := range codes {
		k := c.s.coupon(code)
		if k == nil || k.Uses == 0 {
			c.problem(http.StatusUnprocessableEntity, "Coupon "+code+" is not valid")
			return false
		}
		k.Uses--
		o.Discount += k.Value
	}
	o.Coupons = codes
	return true
}
