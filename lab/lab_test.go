package lab

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestTheShopIsStocked(t *testing.T) {
	s := seed()
	customers, byTenant := 0, map[string]int{}
	for _, c := range s.customers {
		if c.Role == "customer" {
			customers++
			byTenant[c.Tenant]++
		}
		if len(c.Email) < 6 || strings.ContainsAny(c.Email, " '") {
			t.Errorf("%s has the e-mail address %q", c.ID, c.Email)
		}
	}
	if customers != 200 || len(byTenant) != 3 {
		t.Errorf("%d customers in tenants %v, want 200 in 3", customers, byTenant)
	}
	if len(s.orders) != orderCount || len(s.products) != 60 || len(s.payments) < 500 || len(s.refunds) < 50 || len(s.invoices) != len(s.payments) {
		t.Errorf("%d orders, %d products, %d payments, %d refunds, %d invoices", len(s.orders), len(s.products), len(s.payments), len(s.refunds), len(s.invoices))
	}
	for _, p := range s.payments {
		if n := p.Method.Number; n != "" && luhn(n[:len(n)-1]) != n {
			t.Errorf("card number %s has a wrong check digit", n)
		}
		if n := p.Method.IBAN; n != "" && !validIBAN(n) {
			t.Errorf("IBAN %s has wrong check digits", n)
		}
	}
}

func validIBAN(n string) bool {
	rest := 0
	for _, r := range n[4:] + n[:4] {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A'+10)) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return rest == 1
}

func TestTokensAreWhatTheIssuerPromises(t *testing.T) {
	l, _ := start(t)
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(l.JWKS(), &keys); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(l.Token(Stranger), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	head := jws.Signatures[0].Header
	if head.ExtraHeaders["typ"] != "at+jwt" || head.KeyID == "" {
		t.Errorf("header %+v", head)
	}
	payload, err := jws.Verify(keys.Key(head.KeyID)[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	if c.Subject != Stranger || c.Tenant != "harbor-apac" || c.Roles[0] != "customer" || c.Issuer != Issuer || c.Audience != Audience ||
		time.Until(time.Unix(c.Expires, 0)) < 7*time.Hour {
		t.Errorf("claims %+v", c)
	}
}

func TestResetBringsEverythingBack(t *testing.T) {
	l, base := start(t)
	read := func() string {
		got := exchangeOf(t, Request{Method: "GET", Path: "/v0/customers", Who: "anonymous"}, base, l)
		return string(got.body)
	}
	before := read()
	got := exchangeOf(t, Request{Method: "DELETE", Path: "/v1/customers/cus_0001", Who: "admin"}, base, l)
	if got.status != http.StatusNoContent || read() == before {
		t.Fatalf("nothing was deleted: %d", got.status)
	}
	l.Reset()
	if read() != before {
		t.Error("the data differ after a reset")
	}
}

func TestStartOnlyOnLoopback(t *testing.T) {
	l, _ := start(t)
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "nonsense"} {
		if _, err := l.Start(addr); err == nil {
			t.Errorf("the lab listens on %s", addr)
		}
	}
	base, err := l.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if got := exchangeOf(t, Request{Method: "GET", Path: "/v1/status", Who: "anonymous"}, base, l); got.status != http.StatusOK {
		t.Errorf("status %d", got.status)
	}
}

// TestRoutesAndSpecAgree demands an operation for every route under /v1 but the forgotten one, and a route for every
// operation.
func TestRoutesAndSpecAgree(t *testing.T) {
	l, _ := start(t)
	spec := readSpec(t)
	routed := map[string]bool{}
	for _, group := range [][]route{
		authRoutes, customerRoutes, addressRoutes, avatarRoutes, productRoutes, reviewRoutes, searchRoutes, orderRoutes, paymentRoutes,
		refundRoutes, invoiceRoutes, carrierRoutes, promotionRoutes, webhookRoutes, adminRoutes, partnerRoutes,
	} {
		for _, r := range group {
			routed[r.pattern] = true
		}
	}
	for _, op := range spec.ops {
		pattern := op.method + " " + op.template
		if !routed[pattern] {
			t.Errorf("nothing answers %s", pattern)
		}
		delete(routed, pattern)
	}
	if len(routed) != 1 || !routed["GET /v1/admin/export"] {
		t.Errorf("routes without an operation: %v", routed)
	}
	if string(l.Spec()) != string(specFile(t)) {
		t.Error("Spec is not the file")
	}
}

// TestSpecBoundsEverything: the spec is a good example, so every string, array and number has its bounds.
func TestSpecBoundsEverything(t *testing.T) {
	d := readSpec(t)
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(at, e)
			}
		case map[string]any:
			has := func(names ...string) bool {
				for _, n := range names {
					if v[n] != nil {
						return true
					}
				}
				return false
			}
			switch v["type"] {
			case "string":
				if !has("maxLength", "pattern", "enum", "const", "format") {
					t.Errorf("%s: a string without bounds", at)
				}
			case "array":
				if !has("maxItems") {
					t.Errorf("%s: an array without maxItems", at)
				}
			case "integer", "number":
				if !has("maximum") || !has("minimum") {
					t.Errorf("%s: a number without bounds", at)
				}
			}
			for k, e := range v {
				walk(at+"/"+k, e)
			}
		}
	}
	walk("", d.root["components"])
	walk("", d.root["paths"])
}

// TestNothingLeavesTheMachine: names and addresses that are not the lab's own are not even looked up.
func TestNothingLeavesTheMachine(t *testing.T) {
	l, _ := start(t)
	for _, address := range []string{"http://192.0.2.1/", "http://10.0.0.1/", "https://www.wikipedia.org/", "http://8.8.8.8/", "http://[2001:db8::1]/", "http://intranet/"} {
		if got, err := l.net.fetch(t.Context(), "GET", address, nil); err == nil {
			t.Errorf("%s answers %d", address, got.status)
		}
	}
	for _, address := range []string{
		"http://169.254.169.254", "http://2852039166", "http://0xA9FEA9FE", "http://0251.0376.0251.0376", "http://169.254.43518",
		"http://[::ffff:169.254.169.254]", "http://metadata.internal", "http://METADATA.internal.",
	} {
		got, err := l.net.fetch(t.Context(), "GET", address+metadataPath, nil)
		if err != nil || !strings.Contains(string(got.body), metadataKey) {
			t.Errorf("%s does not reach the metadata service: %v", address, err)
		}
	}
}

func TestParallelCustomers(t *testing.T) {
	l, base := start(t)
	var group sync.WaitGroup
	for _, r := range Traffic()[:120] {
		group.Go(func() {
			req, err := r.HTTP(t.Context(), base, l)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := plainClient().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	group.Go(l.Reset)
	group.Wait()
}

func FuzzQuery(f *testing.F) {
	for _, where := range []string{"text LIKE '%wool%'", "1 = 1 OR (2 <> 3 AND name = 'x''y') -- ", "text LIKE '%", "id = 'a' UNION SELECT id, email, phone FROM customers"} {
		f.Add(where)
	}
	s := seed()
	refused := regexp.MustCompile(`^pq: `)
	f.Fuzz(func(t *testing.T, where string) {
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); !ok || !refused.MatchString(err.Error()) {
					t.Fatalf("%q: %v", where, v)
				}
			}
		}()
		if _, steps := s.query("SELECT id FROM products WHERE " + where); steps > 2*maxSteps {
			t.Fatalf("%q took %d steps", where, steps)
		}
	})
}
