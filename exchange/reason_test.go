package exchange_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

var update = flag.Bool("update", false, "write generated files again")

var code = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range exchange.Catalogue() {
		if !code.MatchString(r.Code) || seen[r.Code] || r.Status < 400 || r.Status > 599 || r.Title == "" || r.Help == "" {
			t.Errorf("%+v", r)
		}
		seen[r.Code] = true
		if exchange.Lookup(r.Code) != r {
			t.Errorf("%s cannot be looked up", r.Code)
		}
	}
}

// docs/reasons.md is made from the catalogue.
func TestReasonsAreDocumented(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("# Reasons\n\nEvery refusal carries one of these codes, in the problem (RFC 9457), the access log, the metrics and `sallyport explain`.\nGenerated from package `exchange` by `make golden`.\n\n| code | status | the client reads | OWASP | CWE | what it means |\n|---|---|---|---|---|---|\n")
	for _, r := range exchange.Catalogue() {
		cwe := ""
		if r.CWE > 0 {
			cwe = fmt.Sprintf("CWE-%d", r.CWE)
		}
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s | %s | %s |\n", r.Code, r.Status, r.Title, r.OWASP, cwe, r.Help)
	}
	const path = "../docs/reasons.md"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the catalogue says (%v): make golden", path, err)
	}
}

func TestZeroVerdictRefuses(t *testing.T) {
	var v exchange.Verdict
	if v.Passed() || v.Refused() {
		t.Error("the zero verdict is neither pass nor a refusal with a reason")
	}
	if !exchange.Pass.Passed() || exchange.Pass.Refused() {
		t.Error("Pass passes")
	}
}
