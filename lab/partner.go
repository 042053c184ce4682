package lab

import (
	"net/http"
	"strconv"
)

var partnerRoutes = []route{
	{"GET /v1/partner/stock", partner, listStock},
	{"PUT /v1/partner/stock/{sku}", partner, setStock},
	{"POST /v1/partner/shipments/{trackingNumber}/events", partner, reportShipment},
}

// A stock is what is left of a product.
type stock struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Quantity  int    `json:"quantity"`
	UpdatedAt string `json:"updatedAt"`
}

func stockOf(p *product) stock { return stock{p.SKU, p.Name, p.Stock, p.UpdatedAt} }

func listStock(c *call) {
	below, err := strconv.Atoi(c.r.URL.Query().Get("below"))
	var found []stock
	for _, p := range c.s.published() {
		if err != nil || p.Stock < below {
			found = append(found, stockOf(p))
		}
	}
	page(c, found)
}

func setStock(c *call) {
	var in struct {
		Quantity int
		Note     string
	}
	p := find(c.s.published(), func(p *product) bool { return p.SKU == c.r.PathValue("sku") })
	if p == nil {
		c.missing("product")
		return
	}
	if !c.read(&in) {
		return
	}
	p.Stock, p.UpdatedAt = in.Quantity, c.s.now()
	c.json(http.StatusOK, stockOf(p))
}

func reportShipment(c *call) {
	var in trackingEvent
	number := c.r.PathValue("trackingNumber")
	for _, o := range c.s.orders {
		if o.TrackingNumber != number {
			continue
		}
		if c.read(&in) {
			c.s.events[number] = append(c.s.events[number], in)
			c.w.WriteHeader(http.StatusAccepted)
		}
		return
	}
	c.missing("parcel")
}
