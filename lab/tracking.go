package lab

import (
	"encoding/json"
	"net/http"
	"net/url"
)

var carrierRoutes = []route{
	{"GET /v1/orders/{orderId}/tracking", signedIn, trackOrder},
	{"GET /v1/shipping-rates", public, getShippingRates},
}

// A trackingEvent is one thing that happened to a parcel.
type trackingEvent struct {
	Status      string `json:"status"`
	At          string `json:"at"`
	Location    string `json:"location,omitempty"`
	Description string `json:"description,omitempty"`
}

// trackOrder asks the carrier where the parcel is.
// flaw PART-1, PART-2, PART-3, PART-5: whatever the carrier says goes on to the customer, unread and unlimited.
func trackOrder(c *call) {
	o := c.order()
	if o == nil {
		return
	}
	if o.TrackingNumber == "" {
		c.missing("parcel yet")
		return
	}
	c.relay(c.l.net.carriers() + "/" + o.Carrier + "/track/" + o.TrackingNumber)
}

// getShippingRates asks the carriers what they charge.
// flaw PART-4: a redirect of theirs is followed wherever it leads.
// flaw PART-6: a price is what they say it is.
func getShippingRates(c *call) {
	q := url.Values{"country": {c.r.URL.Query().Get("country")}, "weight": {c.r.URL.Query().Get("weight")}}
	c.relay(c.l.net.carriers() + "/rates?" + q.Encode())
}

// relay answers with what a carrier answers, and with what the partner has reported about the parcel.
func (c *call) relay(address string) {
	var got fetched
	var err error
	c.outside(func() { got, err = c.l.net.fetch(c.r.Context(), http.MethodGet, address, nil) })
	if err != nil || got.status != http.StatusOK {
		c.problem(http.StatusBadGateway, "The carrier does not answer")
		return
	}
	var parcel struct {
		TrackingNumber string `json:"trackingNumber"`
	}
	if json.Unmarshal(got.body, &parcel) == nil && len(c.s.events[parcel.TrackingNumber]) > 0 {
		var whole map[string]any
		json.Unmarshal(got.body, &whole) //nolint:errcheck // it has just been decoded
		events, _ := whole["events"].([]any)
		for _, e := range c.s.events[parcel.TrackingNumber] {
			events = append(events, e)
		}
		whole["events"] = events
		c.json(http.StatusOK, whole)
		return
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Write(got.body) //nolint:errcheck // the client has gone
}
