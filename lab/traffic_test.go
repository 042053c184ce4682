package lab

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// TestTrafficIsRecorded plays the scenes anew; the file has to say the same. Run with -update to rewrite it.
func TestTrafficIsRecorded(t *testing.T) {
	l, base := start(t)
	p := &tape{TB: t, l: l, base: base, spec: readSpec(t), Attack: &Attack{lab: l}}
	for _, scene := range scenes {
		scene(p)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, r := range p.kept {
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile("traffic.jsonl", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		traffic = b.Bytes()
	}
	if !bytes.Equal(b.Bytes(), traffic) {
		t.Error("traffic.jsonl is out of date; run: go test ./lab -update")
	}
}

func TestTrafficOnTheBareLab(t *testing.T) {
	l, base := start(t)
	spec := readSpec(t)
	covered, names := map[string]int{}, map[string]bool{}
	for _, r := range Traffic() {
		if names[r.Name] {
			t.Errorf("two requests are called %q", r.Name)
		}
		names[r.Name] = true
		var op *operation
		for _, o := range spec.ops {
			if o.id == r.Operation {
				op = o
			}
		}
		if op == nil {
			t.Fatalf("%s: the spec has no operation %s", r.Name, r.Operation)
		}
		if err := spec.checkRequest(op, r); err != nil {
			t.Errorf("%s: the request does not fit the spec: %v", r.Name, err)
		}
		got := exchangeOf(t, r, base, l)
		if got.status != r.Status {
			t.Errorf("%s: %s %s: got %d, want %d: %s", r.Name, r.Method, r.Path, got.status, r.Status, shortened(got.body))
			continue
		}
		if err := spec.checkResponse(op, got); err != nil {
			t.Errorf("%s: the answer to %s %s does not fit the spec: %v", r.Name, r.Method, r.Path, err)
		}
		covered[r.Operation]++
	}
	for _, op := range spec.ops {
		if covered[op.id] < 2 {
			t.Errorf("operation %s is covered by %d requests, want at least 2", op.id, covered[op.id])
		}
	}
	if len(names) < 320 {
		t.Errorf("%d requests, want at least 320", len(names))
	}
}
