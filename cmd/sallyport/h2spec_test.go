package main

import (
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const h2spec = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// deviations are the cases of h2spec in which the HTTP/2 server differs, and why nobody is harmed. docs/edge.md has them too.
var deviations = map[string]string{
	"6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE": "a SETTINGS frame that names a parameter twice ends the connection; no client sends one",
}

// TestH2spec lets h2spec judge the TLS listener of a real process: every case passes but the deviations.
func TestH2spec(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("takes half a minute: make h2spec")
	}
	g, _, secure := startEdge(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, strings.Repeat("text ", 100))
	}))
	host, port, err := net.SplitHostPort(secure)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(g.dir, "report.xml")
	out, err := exec.Command("go", "run", h2spec, "-h", host, "-p", port, "-t", "-k", "-o", "5", "-S", "-j", report).CombinedOutput()
	text, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("no report: %v\n%s", err, out)
	}
	tests, failed := failures(t, text)
	t.Logf("%d cases, %d failed", tests, len(failed))
	if tests < 146 {
		t.Errorf("only %d cases were tried", tests)
	}
	for name := range failed {
		if deviations[name] == "" {
			t.Errorf("failed: %s", name)
		}
	}
	for name := range deviations {
		if !failed[name] {
			t.Errorf("does not deviate any more: %s", name)
		}
	}
}

// failures reads a report in JUnit's format.
func failures(t *testing.T, report []byte) (tests int, failed map[string]bool) {
	t.Helper()
	var suites struct {
		Suite []struct {
			ID   string `xml:"id,attr"`
			Case []struct {
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(report, &suites); err != nil {
		t.Fatal(err)
	}
	failed = map[string]bool{}
	for _, s := range suites.Suite {
		for _, c := range s.Case {
			if tests++; c.Failure != nil || c.Error != nil {
				failed[s.ID+": "+c.Name] = true
			}
		}
	}
	return tests, failed
}
