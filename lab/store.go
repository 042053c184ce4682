package lab

import (
	"fmt"
	"time"
)

// A store is all data of the shop. Lists are in order of creation.
type store struct {
	clock time.Time // moves one second per change, so that answers are the same in every run
	seq   map[string]int

	customers   map[string]*customer
	customerIDs []string
	products    map[string]*product
	productIDs  []string
	reviews     map[string][]*review
	orders      map[string]*order
	orderIDs    []string
	payments    []*payment
	refunds     []*refund
	invoices    []*invoice
	webhooks    []*webhook
	coupons     []*coupon
	referrals   []*referral
	keys        map[string]string // Idempotency-Key of a customer → order
	codes       map[string]string // reset codes by e-mail
	outbox      []mail
	events      map[string][]trackingEvent // reported by the partner, by tracking number
	searchSteps int                        // comparisons that the last search took
}

// next counts up and returns the number of a new object of a kind.
func (s *store) next(kind string) int {
	s.seq[kind]++
	return s.seq[kind]
}

// now is the time of the next change.
func (s *store) now() string {
	s.clock = s.clock.Add(time.Second)
	return s.clock.Format(time.RFC3339)
}

func (s *store) byEmail(email string) *customer {
	for _, id := range s.customerIDs {
		if c := s.customers[id]; c != nil && c.Email == email {
			return c
		}
	}
	return nil
}

func (s *store) addCustomer(c *customer) {
	c.redeemed = map[string]bool{}
	s.customers[c.ID] = c
	s.customerIDs = append(s.customerIDs, c.ID)
}

func (s *store) addOrder(o *order) {
	s.orders[o.ID] = o
	s.orderIDs = append(s.orderIDs, o.ID)
}

func (s *store) addProduct(p *product) {
	s.products[p.ID] = p
	s.productIDs = append(s.productIDs, p.ID)
}

// find returns the first element that fits, or the zero value.
func find[T any](all []T, fits func(T) bool) (found T) {
	for _, v := range all {
		if fits(v) {
			return v
		}
	}
	return found
}

// filter returns the elements that fit.
func filter[T any](all []T, fits func(T) bool) []T {
	kept := make([]T, 0, len(all))
	for _, v := range all {
		if fits(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func orderID(n int) string { return fmt.Sprintf("ord_%06d", 100000+n) }
