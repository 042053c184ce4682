package event

import "runtime"

// polite lets others have the processor first, as long as there is room for what they leave. Evidence is made by goroutines that have
// work for as long as there is traffic: the scheduler would let each go on for ten milliseconds while requests wait, at every step
// that a request takes.
func polite(waiting, room int) {
	if waiting < room/2 {
		runtime.Gosched()
	}
}
