package main

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// auditorCmd builds the auditor's own binary: $AUDITOR is it. Nothing of the gateway is in it.
func auditorCmd(ts *testscript.TestScript, _ bool, _ []string) {
	binary := filepath.Join(ts.Getenv("WORK"), "sallyport-audit")
	build := exec.Command("go", "build", "-o", binary, "../sallyport-audit")
	if out, err := build.CombinedOutput(); err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
	list, err := exec.Command("go", "list", "-deps", "../sallyport-audit").Output()
	ts.Check(err)
	for line := range strings.Lines(string(list)) {
		if p, ours := strings.CutPrefix(strings.TrimSpace(line), "github.com/sallyport/sallyport/"); ours && p != "audit" && p != "cmd/sallyport-audit" {
			ts.Fatalf("the auditor's binary has %s of the gateway in it", p)
		}
	}
	ts.Setenv("AUDITOR", binary)
}
