package event

import (
	"fmt"
	"testing"
	"time"
)

// What was asked for is told by minutes and hours, without what was refused early and what is not known.
func TestPaces(t *testing.T) {
	a := archive(t, t.TempDir(), ArchiveOptions{})
	for i := 1; i <= 90; i++ {
		r := at(i)
		switch {
		case i%3 == 0:
			r = denied(i) // by policy.object
		case i%10 == 1:
			r.Refused, r.Guard, r.Code, r.Status = true, "identity", "identity.missing", 401
		case i%10 == 2:
			r.Operation = ""
		}
		a.Record(r)
	}
	a.Close()
	paces := func(every time.Duration, but ...string) (told []string) {
		err := a.Paces(t.Context(), began, began.Add(time.Hour), every, but, func(p Pace) {
			told = append(told, fmt.Sprint(p.API, " ", p.Operation, " ", p.Start.Sub(began), " ", p.N))
		})
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	for want, got := range map[string][]string{
		"[shop GET /orders/{id} 0s 55 shop GET /orders/{id} 1m0s 29]": paces(time.Minute),
		"[shop GET /orders/{id} 0s 78]":                               paces(time.Hour, "identity", "limit.admit"),
		"[shop GET /orders/{id} 0s 48]":                               paces(time.Hour, "identity", "policy.object"),
	} {
		if fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
