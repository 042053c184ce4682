package lab

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// update rewrites FLAWS.md and traffic.jsonl: go test ./lab -update
var update = flag.Bool("update", false, "rewrite the generated files")

func start(t testing.TB) (*Lab, string) {
	t.Helper()
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(l.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, server.URL
}

// plainClient is a client that follows no redirects.
func plainClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestEveryFlawIsReal(t *testing.T) {
	l, base := start(t)
	for _, f := range Flaws() {
		t.Run(f.ID, func(t *testing.T) {
			first := f.Run(t.Context(), base, plainClient(), l)
			if !first.Leaked {
				t.Fatalf("nothing leaked\n%s", first.Exchange)
			}
			second := f.Run(t.Context(), base, plainClient(), l)
			if first.Evidence != second.Evidence || first.Curl != second.Curl || first.Status != second.Status {
				t.Errorf("two runs differ:\n%s\n%s\n%s\n%s", first.Evidence, second.Evidence, first.Curl, second.Curl)
			}
			if f.Control == "" == (f.Why == "") {
				t.Error("a flaw has either a control or a reason why it has none")
			}
			if first.Code != "" {
				t.Errorf("the bare lab answered with a gateway's code %s", first.Code)
			}
		})
	}
}

// TestNothingLeaksFromARefusal runs every flaw against something that refuses everything: evidence has to come from the
// answer or the lab's state, not from the attempt.
func TestNothingLeaksFromARefusal(t *testing.T) {
	l, _ := start(t)
	wall := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"type":"about:blank","title":"No","status":403,"code":"test.refused"}`)
	}))
	defer wall.Close()
	for _, f := range Flaws() {
		out := f.Run(t.Context(), wall.URL, plainClient(), l)
		if out.Leaked || out.Code != "test.refused" || out.Status != http.StatusForbidden {
			t.Errorf("%s: leaked %v (%s), status %d, code %q", f.ID, out.Leaked, out.Evidence, out.Status, out.Code)
		}
	}
}

func TestFlawsCoverTheTopTen(t *testing.T) {
	class, ids := map[string]int{}, map[string]bool{}
	for _, f := range Flaws() {
		class[f.Class]++
		if ids[f.ID] {
			t.Errorf("two flaws are called %s", f.ID)
		}
		ids[f.ID] = true
		if !regexp.MustCompile(`^CWE-\d+$`).MatchString(f.CWE) {
			t.Errorf("%s: CWE %q", f.ID, f.CWE)
		}
	}
	for n := 1; n <= 10; n++ {
		if c := fmt.Sprintf("API%d:2023", n); class[c] < 2 {
			t.Errorf("%s has %d flaws, want at least 2", c, class[c])
		}
	}
	if len(ids) < 30 {
		t.Errorf("%d flaws, want at least 30", len(ids))
	}
}

// TestFlawsAreMarked demands that the code says where each flaw is, and that nothing is marked that is not listed.
func TestFlawsAreMarked(t *testing.T) {
	sources, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	marked := map[string]bool{}
	mark := regexp.MustCompile(`flaw ([A-Z]+-\d+(?:, [A-Z]+-\d+)*):`)
	for _, file := range sources {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mark.FindAllStringSubmatch(string(text), -1) {
			for _, id := range strings.Split(m[1], ", ") {
				marked[id] = true
			}
		}
	}
	for _, f := range Flaws() {
		if !marked[f.ID] {
			t.Errorf("no comment marks %s in the code", f.ID)
		}
		delete(marked, f.ID)
	}
	for id := range marked {
		t.Errorf("the code marks %s, which is not listed", id)
	}
}

func TestFLAWSmd(t *testing.T) {
	l, base := start(t)
	want := flawsDocument(t, l, base)
	if *update {
		if err := os.WriteFile("FLAWS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("FLAWS.md")
	if err != nil || string(got) != want {
		t.Errorf("FLAWS.md is out of date; run: go test ./lab -update (%v)", err)
	}
}

var risks = []string{
	"Broken object level authorization", "Broken authentication", "Broken object property level authorization",
	"Unrestricted resource consumption", "Broken function level authorization", "Unrestricted access to sensitive business flows",
	"Server side request forgery", "Security misconfiguration", "Improper inventory management", "Unsafe consumption of APIs",
}

func flawsDocument(t *testing.T, l *Lab, base string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The flaws of Harbor Goods\n\n"+
		"Generated from the table in `lab/flaws_*.go` by `go test ./lab -update`. A test reproduces every one against the bare lab.\n\n"+
		"`$BASE` is where the shop is and `$ALICE` the token of %s, as `sallyport demo` prints them; `$CUSTOMER` is the token of another "+
		"ordinary customer, `$PARTNER_KEY` the partner's API key. Where a flaw takes more than one request, the one shown is the decisive one.\n", Attacker)
	class := ""
	for _, f := range Flaws() {
		if f.Class != class {
			class = f.Class
			var n int
			fmt.Sscanf(class, "API%d", &n)
			fmt.Fprintf(&b, "\n## %s %s\n", class, risks[n-1])
		}
		out := f.Run(t.Context(), base, plainClient(), l)
		fmt.Fprintf(&b, "\n### %s: %s\n\n- Weakness: %s\n- What leaks: %s\n", f.ID, f.Title, f.CWE, out.Evidence)
		if f.Control != "" {
			fmt.Fprintf(&b, "- Stopped by: %s\n", f.Control)
		} else {
			fmt.Fprintf(&b, "- Not stoppable in front of the API: %s\n", f.Why)
		}
		if out.Requests > 1 {
			fmt.Fprintf(&b, "- Requests: %d\n", out.Requests)
		}
		fmt.Fprintf(&b, "\n```sh\n%s\n```\n", out.Curl)
	}
	return b.String()
}
