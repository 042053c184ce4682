package lab

import (
	"fmt"
	"net/http"
	"strings"
)

var paymentRoutes = []route{
	{"GET /v1/orders/{orderId}/payments", signedIn, listOrderPayments},
	{"POST /v1/orders/{orderId}/payments", signedIn, payOrder},
	{"GET /v1/payments/{paymentId}", signedIn, getPayment},
}

func (s *store) paymentsOf(orderID string) []*payment {
	return filter(s.payments, func(p *payment) bool { return p.OrderID == orderID })
}

// listOrderPayments answers with the payments of an order.
// flaw BOPLA-6: card numbers and IBANs in full.
func listOrderPayments(c *call) {
	if o := c.order(); o != nil {
		c.json(http.StatusOK, map[string]any{"items": c.s.paymentsOf(o.ID)})
	}
}

// getPayment answers with a payment.
// flaw BOLA-8: ids cannot be guessed, and so nobody checks; but they are in every refund mail and export.
func getPayment(c *call) {
	p := find(c.s.payments, func(p *payment) bool { return p.ID == c.r.PathValue("paymentId") })
	if p == nil {
		c.missing("payment")
		return
	}
	c.json(http.StatusOK, p)
}

// payOrder takes a payment.
// flaw FLOW-6: any amount settles the order.
func payOrder(c *call) {
	var in struct {
		Amount int
		Method struct{ Type, Number, Expiry, CVC, Holder, IBAN string }
	}
	o := c.order()
	if o == nil || !c.read(&in) {
		return
	}
	if o.Status != "pending" {
		c.problem(http.StatusConflict, "An order that is "+o.Status+" needs no payment")
		return
	}
	if strings.HasSuffix(in.Method.Number, "0002") {
		c.problem(http.StatusPaymentRequired, "The bank has declined the card")
		return
	}
	p := &payment{
		ID: fmt.Sprintf("00000000-0000-4000-a000-%012x", c.s.next("payment")), OrderID: o.ID, CustomerID: o.CustomerID, Amount: in.Amount,
		Currency: o.Currency, Status: "settled", CreatedAt: c.s.now(),
		Method: method{in.Method.Type, brandOf(in.Method.Number), in.Method.Number, in.Method.Expiry, in.Method.IBAN, in.Method.Holder},
	}
	c.s.payments = append(c.s.payments, p)
	o.Status, o.UpdatedAt = "paid", p.CreatedAt
	c.w.Header().Set("Location", "/v1/payments/"+p.ID)
	c.json(http.StatusCreated, p)
}

func brandOf(number string) string {
	if number == "" {
		return ""
	}
	switch number[0] {
	case '3':
		return "amex"
	case '4':
		return "visa"
	case '6':
		return "discover"
	}
	return "mastercard"
}
