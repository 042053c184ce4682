package exchange

import "time"

// A Verdict is Pass or a refusal. The zero Verdict is neither, and the loop treats it as a refusal.
type Verdict struct {
	action action
	// Reason is the catalogue entry; nil for Pass.
	Reason *Reason
	// Detail is for the operator: cause, place. It never reaches the client.
	Detail string
	// Fields are the offending places, shown to the client; values are never in them.
	Fields []Field
	// Setting is the exact config line or spec key that would change this verdict, for explain.
	Setting string
	// Status overrides the reason's status where it is not 0: an upstream's 503 stays one.
	Status int
	// Retry is when the client may try again; zero: not said.
	Retry time.Duration
	// Hold is how long the refusal is kept back, to cost whoever waits for it time; see [Verdict.WithHold].
	Hold time.Duration
	// Challenge tells the client where it can prove that it has worked, which would let it in.
	Challenge bool
	// Header is sent with the refusal: Allow, WWW-Authenticate, Accept, RateLimit …
	Header []HeaderField
}

// HeaderField is one field of a refusal's header.
type HeaderField struct{ Name, Value string }

// Field is one offending place of a request or response: a JSON Pointer into the body, or the name of a parameter.
type Field struct {
	Pointer string `json:"pointer,omitempty"`   // RFC 6901, in the body
	Param   string `json:"parameter,omitempty"` // "query.limit", "path.id", "header.X-Tenant", "cookie.sid"
	Detail  string `json:"detail"`
}

type action uint8

const (
	none action = iota
	pass
	refuse
)

// Pass lets the exchange go on.
var Pass = Verdict{action: pass}

// Refuse ends the exchange for a reason; detail is for the operator only.
func Refuse(r *Reason, detail string) Verdict {
	return Verdict{action: refuse, Reason: r, Detail: detail}
}

// Passed reports whether the exchange may go on. It is false for the zero Verdict.
func (v Verdict) Passed() bool { return v.action == pass }

// Refused reports whether the verdict is a refusal with a reason; false for the zero Verdict.
func (v Verdict) Refused() bool { return v.action == refuse }

// WithFields returns v with the offending places.
func (v Verdict) WithFields(f ...Field) Verdict { v.Fields = f; return v }

// WithSetting returns v with the setting that would relax it.
func (v Verdict) WithSetting(s string) Verdict { v.Setting = s; return v }

// WithStatus returns v with another status than the reason's.
func (v Verdict) WithStatus(status int) Verdict { v.Status = status; return v }

// WithRetry returns v with the time after which the client may try again.
func (v Verdict) WithRetry(d time.Duration) Verdict { v.Retry = d; return v }

// WithHold returns v with the time for which the refusal is kept back once the exchange is over. Only so many are kept back at once, and
// none of a guard that monitors.
func (v Verdict) WithHold(d time.Duration) Verdict { v.Hold = d; return v }

// WithChallenge returns v with the place where the client can prove that it has worked.
func (v Verdict) WithChallenge() Verdict { v.Challenge = true; return v }

// WithHeader returns v with one more field for the refusal's header.
func (v Verdict) WithHeader(name, value string) Verdict {
	v.Header = append(v.Header[:len(v.Header):len(v.Header)], HeaderField{name, value})
	return v
}
