package lab

import (
	"context"
	"net/http"
	"slices"
)

// A Flaw is one seeded vulnerability.
type Flaw struct {
	ID      string // "BOLA-1"
	Title   string
	Class   string        // "API1:2023"
	CWE     string        // "CWE-639"
	Control string        // the gateway's guard that ought to stop it, and by what; "" with Why
	Why     string        // why nothing that knows only the spec can stop it in front of the API
	Steps   func(*Attack) // exploits it
}

// An Outcome is what one exploit attempt brought.
type Outcome struct {
	Leaked   bool   // judged on the response bytes, or on the lab's state afterwards
	Evidence string // "card number of cus_0107"; "nothing" when nothing leaked
	Status   int    // of the decisive answer: the first refusal by a gateway, else that to the exploit
	Code     string // "code" of the decisive answer, when it is a problem that has one
	Exchange string // the decisive request and answer, shortened, credentials replaced by names
	Curl     string // the decisive request as a curl line with $BASE and names for credentials
	Requests int    // how many requests the attempt took
}

// Flaws lists every seeded flaw, by class.
func Flaws() []Flaw {
	return slices.Concat(objectFlaws, identityFlaws, propertyFlaws, resourceFlaws, functionFlaws, flowFlaws, urlFlaws,
		configurationFlaws, inventoryFlaws, partnerFlaws)
}

// Run resets the lab, exploits the flaw against base, which is the lab or a gateway in front of it, and says what it
// brought. Redirects that hc follows are followed. Flaws of one lab must not run at the same time.
func (f Flaw) Run(ctx context.Context, base string, hc *http.Client, l *Lab) Outcome {
	l.Reset()
	a := &Attack{ctx: ctx, base: base, client: hc, lab: l, names: map[string]string{l.APIKey(): "$PARTNER_KEY"}}
	f.Steps(a)
	return a.outcome()
}
