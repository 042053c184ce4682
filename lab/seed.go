package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// How much there is.
const (
	customerCount = 200
	orderCount    = 900
)

// Password of every seeded account, but for the victim's, which is one of the passwords that everybody tries.
func Password(accountID string) string {
	if accountID == Victim {
		return "Sunshine2024!"
	}
	return "Quayside-" + strings.ToUpper(accountID[:3]) + accountID[4:] + "-lantern"
}

// A seeder makes the same shop every time.
type seeder struct {
	*rand.Rand
	s *store
}

// seed returns the shop's data as they are before anybody has called.
func seed() *store {
	s := &store{
		clock: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), seq: map[string]int{},
		customers: map[string]*customer{}, products: map[string]*product{}, orders: map[string]*order{},
		reviews: map[string][]*review{}, keys: map[string]string{}, codes: map[string]string{},
		events: map[string][]trackingEvent{},
	}
	g := &seeder{rand.New(rand.NewPCG(1858, 42)), s} //nolint:gosec // the same data every time is the point
	g.staff()
	for i := range customerCount {
		g.customer(i + 1)
	}
	for i, a := range articles {
		g.product(i, a)
	}
	g.reviews()
	for range orderCount - len(carriersOfAttacker) {
		g.order(g.randomCustomer(), g.status(), pick(g, honestCarriers))
	}
	for _, c := range carriersOfAttacker {
		g.order(s.customers[Attacker], c.status, c.carrier)
	}
	g.promotions()
	g.webhooks()
	return s
}

// The attacker's last orders: one in every state, and one with every carrier that has gone bad.
var carriersOfAttacker = []struct{ status, carrier string }{
	{"pending", ""}, {"paid", ""}, {"delivered", "northpost"},
	{"shipped", "sealine"}, {"shipped", "harborvan"}, {"shipped", "quickship"}, {"shipped", "bulkair"},
}

var honestCarriers = []string{"northpost", "parcelwing"}

func pick[T any](g *seeder, from []T) T { return from[g.IntN(len(from))] }

func (g *seeder) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[g.IntN(16)]
	}
	return string(b)
}

func (g *seeder) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-a" + g.hex(3) + "-" + g.hex(12)
}

// digits replaces each # of a pattern.
func (g *seeder) digits(pattern string) string {
	b := []byte(pattern)
	for i := range b {
		if b[i] == '#' {
			b[i] = byte('0' + g.IntN(10))
		}
	}
	return string(b)
}

func (g *seeder) staff() {
	for i, who := range [][3]string{{"Ingrid", "Solberg", "admin"}, {"Tomás", "Carvalho", "support"}} {
		g.s.addCustomer(&customer{
			ID: fmt.Sprintf("stf_%04d", i+1), Email: plain(who[0]+"."+who[1]) + "@harborgoods.example",
			FirstName: who[0], LastName: who[1], Phone: "+44 7700 900001", Country: "GB", Locale: "en-GB", Status: "active",
			CreatedAt: "2021-03-01T08:00:00Z", UpdatedAt: "2026-01-15T10:30:00Z", Tenant: tenants[0], Role: who[2],
			PasswordHash: g.hash(), MFASecret: g.secret(), MarginClass: "-", password: Password(fmt.Sprintf("stf_%04d", i+1)),
		})
	}
}

// hash looks like bcrypt's output; the lab compares plain passwords.
func (g *seeder) hash() string {
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 53)
	for i := range b {
		b[i] = alphabet[g.IntN(len(alphabet))]
	}
	return "$2b$12$" + string(b)
}

func (g *seeder) secret() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, 32)
	for i := range b {
		b[i] = alphabet[g.IntN(len(alphabet))]
	}
	return string(b)
}

func tenantOf(n int) string {
	switch {
	case n <= 120:
		return tenants[0]
	case n <= 165:
		return tenants[1]
	}
	return tenants[2]
}

func (g *seeder) customer(n int) {
	tenant := tenantOf(n)
	p := pick(g, places[tenant])
	id := fmt.Sprintf("cus_%04d", n)
	created := time.Date(2022, 1, 3, 7, 0, 0, 0, time.UTC).Add(time.Duration(n*113+g.IntN(90)) * time.Hour)
	c := &customer{
		ID: id, FirstName: pick(g, p.first), LastName: pick(g, p.last), Phone: g.digits(p.phone),
		Birthday: fmt.Sprintf("%d-%02d-%02d", 1948+g.IntN(57), 1+g.IntN(12), 1+g.IntN(28)),
		Country:  p.country, Locale: p.locale, Status: "active", Newsletter: g.IntN(3) == 0, Points: g.IntN(4000),
		CreatedAt: created.Format(time.RFC3339), UpdatedAt: created.Add(time.Duration(g.IntN(9000)) * time.Hour).Format(time.RFC3339),
		Tenant: tenant, CreditLimit: 5000 * (1 + g.IntN(20)), RiskScore: g.IntN(100), Role: "customer",
		PasswordHash: g.hash(), MFASecret: g.secret(), MarginClass: pick(g, []string{"A", "B", "C"}), password: Password(id),
	}
	if g.IntN(25) == 0 && id != Attacker && id != Victim {
		c.Status = "blocked"
	}
	c.home = p.currency
	c.Email = fmt.Sprintf("%s.%s%d@%s", plain(c.FirstName), plain(c.LastName), n, pick(g, []string{"mail.example", "post.example", "inbox.example"}))
	for i := range 1 + g.IntN(2) {
		city := pick(g, p.cities)
		c.addresses = append(c.addresses, &address{
			ID: "adr_" + g.hex(8), Label: []string{"Home", "Work"}[i], Name: c.name(),
			Street: fmt.Sprintf("%s %d", pick(g, p.streets), 1+g.IntN(180)), City: city[0], Region: city[1], PostalCode: city[2],
			Country: p.country, Default: i == 0,
		})
	}
	g.s.addCustomer(c)
}

// plain spells a name with the letters of an e-mail address.
func plain(name string) string {
	fold := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ë", "e", "ô", "o", "ç", "c",
		"å", "a", "ł", "l", "ó", "o", "ż", "z", "ą", "a", "í", "i", "ñ", "n", "á", "a", "ō", "o", "ū", "u")
	var b strings.Builder
	for _, r := range fold.Replace(strings.ToLower(name)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return "kyaku" // names in scripts that this does not know
	}
	return b.String()
}

func (g *seeder) product(n int, a article) {
	p := &product{
		ID: "prd_" + g.hex(8), SKU: a.sku, Name: a.name, Description: a.text, Category: categories[a.sku[3:6]], Price: a.price,
		Currency: "EUR", Stock: 40 + g.IntN(400), Tags: a.tags, Weight: a.weight,
		ImageURL:  "https://cdn.harborgoods.example/img/" + strings.ToLower(a.sku) + ".webp",
		UpdatedAt: time.Date(2026, 5, 1, 6, n, 0, 0, time.UTC).Format(time.RFC3339),
		CostPrice: a.price * (38 + g.IntN(25)) / 100, Supplier: pick(g, suppliers),
	}
	p.Limited, p.draft = a.tags[0] == "limited", a.tags[0] == "draft"
	if p.Limited {
		p.Stock = 40
	}
	g.s.addProduct(p)
}

// reviews gives the first product many reviews and the others a few.
func (g *seeder) reviews() {
	at := time.Date(2025, 2, 1, 12, 0, 0, 0, time.UTC)
	for i, id := range g.s.productIDs {
		n := 2 + g.IntN(4)
		if i == 0 {
			n = 160
		}
		if p := g.s.products[id]; p.draft {
			continue
		}
		for range n {
			at = at.Add(time.Duration(30+g.IntN(900)) * time.Minute)
			o := pick(g, opinions)
			g.s.review(g.s.products[id], &review{
				ID: "rev_" + g.hex(10), Stars: o.stars, Title: o.title, Text: o.text, Author: authorOf(g.randomCustomer()),
				CreatedAt: at.Format(time.RFC3339),
			})
		}
	}
}

func (g *seeder) randomCustomer() *customer {
	return g.s.customers[fmt.Sprintf("cus_%04d", 1+g.IntN(customerCount))]
}

func (g *seeder) promotions() {
	// flaw FLOW-1: codes that can be counted up.
	for _, n := range []int{7, 37, 81} {
		g.s.coupons = append(g.s.coupons, &coupon{
			Code: fmt.Sprintf("WELCOME-%02d", n), Value: 5000, Currency: "EUR", Description: "A gift for a new customer", Uses: 1,
			ExpiresAt: "2026-12-31T23:59:59Z",
		})
	}
	for _, code := range []string{"SPRING26", "TIDE-10", "LANTERN", "OCTOPUS", "HARBOUR-DAY"} {
		g.s.coupons = append(g.s.coupons, &coupon{
			Code: code, Value: 500 + 100*g.IntN(10), Currency: "EUR", Description: "Newsletter", Uses: 5000,
			ExpiresAt: "2026-12-31T23:59:59Z",
		})
	}
}

func (g *seeder) webhooks() {
	for i, id := range []string{"cus_0007", "cus_0042", "cus_0107", "cus_0107", "cus_0133", "cus_0181"} {
		g.s.webhooks = append(g.s.webhooks, &webhook{
			ID: g.uuid(), CustomerID: id, URL: fmt.Sprintf("https://hooks.erp%d.example/harborgoods?shop=%s", i, id),
			Events: []string{"order.created", "order.shipped"}, CreatedAt: "2026-03-11T14:05:00Z",
		})
	}
}
