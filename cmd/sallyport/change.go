package main

import (
	"time"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
)

// file is the config file, for those who change it while it is in use; nil where the configuration is made of flags.
func (v *service) file() *change.File {
	if v.origin == "" {
		return nil
	}
	a := v.config.Admin.Approval
	return change.New(change.Options{Path: v.origin, DB: v.store.DB(), Check: v.check, Reload: v.reload, Tell: v.tell,
		Approvals: max(a.Changes-1, 0), Patience: time.Duration(a.Expires)})
}

// check says what is wrong with a text that may come to stand in the config file. It is compiled as a whole, and thrown
// away: nothing of it runs.
func (v *service) check(text []byte) config.Problems {
	v.reloading.Lock()
	from := v.loader
	v.reloading.Unlock()
	if from == nil {
		return config.Problems{{File: v.origin, Line: 1, Column: 1, Severity: config.Error, Rule: "config.starting", Message: "the gateway is starting: ask again"}}
	}
	c, src, problems := from.drafted(text)
	if c == nil || problems.Failed() {
		return problems
	}
	parts := newParts(nil)
	parts.Inspectors, parts.Fetch = v.parts.Inspectors, v.parts.Fetch // compiled rules are shared by content
	defer parts.Upstreams.Close()
	_, found := gateway.Build(c, src, parts)
	return append(problems, found...)
}
