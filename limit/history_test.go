package limit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func recorded(at time.Duration, subject, client string) *exchange.Record {
	r := &exchange.Record{API: "shop", Operation: "GET /orders", Time: noon.Add(at), Client: client}
	if subject != "" {
		r.Principal = &exchange.RecordPrincipal{Issuer: "corp", Subject: subject}
	}
	return r
}

// told makes the suggestion for one operation of a history, of which so many requests were counted beside those that are recorded.
func told(t *testing.T, list []*exchange.Record, more int64, headroom float64) Suggestion {
	t.Helper()
	h := NewHistory(noon)
	h.Counted("shop", "GET /orders", int64(len(list))+more)
	for _, r := range list {
		h.Learn(r)
	}
	if err := h.Propose(headroom); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		h.Try(r)
	}
	all := h.Suggestions()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	return all[0]
}

// shop is an hour of a hundred callers, each with so many requests, in a minute of its own.
func shop(each int) (list []*exchange.Record) {
	for minute := range 60 {
		for caller := range 100 {
			if caller%60 == minute {
				for i := range each {
					list = append(list, recorded(time.Duration(minute)*time.Minute+time.Duration(i)*time.Second, fmt.Sprint("user-", caller), "192.0.2.1"))
				}
			}
		}
	}
	return list
}

// What a hundred need is proposed, and who never pauses shapes nothing: it is who would be refused, by the rate as it would have been.
func TestSuggestion(t *testing.T) {
	var list []*exchange.Record
	for second := range 3600 {
		list = append(list, recorded(time.Duration(second)*time.Second, "", "203.0.113.9"))
	}
	list = append(list, shop(10)...)
	slices.SortStableFunc(list, func(a, b *exchange.Record) int { return a.Time.Compare(b.Time) })
	s := told(t, list, 0, 2)
	if s.Callers != (Percentiles{101, 10, 10, 10, 60}) || s.Limit != 20 || s.Known != 1 || s.Requests != 4600 {
		t.Errorf("%+v", s)
	}
	// A burst of 20, and twenty a minute come back, one each 3 s: of 3600 pass 20 + 3599/3.
	if passed := int64(20 + 3599/3); s.Refused < 3600-passed-1 || s.Refused > 3600-passed+1 || s.Of != 1 {
		t.Errorf("%d refused, of %d", s.Refused, s.Of)
	}
	if len(s.Askers) != 1 || s.Askers[0].Name != "203.0.113.9" || s.Askers[0].Kind != "client" || s.Askers[0].Requests != 3600 || s.Askers[0].Refused != s.Refused {
		t.Errorf("%+v", s.Askers)
	}
}

// A minute in which more is needed at once than the burst allows is refused as the guard refuses it: the sums agree.
func TestSuggestionsDecideAsTheGuardDoes(t *testing.T) {
	list := shop(9)
	s := told(t, list, 0, 1)
	now := noon
	l := New(Options{Now: func() time.Time { return now }})
	r := rulesOf(t, l, config.API{Rate: &config.Rate{Limit: s.Limit}})
	guards, err := r.Spend(opOf("GET /orders", config.Operation{}))
	if err != nil {
		t.Fatal(err)
	}
	refused := int64(0)
	for _, x := range list {
		now = x.Time
		if code, _ := ask(t, guards, from("192.0.2.1", x.Principal.Subject)); code != "" {
			refused++
		}
	}
	if refused != s.Refused {
		t.Errorf("%d, the guard %d", s.Refused, refused)
	}
}

// Where records are missing, what callers needed is divided by what is known; where most are, nothing is said.
func TestSuggestionsOfPartOfTheTraffic(t *testing.T) {
	list := shop(6)
	if s := told(t, list, 0, 1); s.Limit != 6 {
		t.Errorf("all is known: %+v", s)
	}
	if s := told(t, list, 200, 1); s.Limit != 8 || s.Known != 0.75 {
		t.Errorf("three quarters are known: %+v", s)
	}
	if s := told(t, list, 601, 1); s.Limit != 0 || s.Why == "" || s.Refused != 0 {
		t.Errorf("less than a half is known: %+v", s)
	}
	if s := told(t, []*exchange.Record{recorded(0, "", "")}, 7, 1); s.Limit != 0 || s.Why == "" || s.Known != 0 {
		t.Errorf("nobody is known: %+v", s)
	}
}

// What never came to a rate is no part of the history, and networks of IPv6 are one caller.
func TestWhatIsAHistory(t *testing.T) {
	early := recorded(0, "", "192.0.2.1")
	early.Refused, early.Guard = true, "identity"
	late := recorded(0, "", "192.0.2.1")
	late.Refused, late.Guard = true, "validate.body"
	unknown := recorded(0, "", "192.0.2.1")
	unknown.Undocumented = true
	s := told(t, []*exchange.Record{early, late, unknown, recorded(0, "", "2001:db8::1"), recorded(0, "", "2001:db8::2")}, 0, 1)
	if s.Callers != (Percentiles{2, 1, 2, 2, 2}) {
		t.Errorf("%+v", s)
	}
	h := NewHistory(noon)
	h.Counted("shop", "undocumented", 7)
	h.Minute("shop", "undocumented", 7)
	if all := h.Suggestions(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestPercentiles(t *testing.T) {
	for _, c := range []struct {
		n    int
		want Percentiles
	}{{0, Percentiles{}}, {1, Percentiles{1, 1, 1, 1, 1}}, {2, Percentiles{2, 1, 2, 2, 2}}, {100, Percentiles{100, 50, 95, 99, 100}}, {101, Percentiles{101, 51, 96, 100, 101}}} {
		values := make([]int64, c.n)
		for i := range values {
			values[i] = int64(c.n - i)
		}
		if got := percentiles(values); got != c.want {
			t.Errorf("%d: %+v", c.n, got)
		}
	}
}

func TestFriendlyFigures(t *testing.T) {
	for n, want := range map[float64]int{0: 5, 5: 5, 5.1: 6, 9: 10, 10: 10, 10.5: 12, 13: 15, 21: 25, 99: 100, 100: 100, 101: 120, 5000: 5000, 8001: 10_000, 1e9 + 1: 1_200_000_000} {
		if got := friendly(n); got != want {
			t.Errorf("%v: %d, want %d", n, got, want)
		}
	}
}

func TestSuggestionsAsLines(t *testing.T) {
	var b bytes.Buffer
	err := WriteSuggestions(&b, []Suggestion{{API: "shop", Operation: "GET /b"}, {API: "shop", Operation: `GET /"a"`, Limit: 60, Callers: Percentiles{N: 3, P99: 25}}, {API: "other", Operation: "PUT /c", Limit: 5}})
	if err != nil || strings.Count(b.String(), "rate:") != 2 || !strings.HasPrefix(b.String(), "apis:\n  - name: other\n    operations:\n      \"PUT /c\":\n") || !strings.Contains(b.String(), `"GET /\"a\"":`) {
		t.Errorf("%v\n%s", err, b.String())
	}
}
