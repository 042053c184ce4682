package dashboard

import (
	"fmt"
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/exchange/explain"
	"github.com/sallyport/sallyport/gateway"
)

// functions are what templates call.
var functions = template.FuncMap{
	"asset":      func(name string) string { return assets[name] },
	"num":        func(n any) string { return number(reflect.ValueOf(n).Int()) },
	"count":      func(n uint64) string { return number(int64(n)) },
	"took":       took,
	"size":       size,
	"ago":        ago,
	"changed":    func(c gateway.Change) string { return changeWords[c] },
	"dash":       explain.OrDash,
	"kept":       explain.Kept,
	"rated":      explain.Rated,
	"says":       explain.Outcome,
	"causes":     explain.Causes,
	"outcome":    event.OutcomeOf,
	"outcomes":   func() []string { return event.Outcomes },
	"codes":      codes,
	"ratings":    ratings,
	"firstSteps": noExchanges,
	"acting":     func(v view, about any) acting { return acting{v.Viewer, about} },
	"noAudit":    noAudit,
	"noKeys":     noKeys,
	"noBans":     noBans,
	"noQuotas":   noQuotas,
	"units":      units,
	"usedUp":     usedUp,
	"ranks":      percentiles,
	"percent":    func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) },
	"callers": func(n int) string {
		if n == 1 {
			return "1 caller"
		}
		return number(int64(n)) + " callers"
	},
	"join": func(list []string) string { return strings.Join(list, " ") },
}

func ratings() (list []string) {
	for _, r := range exchange.Ratings {
		list = append(list, string(r))
	}
	return list
}

func codes() (list []string) {
	for _, r := range exchange.Catalogue() {
		list = append(list, r.Code)
	}
	return list
}

// number is n with its thousands apart.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// took is a duration with three digits.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

func size(n int64) string {
	switch {
	case n < 1<<10:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// ago is a time gone by in its largest unit.
func ago(t time.Time, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}
