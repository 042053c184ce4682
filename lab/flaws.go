package lab

import (
	"context"
	"net/http"
)

// A Flaw is one seeded vulnerability.
type Flaw struct {
	ID      string // "BOLA-1"
	Title   string
	Class   string // "API1:2023"
	CWE     string // "CWE-639"
	Control string // the gateway's control that ought to stop it: "policy.object: owner of response.customerId"; "" with Why
	Why     string // why nothing in front of the API can stop it
	Steps   func(*Attack)
}

// An Outcome is what one exploit attempt brought.
type Outcome struct {
	Leaked   bool   // judged on the response bytes, or on the lab's state afterwards
	Evidence string // "card number of cus_0107"; what was tried, when nothing leaked
	Status   int    // of the decisive answer
	Code     string // "code" of the decisive answer, when it is a problem that has one
	Exchange string // the decisive request and answer, shortened, credentials replaced by names
	Curl     string // the decisive request as a curl line with $BASE and names for credentials
	Requests int    // how many requests the attempt took
}

// Flaws lists every seeded flaw, by class.
func Flaws() []Flaw { return nil }

// Run resets the lab, exploits the flaw against base and says what it brought.
func (f Flaw) Run(ctx context.Context, base string, hc *http.Client, l *Lab) Outcome {
	return Outcome{}
}

// An Attack is one attempt at a flaw.
type Attack struct{}
