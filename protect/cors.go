package protect

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// CORS is the cross-origin policy of one operation (Fetch standard, section 3.2). The nil policy allows no origin.
type CORS struct {
	origins     map[string]bool
	any         bool
	headers     []string // canonical
	credentials bool
	method      string
	allow       string // Access-Control-Allow-Headers
	exposed     string
	maxAge      string
}

// NewCORS compiles the policy; nil settings yield a policy that allows nothing. own are the fields that the gateway adds to
// answers of the operation.
func NewCORS(c *config.CORS, op *openapi.Operation, own []string) *CORS {
	if c == nil {
		return nil
	}
	r := &CORS{origins: map[string]bool{}, method: op.Method, exposed: strings.Join(readable(c.Expose, op, own), ", "),
		maxAge: strconv.Itoa(int(c.MaxAge.Or(10*time.Minute) / time.Second))}
	for _, o := range c.Origins {
		r.any = r.any || o == "*"
		r.origins[o] = true
	}
	delete(r.origins, opaque)
	r.credentials = c.Credentials && !r.any // settings of a spec may ask for both; no browser accepts it, and nobody should
	names := c.Headers
	if names == nil {
		names = []string{"Authorization", "Content-Type"}
		for _, p := range op.Params {
			if p.In == "header" {
				names = append(names, p.Name)
			}
		}
	}
	for _, n := range names {
		r.headers = append(r.headers, http.CanonicalHeaderKey(n))
	}
	r.allow = strings.Join(r.headers, ", ")
	return r
}

// readable are the fields that a script may read: those that are asked for, that the gateway adds, and that the spec
// declares. Those that every script may read (Fetch standard, section 2.2.2), or none, need not be named.
func readable(asked []string, op *openapi.Operation, own []string) []string {
	list := slices.Concat(asked, own)
	for _, r := range op.Responses {
		for _, h := range r.Headers {
			list = append(list, h.Name)
		}
	}
	seen := map[string]bool{"Cache-Control": true, "Content-Language": true, "Content-Length": true, "Content-Type": true, "Expires": true,
		"Last-Modified": true, "Pragma": true, "Set-Cookie": true}
	return slices.DeleteFunc(list, func(name string) bool {
		name = http.CanonicalHeaderKey(name)
		known := seen[name]
		seen[name] = true
		return known
	})
}

// opaque is what sandboxed frames, files and redirects send instead of an origin: anybody can be it, so nobody is
// allowed by it.
const opaque = "null"

// upstreamFields are decided here alone; what the upstream says of them is removed.
var upstreamFields = []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Access-Control-Allow-Private-Network"}

func (c *CORS) check(_ context.Context, e *exchange.Exchange) (exchange.Verdict, error) {
	for _, f := range upstreamFields {
		if _, ok := e.Response.Header[f]; ok {
			e.Reply.Delete(f)
		}
	}
	if c == nil {
		return exchange.Pass, nil
	}
	c.expose(e.Request.Header.Get("Origin"), e.Reply.Add, e.Reply.Set)
	return exchange.Pass, nil
}

// Expose sets the fields that let a page of an allowed origin read an answer of the gateway's own.
func (c *CORS) Expose(origin string, h http.Header) {
	if c != nil {
		c.expose(origin, h.Add, h.Set)
	}
}

// expose leaves a foreign origin without fields: the browser then keeps the answer from the page.
func (c *CORS) expose(origin string, add, set func(name, value string)) {
	add("Vary", "Origin")
	if !c.Allows(origin) {
		return
	}
	set("Access-Control-Allow-Origin", c.origin(origin))
	if c.credentials {
		set("Access-Control-Allow-Credentials", "true")
	}
	if c.exposed != "" {
		set("Access-Control-Expose-Headers", c.exposed)
	}
}

// Allows reports whether pages of the origin may call.
func (c *CORS) Allows(origin string) bool {
	return c != nil && origin != "" && (c.any || c.origins[origin])
}

func (c *CORS) origin(origin string) string {
	if c.any {
		return "*"
	}
	return origin
}

// IsPreflight reports whether a request is a CORS preflight.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// Preflight answers for the operation that the preflight asks about: the fields of a 204, or a refusal.
func (c *CORS) Preflight(r *http.Request) (http.Header, exchange.Verdict) {
	origin := r.Header.Get("Origin")
	if !c.Allows(origin) {
		return nil, exchange.Refuse(exchange.CORSRefused, "origin "+origin).WithSetting("protect.cors.origins")
	}
	for name := range strings.SplitSeq(r.Header.Get("Access-Control-Request-Headers"), ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if name != "" && !slices.Contains(c.headers, name) {
			return nil, exchange.Refuse(exchange.CORSRefused, "header "+name).WithSetting("protect.cors.headers")
		}
	}
	h := http.Header{}
	h.Set("Access-Control-Allow-Origin", c.origin(origin))
	h.Set("Access-Control-Allow-Methods", c.method)
	h.Set("Access-Control-Allow-Headers", c.allow)
	h.Set("Access-Control-Max-Age", c.maxAge)
	h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	if c.credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return h, exchange.Pass
}
