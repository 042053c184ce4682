package main

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/admin"
	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/admin/replay"
	compliance "github.com/sallyport/sallyport/admin/report"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/alert"
	"github.com/sallyport/sallyport/gateway"
)

// evidence is what the admin API makes of records.
func (v *service) evidence() admin.Evidence {
	return admin.Evidence{Silences: v.silences, Replay: v.again, Suggest: v.rates, Sinks: v.spool.Stats, Report: v.compliance, Active: func() []alert.Alert {
		if now := v.alerts.now(); now != nil {
			return now.Active()
		}
		return []alert.Alert{}
	}}
}

// drafted reads a text that may come to stand in the config file, or with "" what stands there.
func (v *service) drafted(text string) (*config.Config, *config.Source, config.Problems) {
	v.reloading.Lock()
	from := v.loader
	v.reloading.Unlock()
	switch {
	case from != nil && text != "":
		return from.drafted([]byte(text))
	case from != nil:
		return from.load()
	}
	return nil, nil, config.Problems{{File: v.origin, Line: 1, Column: 1, Severity: config.Error, Rule: "config.starting", Message: "the gateway is starting: ask again"}}
}

// replay decides recorded exchanges again. Where a candidate has masks of secrets, those of the file are meant.
func (v *service) replay(ctx context.Context, q replay.Question, told func(int, time.Time)) (*gateway.Summary, error) {
	if f := v.file(); f != nil && q.Text != "" {
		text, err := f.Unmasked(q.Text)
		if err != nil {
			return nil, err
		}
		q.Text = string(text)
	}
	c, src, problems := v.drafted(q.Text)
	if c == nil || problems.Failed() {
		return nil, &change.Invalid{Problems: problems}
	}
	bases, err := basesOf(ctx, v.archive.Reader)
	if err != nil {
		return nil, err
	}
	parts := newParts(nil)
	parts.Inspectors, parts.Fetch = v.parts.Inspectors, v.parts.Fetch
	defer parts.Upstreams.Close()
	r, problems := gateway.NewReplay(c, src, parts, q.From, bases)
	if r == nil {
		return nil, &change.Invalid{Problems: problems}
	}
	return replayed(ctx, v.archive.Reader, r, q.From, q.To, told)
}

// compliance makes a report of the configuration in use.
func (v *service) compliance(ctx context.Context, frameworks []string, since time.Duration) (*compliance.Report, error) {
	s := v.gateway.Snapshot()
	now := time.Now()
	f := &compliance.Facts{Now: now, Since: now.Add(-since), Version: version(), Basis: s.Basis().Hash, Config: v.gateway.Config(), Posture: s.Posture(), Documents: s.Documents()}
	if v.audit != nil {
		f.Audit = auditedBy(ctx, v.config)
	}
	if err := observed(ctx, f, v.archive.Reader); err != nil {
		return nil, err
	}
	return compliance.New(f, frameworks)
}
