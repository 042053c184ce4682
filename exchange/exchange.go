// Package exchange is the vocabulary that the whole gateway shares: the [Exchange] that walks down the list of
// guards, the [Guard] that judges it, the [Verdict] that settles it, the catalogue of every [Reason], and the
// [Record] that remains.
package exchange

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/openapi/schema"
)

// An Exchange is one request and its answer. It belongs to one goroutine at a time. Who writes a field is named
// beside it; everybody else only reads it.
type Exchange struct {
	ID          string             // gateway: unique, 26 characters, safe in headers and logs
	Start       time.Time          // gateway
	API         string             // gateway: name of the API in the config
	Client      Client             // listen: address behind trusted proxies, TLS facts
	Request     *http.Request      // as received; nobody changes it
	Target      content.Target     // gateway: the one canonical reading of path and query
	Operation   *openapi.Operation // gateway: what the spec calls this request; never nil after matching
	Params      openapi.Params     // gateway: decoded once; empty until matched
	Agent       *Agent             // limit: an automated client that proved who it is; nil for none
	Bot         Bot                // limit: how the client is rated
	Principal   *Principal         // identity: nil means nobody
	Body        *content.Body      // gateway: nil until OnBody, and when there is none
	BodySpec    *openapi.MediaType // gateway: what the spec declares for the body's media type; nil when it declares none
	Outgoing    Edits              // identity, protect: header changes on the way to the upstream
	Reply       Edits              // limit, protect: header changes on the way to the client
	Response    *Response          // forward: nil until the upstream has answered
	AtChallenge bool               // gateway: asks for a challenge, or answers one; nobody has to solve one for that
	Findings    []Finding          // any guard: noticed, not decided
	Verdict     Verdict            // gateway: the one that settled it
	Steps       []Step             // gateway: what each guard said and how long it took
	Upstream    Upstream           // forward: which target was used, how often it was tried
	Ledger      any                // limit: the slots held and the keys to charge at the end; nobody else looks inside
	Inspected   any                // inspect: the head as it was judged, for the judgement of the body; nobody else looks inside

	judged *schema.Result
}

// JudgeBody evaluates the request body against its schema once; validation, authorization and inspection share the
// result. It returns nil when there is no body, nothing in it that can be judged, or no schema.
func (e *Exchange) JudgeBody() *schema.Result {
	if e.judged == nil {
		e.judged = judge(e.Body, e.BodySpec, schema.Request)
	}
	return e.judged
}

// judge evaluates a body; octets have a size and nothing else, where their schema can be that of a text at all.
func judge(b *content.Body, m *openapi.MediaType, d schema.Direction) *schema.Result {
	if b == nil || m == nil || m.Schema == nil {
		return nil
	}
	tree, err := b.Tree()
	if err != nil {
		return nil
	}
	if tree == nil && m.Octets {
		tree = b.Octets()
	}
	if tree == nil {
		return nil
	}
	return m.Schema.Evaluate(tree, d)
}

// Client is who is at the other end of the connection, as far as the transport knows.
type Client struct {
	Addr       netip.Addr // the client behind trusted proxies
	Peer       netip.Addr // the other end of the TCP connection
	TLS        bool
	ServerName string // SNI
	JA4        string // fingerprint of the TLS handshake with us; "" without one
	Grease     bool   // the handshake offered what means nothing (RFC 8701), which JA4 leaves out
	Order      Order  // of the fields in the first request of the connection; not known behind trusted proxies
	HSTS       string // Strict-Transport-Security for the answer; "" for none
	Proto      string // HTTP/1.1, HTTP/2.0
}

// Upstream tells how the request was forwarded.
type Upstream struct {
	Target   string        // scheme://host:port of the target that answered
	Attempts int           // 1 when nothing was retried, 0 when nothing was sent
	Took     time.Duration // until the response head
}

// Response is the upstream's answer.
type Response struct {
	Status int
	Header http.Header        // forward: as received, hop-by-hop fields removed
	Body   *content.Body      // gateway: nil until OnResponseBody, and when it streams
	Spec   *openapi.Response  // gateway: what the spec declares for this status; nil when undeclared
	Media  *openapi.MediaType // gateway: what the spec declares for the body's media type; nil when it declares none
	judged *schema.Result
}

// Judge evaluates the body against its schema once; validation, authorization and masking share the result.
// It returns nil when there is no body, nothing in it that can be judged, or no schema.
func (r *Response) Judge() *schema.Result {
	if r.judged == nil {
		r.judged = judge(r.Body, r.Media, schema.Response)
	}
	return r.judged
}

// Phase says when a guard is asked.
type Phase uint8

// The phases in the order in which an exchange meets them.
const (
	OnConnect      Phase = iota // before anything is matched: client, target and headers are known
	OnHead                      // operation, params known
	OnBody                      // request body known
	OnResponseHead              // status and header of the answer known
	OnResponseBody              // body of the answer known
)

// A Guard judges an exchange in one phase. It never writes to the client and never knows its mode: changes to the
// message go through [Exchange.Outgoing], [Exchange.Reply] and the edits of the bodies, which the loop takes back in
// monitor mode. Check is called concurrently for different exchanges. An error refuses.
type Guard struct {
	Name  string // in config, metrics, traces and events: "validate.body"
	Phase Phase
	Check func(context.Context, *Exchange) (Verdict, error)
}

// Principal is somebody whose credential was verified. It is immutable and may be shared between exchanges.
type Principal struct {
	Subject  string         // stable id: the token's sub, the key's id
	Issuer   string         // name of the identity provider in the config
	Kind     string         // "jwt" or "api_key"
	ClientID string         // OAuth client, where known
	Tenant   string         // where known
	Plan     string         // of quotas, where the credential names one
	Roles    []string       //
	Scopes   []string       //
	Claims   map[string]any // verified claims, for expressions
	Expires  time.Time      // zero: does not expire
	// Satisfies holds the names of the spec's security schemes that this principal's credentials fulfil.
	Satisfies []string
}

// HasRole reports whether the principal holds one of the roles. It is false for nobody.
func (p *Principal) HasRole(roles ...string) bool { return p != nil && overlaps(p.Roles, roles) }

// HasScope reports whether the principal's credential carries the scope. It is false for nobody.
func (p *Principal) HasScope(scope string) bool {
	return p != nil && overlaps(p.Scopes, []string{scope})
}

func overlaps(have, want []string) bool {
	for _, w := range want {
		for _, h := range have {
			if h == w {
				return true
			}
		}
	}
	return false
}

// Agent is an automated client that proved who it is, by what nobody can send in its name: a signature, or an address that
// its operator vouches for; never by what it says of itself. It is immutable and may be shared between exchanges.
type Agent struct {
	Name string // "GPTBot", "https://agent.example"
	How  string // what proved it, for people: "signature", "dns"
}

// Finding is something that a guard noticed without deciding. Match is masked by whoever writes it.
type Finding struct {
	Guard    string   `json:"guard"`
	Rule     string   `json:"rule"`            // rule id or detector name
	Message  string   `json:"message"`         // what it means
	Field    string   `json:"field,omitempty"` // where: body.items[2].note, query.q, header.x-id, path.id, response.items[0].email
	Severity Severity `json:"severity"`
	Score    int      `json:"score,omitempty"` // anomaly score, where the rule has one
	Tags     []string `json:"tags,omitempty"`
	Match    string   `json:"match,omitempty"` // masked fragment
}

// Step is what one guard did to one exchange.
type Step struct {
	Guard   string
	Mode    config.Mode // monitor or enforce
	Took    time.Duration
	Verdict *Verdict // nil when it passed
}
