package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

var reviewRoutes = []route{
	{"GET /v1/products/{productId}/reviews", public, listReviews},
	{"POST /v1/products/{productId}/reviews", signedIn, addReview},
}

func authorOf(who *customer) author {
	return author{who.FirstName + " " + string([]rune(who.LastName)[:1]) + ".", true, who.ID, who.Email, who.Phone}
}

// review adds a review and recomputes the product's rating.
func (s *store) review(p *product, r *review) {
	r.ProductID = p.ID
	s.reviews[p.ID] = append(s.reviews[p.ID], r)
	sum := 0
	for _, r := range s.reviews[p.ID] {
		sum += r.Stars
	}
	p.Reviews = len(s.reviews[p.ID])
	rating := float64(sum*10/p.Reviews) / 10
	p.Rating = &rating
}

func listReviews(c *call) {
	p := c.product()
	if p == nil {
		return
	}
	least, _ := strconv.Atoi(c.r.URL.Query().Get("minStars"))
	found := filter(c.s.reviews[p.ID], func(r *review) bool { return r.Stars >= least })
	slices.Reverse(found)
	page(c, found)
}

// addReview publishes what a customer says.
// flaw CONF-6: the storefront shows it as HTML, and nothing here escapes or refuses markup.
func addReview(c *call) {
	var in struct {
		Stars       int
		Title, Text string
	}
	p := c.product()
	if p == nil || !c.read(&in) {
		return
	}
	who := c.s.customers[c.me.ID]
	if who == nil {
		c.missing("customer")
		return
	}
	r := &review{
		ID: fmt.Sprintf("rev_%010x", c.s.next("review")), Stars: in.Stars, Title: in.Title, Text: in.Text, Author: authorOf(who),
		CreatedAt: c.s.now(),
	}
	c.s.review(p, r)
	c.w.Header().Set("Location", "/v1/products/"+p.ID+"/reviews")
	c.json(http.StatusCreated, r)
}
