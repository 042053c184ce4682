package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport/sallyport/exchange"
)

// What strangers write into requests, and so into records.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `javascript:alert(1)`, `</title><script>alert(1)</script>`,
	"\u202egnp.exe", "{{.Viewer.CSRF}}", "data: injected\n\nevent: exchange\ndata: <b>x</b>", "\x00\x1b[31m", `=cmd|' /C calc'!A0`, "`${1}`",
}

// poisoned is a record with s wherever a stranger, or who runs an API behind us, may have put it.
func poisoned(s string) *exchange.Record {
	r := traffic(1)[0]
	r.Method, r.Host, r.Path, r.Query, r.UserAgent, r.JA4, r.Trace, r.Client = s, s, "/"+s, s, s, s, s, s
	r.Principal = &exchange.RecordPrincipal{Subject: s, Issuer: s, Kind: s, Tenant: s, Roles: []string{s}}
	r.Bot = &exchange.RecordBot{Rating: exchange.Rating(s), Action: s, Name: s, Reasons: []string{s}}
	r.Detail, r.Setting, r.Fields = s, s, []exchange.Field{{Pointer: "/" + s, Detail: s}}
	r.Findings = []exchange.Finding{{Guard: "inspect.head", Rule: s, Message: s, Field: s, Match: s, Severity: exchange.High}}
	return r
}

// onlyOurs reads a page as a browser does: no script but ours, no handlers, no address that is not of this listener.
func onlyOurs(t *testing.T, what, page string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(page))
	inScript := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			if inScript && strings.TrimSpace(z.Token().Data) != "" {
				t.Errorf("%s: a script in the page", what)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			inScript = tag.Data == "script"
			if slices.Contains([]string{"b", "style", "iframe", "object", "base"}, tag.Data) {
				t.Errorf("%s: %s", what, tag)
			}
			for _, a := range tag.Attr {
				elsewhere := slices.Contains([]string{"src", "href", "action"}, a.Key) && !regexp.MustCompile(`^(/[^/]|/$|#)`).MatchString(a.Val)
				if elsewhere || strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: %s", what, tag)
				}
			}
		case html.EndTagToken:
			inScript = false
		}
	}
}

func TestNothingThatAStrangerWroteIsMarkup(t *testing.T) {
	for _, s := range hostile {
		r := poisoned(s)
		o := options(keep(t, r))
		q := url.QueryEscape(s)
		for _, target := range []string{"/", "/live", "/exchanges", "/exchanges/" + r.ID, "/findings", "/identities", "/identities?subject=" + q, "/search?q=" + q, "/exchanges?client=" + q, "/apis?operation=" + q, "/exchanges?failed=" + q + "&detail=" + q} {
			onlyOurs(t, s+" on "+target, page(t, o, target))
		}
		if body := page(t, o, "/exchanges/"+r.ID); !strings.Contains(body, "<bdi>") {
			t.Error("texts of strangers are not kept from turning the rest of the line around")
		}
		if w := ask(o, RoleAdmin, "/exchanges/"+url.PathEscape(s)); w.Code != http.StatusNotFound {
			t.Errorf("%q: %d", s, w.Code)
		} else {
			onlyOurs(t, s, w.Body.String())
		}
	}
}

func TestSpreadsheetsTakeNoCellForAFormula(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", `=cmd|' /C calc'!A0`} {
		r := poisoned(s)
		w := ask(options(keep(t, r)), RoleAdmin, "/exchanges?format=csv")
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatal(err, rows)
		}
		for _, cell := range rows[1] {
			if strings.IndexAny(cell, "=+-@\t\r") == 0 {
				t.Errorf("%q is a cell", cell)
			}
		}
		if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="exchanges.csv"` {
			t.Error(got)
		}
	}
}

func TestExportsAreWhole(t *testing.T) {
	kept := traffic(2300) // more than one query has
	o := options(keep(t, kept...))
	rows, err := csv.NewReader(ask(o, RoleAnalyst, "/exchanges?range=7d&format=csv").Body).ReadAll()
	if err != nil || len(rows) != len(kept)+1 {
		t.Fatal(err, len(rows))
	}
	var list []exchange.Record
	if err := json.Unmarshal(ask(o, RoleAnalyst, "/exchanges?range=7d&format=json&outcome=refused").Body.Bytes(), &list); err != nil || len(list) == 0 {
		t.Fatal(err, len(list))
	}
	for _, r := range list {
		if !r.Refused {
			t.Fatal("the filter was not asked")
		}
	}
	for _, target := range []string{"/apis?format=csv", "/findings?range=7d&format=csv"} {
		if rows, err := csv.NewReader(ask(o, RoleAnalyst, target).Body).ReadAll(); err != nil || len(rows) < 2 {
			t.Error(target, err, rows)
		}
	}
	if got := ask(options(keep(t)), RoleAnalyst, "/exchanges?format=json").Body.String(); got != "[]\n" {
		t.Errorf("%q", got)
	}
}

func TestPagesRunAndLoadOnlyWhatIsOurs(t *testing.T) {
	kept := traffic(50)
	o := options(keep(t, kept...))
	for _, target := range append(every(kept), "/signin") {
		w := ask(o, RoleAdmin, target)
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q", target, name, got)
			}
		}
		onlyOurs(t, target, w.Body.String())
	}
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) {
			t.Error("the policy lacks", part)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Error(policy)
	}
}

func TestRolesSeeNoMoreThanIsTheirs(t *testing.T) {
	kept := traffic(3)
	o := options(keep(t, kept...))
	for _, target := range every(kept) {
		w := ask(o, "", target)
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/signin?next=") {
			t.Errorf("nobody sees %s: %d", target, w.Code)
		}
	}
	for _, target := range []string{"/live", "/live/stream", "/exchanges", "/exchanges?format=csv", "/exchanges/" + kept[0].ID, "/identities", "/findings", "/findings?format=json", "/search?q=user-1", "/controls/promote?api=shop&guard=validate.response"} {
		w := ask(o, RoleViewer, target)
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "192.0.2.") {
			t.Errorf("a viewer sees %s: %d", target, w.Code)
		}
	}
	for _, target := range []string{"/", "/apis", "/controls", "/operation?api=shop&operation=GET+%2Forders%2F%7Bid%7D"} {
		if body := ask(o, RoleViewer, target); body.Code != http.StatusOK || strings.Contains(body.Body.String(), "192.0.2.") || strings.Contains(body.Body.String(), "user-1") {
			t.Errorf("%s tells viewers of persons, or nothing: %d", target, body.Code)
		}
	}
}

func TestFiltersThatAreMisspelledWidenNothing(t *testing.T) {
	w := ask(options(keep(t, traffic(3)...)), RoleAdmin, "/exchanges?clinet=192.0.2.1")
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "is no filter") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
