package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// An Attack is one attempt at a flaw: it sends requests, remembers the decisive one and collects evidence.
type Attack struct {
	ctx    context.Context
	base   string
	client *http.Client
	lab    *Lab
	names  map[string]string // credential → what is shown instead

	shown    *answer // the decisive one so far
	requests int
	evidence string
}

// An answer is what came back for one request, which it keeps.
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string // of a problem

	request *http.Request
	sent    []byte
	err     error
}

func (r *answer) has(text string) bool { return bytes.Contains(r.body, []byte(text)) }

func (r *answer) ok() bool { return r.err == nil && r.status >= 200 && r.status < 300 }

// Who sends a request: an account's id, or one of these.
const (
	nobody     = ""
	thePartner = "partner"
)

// send makes one request of an attack and returns the answer. The body is sent as JSON, unless a header says otherwise;
// headers alternate names and values.
func (a *Attack) send(who, method, path, body string, headers ...string) *answer {
	r := &answer{sent: []byte(body)}
	req, err := http.NewRequestWithContext(a.ctx, method, a.base+path, strings.NewReader(body))
	if err != nil {
		return &answer{err: err}
	}
	r.request = req
	if body == "" {
		req.Body = http.NoBody
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	switch who {
	case nobody:
	case thePartner:
		req.Header.Set("X-API-Key", a.lab.APIKey())
	default:
		req.Header.Set("Authorization", "Bearer "+a.token(who))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a.requests++
	a.read(r)
	if r.code != "" && (a.shown == nil || a.shown.code == "") {
		a.shown = r
	}
	return r
}

func (a *Attack) read(r *answer) {
	resp, err := a.client.Do(r.request)
	if err != nil {
		r.err = err
		return
	}
	defer resp.Body.Close()
	r.status, r.header = resp.StatusCode, resp.Header
	r.body, r.err = io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	var problem struct {
		Code string `json:"code"`
	}
	if strings.Contains(resp.Header.Get("Content-Type"), "problem+json") && json.Unmarshal(r.body, &problem) == nil {
		r.code = problem.Code
	}
}

// exploit is send for the request that the flaw is about.
func (a *Attack) exploit(who, method, path, body string, headers ...string) *answer {
	r := a.send(who, method, path, body, headers...)
	if a.shown == nil || a.shown.code == "" {
		a.shown = r
	}
	return r
}

// token returns a token of a customer.
func (a *Attack) token(account string) string {
	if account == Attacker {
		return a.named("$ALICE", a.lab.Token(account))
	}
	return a.named("$CUSTOMER", a.lab.Token(account))
}

// named has a credential shown as name.
func (a *Attack) named(name, credential string) string {
	a.names[credential] = name
	return credential
}

// leak says what the attacker has got, if it is so.
func (a *Attack) leak(got bool, format string, args ...any) {
	if got && a.evidence == "" {
		a.evidence = fmt.Sprintf(format, args...)
	}
}

// state looks into the lab.
func (a *Attack) state(look func(*store)) {
	a.lab.mu.Lock()
	defer a.lab.mu.Unlock()
	look(a.lab.store)
}

// customer returns a copy of an account, as its owner knows it.
func (a *Attack) customer(id string) (c customer) {
	a.state(func(s *store) {
		if who := s.customers[id]; who != nil {
			c = *who
		}
	})
	return c
}

// orderOf returns a copy of the account's last order that fits.
func (a *Attack) orderOf(id string, fits func(*order) bool) (o order) {
	a.state(func(s *store) {
		for _, number := range slices.Backward(s.orderIDs) {
			if c := s.orders[number]; c.CustomerID == id && fits(c) {
				o = *c
				return
			}
		}
	})
	return o
}

func anyOrder(*order) bool { return true }

// product returns a copy of the product with the SKU.
func (a *Attack) product(sku string) (p product) {
	a.state(func(s *store) {
		for _, id := range s.productIDs {
			if s.products[id].SKU == sku {
				p = *s.products[id]
			}
		}
	})
	return p
}

// outcome sums the attack up.
func (a *Attack) outcome() Outcome {
	out := Outcome{Leaked: a.evidence != "", Evidence: "nothing", Requests: a.requests}
	if out.Leaked {
		out.Evidence = a.evidence
	}
	if r := a.shown; r != nil {
		out.Status, out.Code, out.Curl, out.Exchange = r.status, r.code, a.curl(r), a.transcript(r)
	}
	return out
}
