package lab

import (
	"fmt"
	"net/http"
	"slices"
)

var refundRoutes = []route{
	{"POST /v1/orders/{orderId}/refunds", signedIn, requestRefund},
	{"GET /v1/refunds", signedIn, listRefunds},
	{"GET /v1/refunds/{refundId}", signedIn, getRefund},
}

// requestRefund pays money back.
// flaw FLOW-3: each refund is compared with the payment, their sum is not.
func requestRefund(c *call) {
	var in struct {
		PaymentID       string
		Amount          int
		Reason, Comment string
	}
	o := c.order()
	if o == nil || !c.read(&in) {
		return
	}
	p := find(c.s.paymentsOf(o.ID), func(p *payment) bool { return p.ID == in.PaymentID })
	switch {
	case p == nil:
		c.missing("payment of this order")
		return
	case in.Amount > p.Amount || p.Status != "settled":
		c.problem(http.StatusConflict, "There is not so much to be paid back")
		return
	}
	r := &refund{
		ID: fmt.Sprintf("rfd_%012x", c.s.next("refund")), OrderID: o.ID, PaymentID: p.ID, CustomerID: o.CustomerID, Amount: in.Amount,
		Currency: p.Currency, Reason: in.Reason, Comment: in.Comment, Status: "requested", CreatedAt: c.s.now(),
	}
	p.Refunded += in.Amount
	c.s.refunds = append(c.s.refunds, r)
	c.w.Header().Set("Location", "/v1/refunds/"+r.ID)
	c.json(http.StatusCreated, r)
}

func listRefunds(c *call) {
	status := c.r.URL.Query().Get("status")
	found := filter(c.s.refunds, func(r *refund) bool {
		return c.owns(r.CustomerID) && (status == "" || status == r.Status)
	})
	slices.Reverse(found)
	page(c, found)
}

func getRefund(c *call) {
	r := find(c.s.refunds, func(r *refund) bool { return r.ID == c.r.PathValue("refundId") })
	if r == nil || !c.owns(r.CustomerID) {
		c.missing("refund")
		return
	}
	c.json(http.StatusOK, r)
}
