package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// A scope is what a page is about: a range of time and filters, all of which its URL holds. It is immutable.
type scope struct {
	path  string
	query url.Values // of known names, one value each, none empty
	now   time.Time
	From  time.Time // inclusive
	Until time.Time // exclusive
	Range string    // "24h", or "" where the range is absolute
}

// Outcomes by which exchanges can be filtered, from the worst.
const (
	refused   = "refused"
	monitored = "monitored" // passed, but a guard in monitor mode would have refused
	noticed   = "noticed"   // passed, but with findings
	passed    = "passed"
)

type filter struct{ Name, Label string }

// filters are the names of a query that select exchanges, with what people call them.
var filters = []filter{
	{"outcome", "Outcome"}, {"api", "API"}, {"operation", "Operation"}, {"code", "Reason"}, {"owasp", "OWASP class"},
	{"guard", "Guard"}, {"rule", "Rule"}, {"subject", "Principal"}, {"client", "Client"}, {"rating", "Rating"},
}

// others are names that single pages understand besides.
var others = []string{"range", "from", "to", "before", "sort", "format", "q", "tab", "table", "candidate", "headroom", "failed", "detail"}

const (
	defaultRange = "24h"
	longestRange = 366 * 24 * time.Hour
	longestValue = 512
)

// ranges are the relative ones that the picker offers.
var ranges = []filter{
	{"15m", "Last 15 minutes"}, {"1h", "Last hour"}, {"6h", "Last 6 hours"}, {"24h", "Last 24 hours"}, {"7d", "Last 7 days"}, {"30d", "Last 30 days"},
}

// readScope reads the query of a page. What is not understood is an error: a filter that is misspelled must not widen
// what is shown.
func readScope(u *url.URL, now time.Time) (*scope, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query of this address is malformed: %w", err)
	}
	s := &scope{path: u.Path, query: url.Values{}, now: now.UTC()}
	for name, list := range values {
		if !known(name) {
			return nil, fmt.Errorf("%q is no filter; there are %s", name, strings.Join(names(), ", "))
		}
		if len(list) != 1 || len(list[0]) > longestValue {
			return nil, fmt.Errorf("%q needs one value of at most %d bytes", name, longestValue)
		}
		if list[0] != "" { // forms send what was left empty, too
			s.query.Set(name, list[0])
		}
	}
	if o := s.Get("outcome"); o != "" && !slices.Contains(event.Outcomes, o) {
		return nil, fmt.Errorf("%q is no outcome; there are %s", o, strings.Join(event.Outcomes, ", "))
	}
	if r := s.Get("rating"); r != "" && !slices.Contains(exchange.Ratings, exchange.Rating(r)) {
		return nil, fmt.Errorf("%q is no rating; there are %s", r, strings.Join(ratings(), ", "))
	}
	return s, s.readRange()
}

func names() (list []string) {
	for _, f := range filters {
		list = append(list, f.Name)
	}
	return append(list, others...)
}

func known(name string) bool { return slices.Contains(names(), name) }

func (s *scope) readRange() error {
	from, to := s.Get("from"), s.Get("to")
	if from == "" && to == "" {
		s.Range = s.Get("range")
		if s.Range == "" {
			s.Range = defaultRange
		}
		d, err := duration(s.Range)
		if err != nil {
			return err
		}
		s.From, s.Until = s.now.Add(-d), s.now
		return nil
	}
	s.query.Del("range")
	var err error
	if s.Until = s.now; to != "" {
		if s.Until, err = moment(to); err != nil {
			return err
		}
	}
	if s.From = s.Until.Add(-24 * time.Hour); from != "" {
		if s.From, err = moment(from); err != nil {
			return err
		}
	}
	if d := s.Until.Sub(s.From); d <= 0 || d > longestRange {
		return fmt.Errorf("from must lie before to, and at most %d days before it", int(longestRange.Hours()/24))
	}
	return nil
}

// duration reads a relative range: 15m, 6h, 7d.
func duration(text string) (time.Duration, error) {
	var n int
	var unit string
	if _, err := fmt.Sscanf(text, "%d%s", &n, &unit); err == nil && n > 0 && n < 1e6 {
		units := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
		if d := time.Duration(n) * units[unit]; d > 0 && d <= longestRange {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is no range of time; write 15m, 6h or 7d", text)
}

// layouts are the ways to write an absolute time; without a zone it is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

func moment(text string) (time.Time, error) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2006-01-02T15:04 (UTC)", text)
}

// Get is the value of a filter, or "".
func (s *scope) Get(name string) string { return s.query.Get(name) }

// With is this page's address with other values; pairs are name, value; "" takes a name out. What was paged or sorted
// begins anew, unless pairs say otherwise.
func (s *scope) With(pairs ...string) string {
	q := clone(s.query)
	q.Del("before")
	q.Del("format")
	q.Del("table")
	q.Del("failed")
	q.Del("detail")
	return address(s.path, q, pairs)
}

// exported is the address of a table of this page as a file.
func (s *scope) exported(format, table string) string {
	return s.With("format", format, "table", table)
}

// To is another page's address in the same range of time.
func (s *scope) To(path string, pairs ...string) string {
	q := url.Values{}
	for _, name := range []string{"range", "from", "to"} {
		if v := s.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	return address(path, q, pairs)
}

// Exchanges is the address of the list of exchanges, with the filters of this page and others.
func (s *scope) Exchanges(pairs ...string) string {
	q := url.Values{}
	for name, v := range s.query {
		if slices.ContainsFunc(filters, func(f filter) bool { return f.Name == name }) {
			q[name] = v
		}
	}
	for _, name := range []string{"range", "from", "to"} {
		if v := s.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	return address("/exchanges", q, pairs)
}

func clone(q url.Values) url.Values {
	c := make(url.Values, len(q))
	for name, v := range q {
		c[name] = v
	}
	return c
}

func address(path string, q url.Values, pairs []string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// A chip is one filter that is on.
type chip struct{ Name, Label, Value, Without string }

// Chips are the filters that are on, in their order.
func (s *scope) Chips() (list []chip) {
	for _, f := range filters {
		if v := s.Get(f.Name); v != "" {
			list = append(list, chip{f.Name, f.Label, v, s.With(f.Name, "")})
		}
	}
	return list
}

// Hidden are the values that a form must send along to keep them, without those that it asks for itself.
func (s *scope) Hidden(asked ...string) (list []chip) {
	for _, name := range names() {
		if v := s.Get(name); v != "" && !slices.Contains(asked, name) && !slices.Contains([]string{"before", "format", "table", "failed", "detail"}, name) {
			list = append(list, chip{Name: name, Value: v})
		}
	}
	return list
}

// Ranges are what the picker offers, with their addresses.
func (s *scope) Ranges() (list []choice) {
	for _, r := range ranges {
		list = append(list, choice{r.Label, s.With("range", r.Name, "from", "", "to", ""), r.Name == s.Range})
	}
	return list
}

// A choice is a link of which one is current.
type choice struct {
	Label, Href string
	Current     bool
}

// Span is the range in words.
func (s *scope) Span() string {
	for _, r := range ranges {
		if r.Name == s.Range {
			return r.Label
		}
	}
	if s.Range != "" {
		return "Last " + s.Range
	}
	return s.From.Format("2006-01-02 15:04") + " – " + s.Until.Format("2006-01-02 15:04")
}

// Wider is the same page over a longer range, for pages that found nothing; "" where the range is the longest offered.
func (s *scope) Wider() string {
	d := s.Until.Sub(s.From)
	for _, r := range ranges {
		if longer, _ := duration(r.Name); longer > d {
			return s.With("range", r.Name, "from", "", "to", "")
		}
	}
	return ""
}
