package admin

import (
	"fmt"
	"net/http"
)

// healthy is liveness: whoever can answer lives. It depends on nothing, so that no trouble elsewhere restarts us.
func healthy(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// started is for startup probes. It stays true while draining: a process that ends has started.
func (a *admin) started(w http.ResponseWriter, _ *http.Request) {
	if !a.Started() {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// ready stays ready on a stale configuration, which is a good one, but says so. Why is for the log: probes are open.
func (a *admin) ready(w http.ResponseWriter, _ *http.Request) {
	if err := a.Ready(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if a.Stale != nil && a.Stale() {
		fmt.Fprintln(w, "ok, but the last reload failed: the log says why")
		return
	}
	fmt.Fprintln(w, "ok")
}
