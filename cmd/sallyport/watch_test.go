package main

import (
	"strings"
	"testing"
)

// What begins to fail is told once, and when it works again.
func TestControlsThatFail(t *testing.T) {
	var now map[string]string
	w := watch{look: func() map[string]string { return now }, failing: map[string]string{}}
	for i, step := range []struct {
		failing map[string]string
		want    string
	}{
		{nil, ""},
		{map[string]string{"upstream b": "down", "key set a": "gone"}, "control.failing key set a, control.failing upstream b"},
		{map[string]string{"upstream b": "down", "key set a": "gone"}, ""},
		{map[string]string{"upstream b": "open"}, "control.healthy key set a"},
		{nil, "control.healthy upstream b"},
	} {
		now = step.failing
		var got []string
		for _, e := range w.changes() {
			got = append(got, e.Kind+" "+e.Object)
		}
		if strings.Join(got, ", ") != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}
