package lab

import (
	"fmt"
	"net/http"
	"strings"
)

var promotionRoutes = []route{
	{"POST /v1/coupons/redeem", signedIn, redeemCoupon},
	{"GET /v1/referrals", signedIn, listReferrals},
	{"POST /v1/referrals", signedIn, refer},
}

func (s *store) coupon(code string) *coupon {
	return find(s.coupons, func(k *coupon) bool { return k.Code == code })
}

// redeemCoupon turns a code into credit. Wrong codes cost nothing: see FLOW-1.
func redeemCoupon(c *call) {
	var in struct{ Code string }
	who := c.s.customers[c.me.ID]
	if who == nil || !c.read(&in) {
		return
	}
	k := c.s.coupon(in.Code)
	switch {
	case k == nil:
		c.missing("coupon")
		return
	case k.Uses == 0 || who.redeemed[k.Code]:
		c.problem(http.StatusConflict, "This coupon has been used")
		return
	}
	k.Uses--
	who.redeemed[k.Code] = true
	who.credit += k.Value
	c.json(http.StatusOK, map[string]any{
		"code": k.Code, "value": k.Value, "currency": k.Currency, "description": k.Description, "expiresAt": k.ExpiresAt,
	})
}

func listReferrals(c *call) {
	page(c, filter(c.s.referrals, func(r *referral) bool { return r.by == c.me.ID }))
}

// refer invites a friend and pays a bonus.
// flaw FLOW-4: at once, for as many addresses as one can think of.
func refer(c *call) {
	var in struct{ Email, Message string }
	who := c.s.customers[c.me.ID]
	if who == nil || !c.read(&in) {
		return
	}
	in.Email = strings.ToLower(in.Email)
	if c.s.byEmail(in.Email) != nil || find(c.s.referrals, func(r *referral) bool { return r.Email == in.Email }) != nil {
		c.problem(http.StatusConflict, "This friend is known already")
		return
	}
	r := &referral{ID: fmt.Sprintf("ref_%05d", c.s.next("referral")), Email: in.Email, Bonus: 500, CreatedAt: c.s.now(), by: who.ID}
	who.Points += r.Bonus
	c.s.referrals = append(c.s.referrals, r)
	c.json(http.StatusCreated, r)
}
