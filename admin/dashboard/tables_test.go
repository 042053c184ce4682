package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport/sallyport/gateway"
)

// links are the heads by which a page can be sorted, by the value of sort.
func links(t *testing.T, page string) (found []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data != "a" || n.Parent.Data != "th" || n.Parent.Parent.Parent.Data != "thead" {
			continue
		}
		u, err := url.Parse(attr(n, "href"))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, u.Query().Get("sort"))
	}
	return found
}

func also(target, pairs string) string {
	if strings.Contains(target, "?") {
		return target + "&" + pairs
	}
	return target + "?" + pairs
}

// Each table of every page that is known whole is sorted by a link, and the page says so; and it leaves as CSV and JSON in
// the same order.
func TestTablesAreSortedByLinks(t *testing.T) {
	kept := traffic(400)
	o := options(keep(t, kept...))
	for target, least := range map[string]int{"/": 14, "/apis": 10, "/operation?api=shop&operation=GET+%2Forders%2F%7Bid%7D": 12, "/identities": 10, "/findings": 6, "/controls": 5, "/reports": 2, "/sinks": 9,
		"/exchanges/" + kept[0].ID: 4, "/controls/promote?api=shop&guard=validate.response": 2} {
		found := links(t, page(t, o, target))
		if len(found) < least {
			t.Errorf("%s is sorted by %q only", target, found)
		}
		for _, by := range found {
			sorted := page(t, o, also(target, "sort="+by))
			direction := map[bool]string{true: "descending", false: "ascending"}[strings.HasPrefix(by, "-")]
			if strings.Count(sorted, `aria-sort=`) != 1 || !strings.Contains(sorted, `aria-sort="`+direction+`"`) {
				t.Errorf("%s sorted by %s does not say so", target, by)
			}
			back := strings.TrimPrefix(by, "-")
			if by == back {
				back = "-" + by
			}
			if !slices.Contains(links(t, sorted), back) {
				t.Errorf("%s sorted by %s cannot be turned around", target, by)
			}
			inOrder(t, o, target, by)
		}
	}
}

// inOrder exports a sorted table, and the same one turned around.
func inOrder(t *testing.T, o Options, target, by string) {
	t.Helper()
	name, column, several := strings.Cut(strings.TrimPrefix(by, "-"), ".")
	if !several {
		name, column = "", name
	}
	read := func(by, format string) []byte {
		return ask(o, RoleAdmin, also(target, "sort="+by+"&format="+format+"&table="+name)).Body.Bytes()
	}
	rows, err := csv.NewReader(strings.NewReader(string(read(by, "csv")))).ReadAll()
	if err != nil || len(rows) < 1 || !slices.Contains(rows[0], column) {
		t.Fatalf("%s by %s: %v %q", target, by, err, rows)
	}
	at := slices.Index(rows[0], column)
	var values []map[string]any
	if err := json.Unmarshal(read(by, "json"), &values); err != nil || len(values) != len(rows)-1 {
		t.Fatalf("%s by %s: %v, %d values of %d rows", target, by, err, len(values), len(rows)-1)
	}
	turned, err := csv.NewReader(strings.NewReader(string(read(map[bool]string{false: "-"}[strings.HasPrefix(by, "-")]+strings.TrimPrefix(by, "-"), "csv")))).ReadAll()
	if err != nil || len(turned) != len(rows) {
		t.Fatal(target, by, err)
	}
	for i := 1; i < len(rows); i++ {
		if rows[i][at] != turned[len(rows)-i][at] {
			t.Errorf("%s by %s: %q stands where %q would, turned around", target, by, rows[i][at], turned[len(rows)-i][at])
		}
	}
}

// Pages of a table go on in the order that was chosen, over the whole of it.
func TestPagesOfASortedTable(t *testing.T) {
	o := options(keep(t))
	o.Posture = func() (all []gateway.Posture) {
		for i := range 450 {
			all = append(all, gateway.Posture{API: "shop", Operation: fmt.Sprintf("GET /%03d", (i*7)%450)})
		}
		return all
	}
	var seen []string
	for target := "/apis?sort=operation"; target != ""; {
		doc, err := html.Parse(strings.NewReader(page(t, o, target)))
		if err != nil {
			t.Fatal(err)
		}
		target = ""
		for n := range doc.Descendants() {
			if n.Data == "a" && attr(n, "rel") == "next" {
				target = attr(n, "href")
			}
			if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/operation?") {
				seen = append(seen, text(n))
			}
		}
	}
	if len(seen) != 450 || !slices.IsSorted(seen) {
		t.Errorf("%d rows: %q", len(seen), seen)
	}
}

// What the store cannot sort whole is not offered to be sorted.
func TestRankingsThatAreCutAreNotSorted(t *testing.T) {
	kept := traffic(mostRanked + 60)
	for i, r := range kept {
		r.Client = fmt.Sprintf("198.51.100.%d", i)
	}
	for _, by := range links(t, page(t, options(keep(t, kept...)), "/identities")) {
		if strings.Contains(by, "clients.") {
			t.Error("the most frequent of many clients are sorted by", by)
		}
	}
}

func TestATableThatIsNotThereIsNotExported(t *testing.T) {
	o := options(keep(t, traffic(10)...))
	for _, target := range []string{"/?format=csv", "/?format=csv&table=persons", "/controls?format=pdf", "/search?q=x&format=csv"} {
		if w := ask(o, RoleAdmin, target); w.Code != 400 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	for _, target := range []string{"/operation?api=shop&operation=GET+%2Forders%2F%7Bid%7D&format=json&table=subject", "/operation?api=shop&operation=GET+%2Forders%2F%7Bid%7D&format=json&table=client"} {
		if body := ask(o, RoleViewer, target).Body.String(); strings.Contains(body, "user-") || strings.Contains(body, "192.0.2.") {
			t.Errorf("a viewer is sent persons: %s", body)
		}
	}
}
