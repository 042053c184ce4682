package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/admin/dashboard"
	"github.com/sallyport/sallyport/identity"
)

// dashboard are the pages for people, over what this process has open.
func (v *service) dashboard() http.Handler {
	return dashboard.New(dashboard.Options{Version: version(), Archive: v.archive, Live: v.live, Posture: v.gateway.Posture, Documents: v.gateway.Documents,
		Keys:   func(ctx context.Context) ([]identity.StoredKey, error) { return identity.ListKeys(ctx, v.store) },
		Config: v.file(), Health: v.health})
}

// health tells how the parts of the gateway do, for people.
func (v *service) health() (list []dashboard.Check) {
	add := func(part string, wrong bool, state, detail, help string) {
		if !wrong {
			state, help = "works", ""
		}
		list = append(list, dashboard.Check{Part: part, State: state, Detail: detail, Do: help})
	}
	ready := "serving, " + counted(int(v.gateway.InFlight()), "request") + " in flight"
	err := v.ready()
	if err != nil {
		ready = err.Error()
	}
	add("Gateway", err != nil, "fails", ready, "Clients get 503 until it is ready.")
	stale := "as it stands in the file"
	if v.stale.Load() {
		stale = "the last reload failed: an older one is served"
	}
	add("Configuration", v.stale.Load(), "fails", stale, "sallyport check tells of every mistake; Config shows the file.")
	if n := v.parts.Panics.Load(); n > 0 {
		add("Guards", true, "fails", counted(int(n), "panic")+" since the start; each refused its exchange", "The log has the stack: it is a bug of Sallyport.")
	}
	dropped := v.archive.Dropped()
	kept := "keeps every exchange and event"
	if dropped+v.archive.Sampled() > 0 {
		kept = fmt.Sprintf("since the start, of %d exchanges that passed only the counts were kept, and %d records or events not at all", v.archive.Sampled(), dropped)
	}
	add("Archive", dropped > 0, "warns", kept, "The disk is too slow or full: store.max_bytes, store.path.")
	if p := v.gateway.Identities(); p != nil {
		for _, k := range p.Stats().KeySets {
			source, _, _ := strings.Cut(k.Source, "?")
			add("Key set", k.Keys == 0, "fails", fmt.Sprintf("%s: %s", source, counted(k.Keys, "key")), "Tokens of this issuer are refused with 503 until it can be fetched.")
		}
	}
	v.expiries(func(name string, at float64) {
		until := time.Unix(int64(at), 0)
		add("Certificate", time.Until(until) < 14*24*time.Hour, "warns", name+" until "+until.UTC().Format(time.DateOnly), "Replace the file; it is read again without a restart.")
	})
	return list
}
