package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/admin/dashboard"
	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/identity"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/quota"
)

// dashboard are the pages for people, over what this process has open.
func (v *service) dashboard() http.Handler {
	provider := ""
	if o := v.config.Admin.OIDC; o != nil {
		provider = strings.TrimSuffix(strings.TrimPrefix(o.Issuer, "https://"), "/")
	}
	return dashboard.New(dashboard.Options{Version: version(), Provider: provider, Archive: v.archive, Live: v.live, Posture: v.gateway.Posture, Documents: v.gateway.Documents,
		Keys:   func(ctx context.Context) ([]identity.StoredKey, error) { return identity.ListKeys(ctx, v.store) },
		Bans:   func() []limit.Ban { return v.parts.Limiter.Bans().List() },
		Quotas: func(f quota.Filter) []quota.Used { return v.parts.Limiter.Quotas().Used(f) },
		Config: v.file(), Replay: v.again, Suggest: v.rates, Sinks: v.spool.Stats, Audit: v.auditLog(), Alerts: v.evidence().Active, Health: v.health})
}

// auditLog is the log as pages read it, from its files.
func (v *service) auditLog() *dashboard.AuditLog {
	if v.audit == nil {
		return nil
	}
	p := auditPlace(v.config)
	key, _, err := p.key()
	if err != nil {
		return nil // it was opened with it a moment ago
	}
	l := &dashboard.AuditLog{Dir: p.dir, Kept: p.kept(), Key: key.Verifier, Public: key.Public, Quorum: v.config.Audit.Quorum}
	for _, w := range v.config.Audit.Witnesses {
		if k, err := audit.NewCosigner(w.Key); err == nil { // likewise
			l.Witnesses = append(l.Witnesses, k)
		}
	}
	return l
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
	if v.audit != nil {
		s := v.audit.Stats()
		add("Audit log", s.Dropped > 0 || s.Failures > 0, "warns", fmt.Sprintf("%d leaves, %d wait, %d lost", s.Size, s.Queued, s.Dropped), "A commit failed: the log of the process has the cause.")
	}
	v.expiries(func(name string, at float64) {
		until := time.Unix(int64(at), 0)
		add("Certificate", time.Until(until) < 14*24*time.Hour, "warns", name+" until "+until.UTC().Format(time.DateOnly), "Replace the file; it is read again without a restart.")
	})
	return list
}
