package exchange

import (
	"net/http"
	"testing"
)

// Nothing of one exchange is left for the next one, not even what was taken back.
func TestEditsClear(t *testing.T) {
	var e Edits
	e.Set("X-First", "1")
	e.Set("X-Second", "secret")
	e.Truncate(1)
	e.Clear()
	if e.Len() != 0 || e.list[:2][0] != (edit{}) || e.list[:2][1] != (edit{}) {
		t.Errorf("left: %+v", e.list[:2])
	}
	h := http.Header{}
	e.Set("X-Third", "3")
	e.Apply(h)
	if len(h) != 1 || h.Get("X-Third") != "3" {
		t.Error(h)
	}
	for range keepEdits + 1 {
		e.Add("X-Many", "")
	}
	if e.Clear(); cap(e.list) != 0 {
		t.Errorf("memory for %d changes is kept", cap(e.list))
	}
}

// A value that is added after one that was set does not reach the next field, though they share memory.
func TestEditsApplyKeepsFieldsApart(t *testing.T) {
	var e Edits
	e.Set("X-A", "1")
	e.Set("x-b", "2")
	e.Add("X-A", "3")
	e.Delete("X-C")
	h := http.Header{"X-A": {"old"}, "X-C": {"old"}}
	e.Apply(h)
	if got := h["X-A"]; len(got) != 2 || got[0] != "1" || got[1] != "3" {
		t.Errorf("X-A: %q", got)
	}
	if h.Get("X-B") != "2" || h["X-C"] != nil {
		t.Error(h)
	}
}
