package exchange

import (
	"time"

	"github.com/sallyport/sallyport/config"
)

// A Record is what remains of an exchange: the one source for log, metrics, explain and every later consumer. It is
// masked when it is made, immutable afterwards, and may be kept by several sinks.
type Record struct {
	ID           string           `json:"id"`
	Time         time.Time        `json:"time"`
	Took         time.Duration    `json:"took_ns"`
	API          string           `json:"api"`
	Operation    string           `json:"operation"` // "GET /orders/{id}"; "" when nothing matched
	Undocumented bool             `json:"undocumented,omitempty"`
	Method       string           `json:"method"`
	Host         string           `json:"host"`
	Path         string           `json:"path"`            // canonical, or the raw target's first 256 bytes where there is no canonical one
	Query        string           `json:"query,omitempty"` // names, with free text masked
	Proto        string           `json:"proto"`
	Client       string           `json:"client"` // address behind trusted proxies
	Peer         string           `json:"peer,omitempty"`
	UserAgent    string           `json:"user_agent,omitempty"`
	JA4          string           `json:"ja4,omitempty"` // fingerprint of the client's TLS handshake
	Bot          *RecordBot       `json:"bot,omitempty"` // nil where the client was not rated
	Principal    *RecordPrincipal `json:"principal,omitempty"`
	Status       int              `json:"status"`          // what the client received
	Refused      bool             `json:"refused"`         // by a guard that enforces, or by the gateway itself
	Guard        string           `json:"guard,omitempty"` // who refused
	Code         string           `json:"code,omitempty"`  // reason
	OWASP        string           `json:"owasp,omitempty"`
	Detail       string           `json:"detail,omitempty"`
	Setting      string           `json:"setting,omitempty"`
	Fields       []Field          `json:"fields,omitempty"`
	Steps        []RecordStep     `json:"steps"`
	Findings     []Finding        `json:"findings,omitempty"`
	Upstream     *RecordUpstream  `json:"upstream,omitempty"`
	BytesIn      int64            `json:"bytes_in"`  // request body
	BytesOut     int64            `json:"bytes_out"` // response body
	Trace        string           `json:"trace_id,omitempty"`
	Basis        string           `json:"basis,omitempty"` // of the configuration that decided
}

// Rated is how the client was rated; "" where it was not.
func (r *Record) Rated() Rating {
	if r.Bot == nil {
		return ""
	}
	return r.Bot.Rating
}

// RecordBot is how the client was rated. Nothing in it tells of a person: names are those of automated clients, and reasons are our
// own words.
type RecordBot struct {
	Rating  Rating   `json:"rating"`
	Action  string   `json:"action,omitempty"` // of the config, that the rating has
	Points  int      `json:"points,omitempty"`
	Name    string   `json:"name,omitempty"` // of an automated client that proved who it is
	Reasons []string `json:"reasons,omitempty"`
}

// RecordPrincipal is who asked.
type RecordPrincipal struct {
	Subject string   `json:"subject"`
	Issuer  string   `json:"issuer"`
	Kind    string   `json:"kind"`
	Tenant  string   `json:"tenant,omitempty"`
	Plan    string   `json:"plan,omitempty"`
	Roles   []string `json:"roles,omitempty"`
	Scopes  []string `json:"scopes,omitempty"`
	Schemes []string `json:"schemes,omitempty"` // security schemes of the spec that the credentials fulfil
}

// RecordStep is one guard's answer. In monitor mode Code tells what would have happened.
type RecordStep struct {
	Guard   string        `json:"guard"`
	Mode    config.Mode   `json:"mode"`
	Took    time.Duration `json:"took_ns"`
	Code    string        `json:"code,omitempty"`
	Detail  string        `json:"detail,omitempty"`
	Setting string        `json:"setting,omitempty"`
	Fields  []Field       `json:"fields,omitempty"`
}

// RecordUpstream is how the request was forwarded.
type RecordUpstream struct {
	Target   string        `json:"target"`
	Status   int           `json:"status"`
	Attempts int           `json:"attempts"`
	Took     time.Duration `json:"took_ns"`
}

// Settled is who refused the exchange, and why; where nobody did, the first guard in monitor mode that would have; "" where
// there is none.
func (r *Record) Settled() (guard, code string) {
	if r.Refused {
		return r.Guard, r.Code
	}
	for i := range r.Steps {
		if r.Steps[i].Code != "" {
			return r.Steps[i].Guard, r.Steps[i].Code
		}
	}
	return "", ""
}
