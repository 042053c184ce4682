package main

import (
	"runtime/debug"
	"testing"
)

// The garbage collector is relaxed, unless the environment has settled it.
func TestRelaxGC(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	for env, want := range map[string]int{"": gcPercent, "50": 100} {
		t.Setenv("GOGC", env)
		debug.SetGCPercent(100) // as the runtime would have read it
		relaxGC()
		if got := debug.SetGCPercent(100); got != want {
			t.Errorf("GOGC=%q: %d, want %d", env, got, want)
		}
	}
}
