package lab

import (
	"fmt"
	"net/http"
	"slices"
)

var addressRoutes = []route{
	{"GET /v1/customers/{customerId}/addresses", signedIn, listAddresses},
	{"POST /v1/customers/{customerId}/addresses", signedIn, addAddress},
	{"PUT /v1/customers/{customerId}/addresses/{addressId}", signedIn, replaceAddress},
	{"DELETE /v1/customers/{customerId}/addresses/{addressId}", signedIn, removeAddress},
}

// flaw BOLA-4: none of these asks whose addresses they are.

func listAddresses(c *call) {
	if who := c.customer(); who != nil {
		c.json(http.StatusOK, map[string]any{"items": who.addresses})
	}
}

func addAddress(c *call) {
	var in address
	who := c.customer()
	if who == nil || !c.read(&in) {
		return
	}
	if len(who.addresses) >= 10 {
		c.problem(http.StatusConflict, "No more than ten addresses, please")
		return
	}
	in.ID = fmt.Sprintf("adr_%08x", 0xc0de0000+c.s.next("address"))
	who.put(&in)
	c.w.Header().Set("Location", "/v1/customers/"+who.ID+"/addresses/"+in.ID)
	c.json(http.StatusCreated, &in)
}

func replaceAddress(c *call) {
	who := c.customer()
	if who == nil {
		return
	}
	old := who.address(c.r.PathValue("addressId"))
	if old == nil {
		c.missing("address")
		return
	}
	in := address{}
	if !c.read(&in) {
		return
	}
	in.ID = old.ID
	*old = in
	if in.Default {
		who.prefer(old)
	}
	c.json(http.StatusOK, old)
}

func removeAddress(c *call) {
	who := c.customer()
	if who == nil {
		return
	}
	a := who.address(c.r.PathValue("addressId"))
	switch {
	case a == nil:
		c.missing("address")
	case a.Default:
		c.problem(http.StatusConflict, "This is the default address; choose another one first")
	default:
		who.addresses = slices.DeleteFunc(who.addresses, func(b *address) bool { return a == b })
		c.w.WriteHeader(http.StatusNoContent)
	}
}

func (c *customer) address(id string) *address {
	return find(c.addresses, func(a *address) bool { return a.ID == id })
}

func (c *customer) put(a *address) {
	c.addresses = append(c.addresses, a)
	if a.Default || len(c.addresses) == 1 {
		c.prefer(a)
	}
}

// prefer makes a the default address.
func (c *customer) prefer(a *address) {
	for _, b := range c.addresses {
		b.Default = a == b
	}
}
