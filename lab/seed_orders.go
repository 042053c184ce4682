package lab

import (
	"fmt"
	"strings"
	"time"
)

func (g *seeder) status() string {
	return pick(g, []string{"delivered", "delivered", "delivered", "delivered", "shipped", "shipped", "paid", "pending", "cancelled"})
}

// order adds one order of a customer with what follows from its status: payment, parcel, refund, invoice.
func (g *seeder) order(c *customer, status, carrier string) {
	n := g.s.next("order")
	at := time.Date(2025, 1, 5, 6, 0, 0, 0, time.UTC).Add(time.Duration(n*17)*time.Hour + time.Duration(g.IntN(3600))*time.Second)
	o := &order{
		ID: orderID(n), CustomerID: c.ID, Status: status, Currency: c.home, ShippingAddress: copyOf(c.addresses[0]),
		CreatedAt: at.Format(time.RFC3339), UpdatedAt: at.Add(50 * time.Hour).Format(time.RFC3339),
		FraudVerdict: pick(g, []string{"clear", "clear", "review"}), tenant: c.Tenant, Express: g.IntN(6) == 0,
	}
	for range 1 + g.IntN(4) {
		p := g.s.products[pick(g, g.s.productIDs)]
		if !p.draft && !p.Limited {
			o.Items = append(o.Items, line{p.ID, p.Name, 1 + g.IntN(3), p.Price})
			o.Margin += p.Price - p.CostPrice
		}
	}
	if len(o.Items) == 0 {
		p := g.s.products[g.s.productIDs[0]]
		o.Items = []line{{p.ID, p.Name, 1, p.Price}}
	}
	o.sum()
	if g.IntN(9) == 0 {
		o.Note = pick(g, []string{"Please leave it with the neighbours (no. 7).", "Ring twice; the bell's broken.", "Bitte nicht knicken!", "Gate code 4711#"})
	}
	g.s.addOrder(o)
	if status == "shipped" || status == "delivered" {
		o.Carrier, o.TrackingNumber = carrier, trackingPrefix[carrier]+g.digits("#########")+"HG"
	}
	if status != "pending" && status != "cancelled" {
		g.pay(c, o, at)
	}
}

// sum adds the order up.
func (o *order) sum() {
	o.Subtotal = 0
	for _, l := range o.Items {
		o.Subtotal += l.UnitPrice * l.Quantity
	}
	o.Shipping = 490
	if o.Express {
		o.Shipping = 1290
	}
	o.Total = max(o.Subtotal-o.Discount, 0) + o.Shipping
	if o.Subtotal < 0 {
		o.Total = o.Subtotal + o.Shipping // flaw FLOW-5: a negative quantity is money back
	}
}

func (g *seeder) pay(c *customer, o *order, at time.Time) {
	p := &payment{
		ID: g.uuid(), OrderID: o.ID, CustomerID: c.ID, Amount: o.Total, Currency: o.Currency, Status: "settled",
		CreatedAt: at.Add(4 * time.Minute).Format(time.RFC3339), Method: g.method(c),
	}
	g.s.payments = append(g.s.payments, p)
	inv := &invoice{
		ID: fmt.Sprintf("INV-%d-%05d", at.Year(), g.s.next("invoice")), OrderID: o.ID, CustomerID: c.ID, Tenant: c.Tenant,
		BillTo: *copyOf(c.addresses[0]), DebitFrom: p.Method.IBAN, Total: o.Total, Tax: o.Total * 19 / 119, Currency: o.Currency,
		IssuedAt: at.Add(30 * time.Hour).Format(time.RFC3339),
	}
	g.s.invoices = append(g.s.invoices, inv)
	if g.IntN(9) == 0 && c.ID != Attacker {
		g.refund(o, p, at)
	}
}

func (g *seeder) method(c *customer) method {
	if c.Tenant == tenants[0] && g.IntN(2) == 0 {
		return method{Type: "sepa_debit", IBAN: g.iban(), Holder: c.name()}
	}
	brand := pick(g, []string{"visa", "mastercard", "amex"})
	prefix := map[string]string{"visa": "424242#########", "mastercard": "555555#########", "amex": "378282########"}[brand]
	return method{Type: "card", Brand: brand, Number: luhn(g.digits(prefix)), Expiry: fmt.Sprintf("%02d/%d", 1+g.IntN(12), 27+g.IntN(4)), Holder: strings.ToUpper(c.name())}
}

func (g *seeder) refund(o *order, p *payment, at time.Time) {
	r := &refund{
		ID: "rfd_" + g.hex(12), OrderID: o.ID, PaymentID: p.ID, CustomerID: o.CustomerID, Amount: min(p.Amount, o.Items[0].UnitPrice),
		Currency: o.Currency, Reason: pick(g, []string{"damaged", "late", "wrong_item", "not_as_described"}), Status: "paid",
		CreatedAt: at.Add(200 * time.Hour).Format(time.RFC3339),
	}
	p.Refunded = r.Amount
	g.s.refunds = append(g.s.refunds, r)
}

func copyOf(a *address) *address {
	c := *a
	return &c
}

// luhn appends the check digit of a card number.
func luhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// iban makes an account number with valid check digits (ISO 13616, mod 97).
func (g *seeder) iban() string {
	country := pick(g, []string{"DE", "FR", "PL"})
	account := g.digits(map[string]string{"DE": "10050000##########", "FR": "20041010###########0130", "PL": "10901014############0000"}[country])
	rest := 0
	for _, r := range account + country + "00" {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A'+10)) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, account)
}
