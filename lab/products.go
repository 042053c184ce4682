package lab

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var productRoutes = []route{
	{"GET /v1/products", public, listProducts},
	{"POST /v1/products", admin, createProduct},
	{"POST /v1/products/import", partner, importProducts},
	{"GET /v1/products/{productId}", public, getProduct},
	{"PATCH /v1/products/{productId}", admin, updateProduct},
}

// product returns the published product that the path names, or answers 404.
func (c *call) product() *product {
	p := c.s.products[c.r.PathValue("productId")]
	if p == nil || p.draft {
		c.missing("product")
		return nil
	}
	return p
}

func (s *store) published() []*product {
	var all []*product
	for _, id := range s.productIDs {
		if p := s.products[id]; !p.draft {
			all = append(all, p)
		}
	}
	return all
}

func listProducts(c *call) {
	q := c.r.URL.Query()
	low, _ := strconv.Atoi(q.Get("minPrice"))
	high, err := strconv.Atoi(q.Get("maxPrice"))
	found := filter(c.s.published(), func(p *product) bool {
		for _, tag := range strings.FieldsFunc(q.Get("tags"), func(r rune) bool { return r == ',' }) {
			if !slices.Contains(p.Tags, tag) {
				return false
			}
		}
		return (q.Get("category") == "" || q.Get("category") == p.Category) && p.Price >= low && (err != nil || p.Price <= high) &&
			(q.Get("inStock") != "true" || p.Stock > 0)
	})
	field, down := sorting(c, "name")
	slices.SortStableFunc(found, func(a, b *product) int {
		by := cmp.Compare(a.Name, b.Name)
		switch field {
		case "price":
			by = cmp.Compare(a.Price, b.Price)
		case "rating":
			by = cmp.Compare(deref(a.Rating), deref(b.Rating))
		}
		if down {
			return -by
		}
		return by
	})
	productPage(c, found)
}

func deref(f *float64) float64 {
	if f == nil {
		return 0
	}
	return *f
}

// productPage answers with one page of products and their number.
func productPage(c *call, found []*product) {
	items, next, ok := cut(c, found)
	if ok {
		c.w.Header().Set("Cache-Control", "public, max-age=60")
		c.json(http.StatusOK, map[string]any{"items": items, "nextCursor": next, "total": len(found)})
	}
}

func getProduct(c *call) {
	p := c.product()
	if p == nil {
		return
	}
	c.w.Header().Set("Cache-Control", "public, max-age=60")
	// flaw INV-4: a parameter of an old version, which nobody documents any more, still shows everything.
	if c.r.URL.Query().Get("view") == "full" {
		c.json(http.StatusOK, map[string]any{"id": p.ID, "sku": p.SKU, "name": p.Name, "category": p.Category, "price": p.Price, "currency": p.Currency, "stock": p.Stock,
			"purchasing": map[string]any{"supplier": p.Supplier, "cost": p.CostPrice, "contract": "CT-2024-" + p.SKU[7:], "discount": 0.31}})
		return
	}
	c.tagged(p)
}

func createProduct(c *call) {
	var p product
	if !c.read(&p) {
		return
	}
	for _, other := range c.s.products {
		if other.SKU == p.SKU {
			c.problem(http.StatusConflict, "There is a product with this SKU")
			return
		}
	}
	p.ID, p.UpdatedAt, p.Rating, p.Reviews = fmt.Sprintf("prd_new%05d", c.s.next("product")), c.s.now(), nil, 0
	p.ImageURL = "https://cdn.harborgoods.example/img/placeholder.webp"
	p.Weight = max(p.Weight, 1)
	if p.Tags == nil {
		p.Tags = []string{}
	}
	c.s.addProduct(&p)
	c.created("/v1/products/"+p.ID, &p)
}

func updateProduct(c *call) {
	p := c.product()
	if p == nil || c.stale(p) {
		return
	}
	changed := *p
	if !c.read(&changed) {
		return
	}
	changed.ID, changed.UpdatedAt = p.ID, c.s.now()
	*p = changed
	c.tagged(p)
}

// A priceList is what a supplier hands in.
type priceList struct {
	Reference string `xml:"reference"`
	Products  []struct {
		SKU  string `xml:"sku"`
		Cost int    `xml:"cost"`
	} `xml:"product"`
}

var entityDecl = regexp.MustCompile(`<!ENTITY\s+(\w+)\s+(SYSTEM\s+)?"([^"]*)"\s*>`)

// importProducts takes a price list over.
// flaw CONF-8: entities of the document are resolved, files of the server included.
func importProducts(c *call) {
	d := xml.NewDecoder(strings.NewReader(string(c.body)))
	d.Entity = map[string]string{}
	for _, m := range entityDecl.FindAllStringSubmatch(string(c.body), -1) {
		text := m[3]
		if m[2] != "" {
			text = files[strings.TrimPrefix(text, "file://")]
		}
		d.Entity[m[1]] = text
	}
	var list priceList
	if err := d.Decode(&list); err != nil {
		c.problem(http.StatusUnprocessableEntity, "The price list cannot be read: "+err.Error())
		return
	}
	updated, unknown := 0, []string{}
	for _, row := range list.Products {
		p := find(c.s.published(), func(p *product) bool { return p.SKU == row.SKU })
		if p == nil {
			unknown = append(unknown, row.SKU)
			continue
		}
		p.CostPrice, p.UpdatedAt = row.Cost, c.s.now()
		updated++
	}
	c.json(http.StatusOK, map[string]any{"reference": list.Reference, "received": len(list.Products), "updated": updated, "unknown": unknown})
}
