package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The carriers' API, which the shop consumes. Northpost and Parcelwing are what they should be. The others have been
// taken over, each in its own way.

var trackingPrefix = map[string]string{
	"northpost": "NP", "parcelwing": "PW", "sealine": "SL", "harborvan": "HV", "quickship": "QS", "bulkair": "BA",
}

func carrierHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{carrier}/track/{number}", trackParcel)
	mux.HandleFunc("GET /rates", carrierRates)
	return mux
}

func trackParcel(w http.ResponseWriter, r *http.Request) {
	carrier, number := r.PathValue("carrier"), r.PathValue("number")
	events := []map[string]any{
		{"status": "announced", "at": "2026-10-26T08:00:00Z", "location": "Hamburg", "description": "Shipment data received"},
		{"status": "picked_up", "at": "2026-10-26T17:40:00Z", "location": "Hamburg", "description": "Picked up at the sender's"},
		{"status": "in_transit", "at": "2026-10-27T03:12:00Z", "location": "Osnabrück", "description": "Left the hub & on the way"},
	}
	answer := map[string]any{"trackingNumber": number, "carrier": carrier, "expectedAt": "2026-11-03", "events": events}
	switch carrier {
	case "sealine": // more than anybody asked for
		answer["driver"] = map[string]any{"name": "Piotr Zieliński", "phone": "+48 601 555 014", "licence": "PL-771204-90"}
		answer["contractRate"] = 287
	case "harborvan": // somebody else's data in a text
		events[2]["description"] = "Same van: parcel for Maria Rossi, cash on delivery from IBAN DE89370400440532013000, card 4242424242424242"
	case "quickship": // a script in a text
		events[2]["description"] = `Delayed <script src="https://cdn.evil.example/k.js"></script>`
	case "bulkair": // without end
		for i := range 4000 {
			events = append(events, map[string]any{"status": "in_transit", "at": "2026-10-27T03:12:00Z", "location": fmt.Sprintf("Waypoint %d", i)})
		}
		answer["events"] = events
	}
	respond(w, answer)
}

func carrierRates(w http.ResponseWriter, r *http.Request) {
	country := r.URL.Query().Get("country")
	if country == "LI" { // the route to Liechtenstein was taken over
		http.Redirect(w, r, "http://169.254.169.254"+metadataPath, http.StatusFound)
		return
	}
	price := 490
	if !strings.Contains("DE FR GB PL SE", country) {
		price = 1890
	}
	rates := []map[string]any{
		{"carrier": "northpost", "service": "standard", "price": price, "currency": "EUR", "days": 4},
		{"carrier": "parcelwing", "service": "express", "price": price + 800, "currency": "EUR", "days": 1},
	}
	if country == "NZ" { // so was the one to New Zealand
		rates[0]["price"] = -500000
	}
	respond(w, map[string]any{"country": country, "rates": rates})
}

func respond(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(answer) //nolint:errcheck // the shop has gone
}
