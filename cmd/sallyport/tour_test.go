package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
)

// The tour is the product's promise: flaws are stopped by the control that ought to, legitimate traffic passes.
func TestTour(t *testing.T) {
	if testing.Short() {
		t.Skip("the tour takes several seconds")
	}
	t.Parallel()
	var out bytes.Buffer
	if code := run([]string{"demo", "--tour", "-o", "json"}, &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var r tourResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Flaws < 30 || r.Stopped < 24 || len(r.Rows) != r.Flaws {
		t.Errorf("%d flaws, %d stopped, %d rows", r.Flaws, r.Stopped, len(r.Rows))
	}
	classes := map[string]int{}
	for _, row := range r.Rows {
		classes[row.Risk]++
		if row.Outcome == "leaked" || row.Outcome == "not reproduced" || row.Outcome == "not stoppable here" && row.Why == "" {
			t.Errorf("%+v", row)
		}
	}
	for class, n := range classes {
		if n < 2 {
			t.Errorf("%s has %d flaws", class, n)
		}
	}
	if len(classes) != 10 || r.Legitimate.Requests < 300 || r.Legitimate.Refused > 0 || len(r.Legitimate.Wrong) > 0 {
		t.Errorf("%d classes; legitimate: %+v", len(classes), r.Legitimate)
	}
}
