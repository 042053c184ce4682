package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Plan is a named set of limits. Whoever has the plan by the credential (keys[].plan, jwt.plan), by the tenant (tenants) or by the API (apis[].plan) is held to it, over all APIs together.
type Plan struct {
	// Name of the plan, in credentials, RateLimit fields and metrics.
	Name string `yaml:"name"`
	// By is who has the quotas: each principal, or each tenant, whose principals share them. Who has no tenant counts as a principal, and nobody in particular as a client. Default principal.
	By string `yaml:"by" enum:"principal,tenant"`
	// Tenants that have the plan where the credential names none.
	Tenants []string `yaml:"tenants"`
	// Rate besides those of API and operation.
	Rate *Rate `yaml:"rate"`
	// Day bounds what is used from midnight to midnight, UTC.
	Day Quota `yaml:"day"`
	// Month bounds what is used in a calendar month, UTC.
	Month Quota `yaml:"month"`
}

// Quota bounds what is used in a window. What is left out is not bounded.
type Quota struct {
	// Requests that are let through.
	Requests int `yaml:"requests"`
	// Units: the same, each request counted with the cost of its operation.
	Units int `yaml:"units"`
	// Bytes of bodies, of requests and answers together. They are known when the answer is sent: the request that goes over is the last.
	Bytes Size `yaml:"bytes"`
	// Records are the elements of arrays that are the JSON answer, or members of it. They are counted as bytes are, and only in answers that are judged.
	Records int `yaml:"records"`
}

// Spend caps what requests to a paid upstream cost. A request that would go over is refused, with 503.
type Spend struct {
	// Cap of the prices of all requests in a window: a decimal number, of up to 6 places.
	Cap Amount `yaml:"cap"`
	// Per day or month, UTC. Default day.
	Per string `yaml:"per" enum:"day,month"`
	// Price of a request to an operation that has none of its own. Default 0.
	Price Amount `yaml:"price"`
}

// Amount is a decimal number in millionths, written as 25 or 0.0015.
type Amount int64

// million is how many parts of an Amount are one.
const million = 1_000_000

var errAmount = errors.New("not an amount like 25 or 0.0015")

// UnmarshalText reads the written form: digits, and up to six places.
func (a *Amount) UnmarshalText(text []byte) error {
	whole, places, pointed := strings.Cut(string(text), ".")
	if len(places) > 6 || pointed && places == "" {
		return errAmount
	}
	w, err := strconv.ParseUint(whole, 10, 63)
	p, perr := strconv.ParseUint((places + "000000")[:6], 10, 63)
	if err != nil || perr != nil || w > math.MaxInt64/million/2 {
		return errAmount
	}
	*a = Amount(w*million + p)
	return nil
}

// MarshalText is the written form, which can be read again.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String is the shortest written form.
func (a Amount) String() string {
	text := fmt.Sprintf("%d.%06d", int64(a)/million, int64(a)%million)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// plans checks the plans and returns their names.
func (c *checker) plans(list []Plan) map[string]bool {
	names, tenants := map[string]bool{}, map[string]bool{}
	for i, p := range list {
		at := fmt.Sprintf("plans[%d]", i)
		c.name(p.Name, at, names)
		c.rate(p.Rate, at+".rate")
		if p.Rate != nil && (p.Rate.By != "" || p.Rate.Count != "") {
			c.fail(at+".rate", "a plan says by whom it is counted, and counts requests", "leave by and count out")
		}
		c.quota(p.Day, at+".day")
		c.quota(p.Month, at+".month")
		if p.Rate == nil && p.Day == (Quota{}) && p.Month == (Quota{}) {
			c.fail(at, "limits nothing", "day: { requests: 1000 }")
		}
		for _, t := range p.Tenants {
			if tenants[t] {
				c.fail(at+".tenants", "the tenant "+t+" has a plan already", "")
			}
			tenants[t] = true
		}
	}
	return names
}

func (c *checker) quota(q Quota, at string) {
	if q.Requests < 0 || q.Units < 0 || q.Records < 0 {
		c.fail(at, "a quota cannot be negative", "leave out what is not bounded")
	}
}

// planned checks that plans which credentials and APIs have are there.
func (c *checker) planned(cfg *Config) {
	plans := c.plans(cfg.Plans)
	known := func(name, at string) {
		if name != "" && !plans[name] {
			c.fail(at, "there is no plan "+name, "add it under plans")
		}
	}
	for i, id := range cfg.Identity {
		if id.APIKey == nil {
			continue
		}
		for n, k := range id.APIKey.Keys {
			known(k.Plan, fmt.Sprintf("identity[%d].api_key.keys[%d].plan", i, n))
		}
	}
	for i, a := range cfg.APIs {
		at := fmt.Sprintf("apis[%d]", i)
		known(a.Plan, at+".plan")
		if a.Spend != nil && a.Spend.Cap <= 0 {
			c.fail(at+".spend.cap", "is missing: nothing could pass", "spend: { cap: 25, price: 0.002 }")
		}
		for key, op := range a.Operations {
			if op.Price > 0 && a.Spend == nil {
				c.fail(fmt.Sprintf("%s.operations[%q].price", at, key), "there is no cap", "spend: { cap: 25 } of the API")
			}
		}
	}
}
