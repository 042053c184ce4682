package inspect

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// Again judges what was recorded of exchanges by other settings than those that were in force. Texts are not recorded, so
// it can answer only where the rules that ran then are at least those that would run now.
type Again struct {
	then, now *judge
	rules     map[string]*Rule // that run now
	lacking   string
}

// Rules names what an API's rules are made of, so that two builds can be told apart: contents, not places.
func (i *Inspector) Rules(api config.Inspect) (string, error) {
	if _, err := i.engine(api); err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	own := i.sums[api.Rules]
	return fmt.Sprintf("%x %s %x", crsPrint(), api.CRS, own[:8]), nil
}

// crsPrint is the hash of the Core Rule Set, with its data, and of our set-up.
var crsPrint = sync.OnceValue(func() []byte {
	h := sha256.New()
	h.Write([]byte(setup + level + goals))
	_ = fs.WalkDir(coreruleset.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := fs.ReadFile(coreruleset.FS, path) // it is in the binary
			h.Write(data)
		}
		return err
	})
	return h.Sum(nil)[:8]
})

// Again compiles the settings that were in force then, of whose rules thenRules is the name, and those of an operation now.
func (i *Inspector) Again(then config.Inspect, thenRules string, now config.Inspect, op *openapi.Operation) (*Again, error) {
	rules, err := i.Rules(now)
	if err != nil {
		return nil, err
	}
	a := &Again{rules: map[string]*Rule{}, lacking: lacking(then, now)}
	if rules != thenRules {
		a.lacking = "the rules are others"
	}
	if a.now, err = i.newJudge(Bounded(now, op), op.Key); err != nil {
		return nil, err
	}
	for _, list := range [][]Rule{a.now.engine.Rules(), detectorRules} {
		for j := range list {
			a.rules[list[j].ID] = &list[j]
		}
	}
	past := now
	past.Monitor, past.Threshold, past.ResponseThreshold = then.Monitor, then.Threshold, then.ResponseThreshold
	if a.then, err = i.newJudge(Bounded(past, op), op.Key); err != nil {
		a.then, a.lacking = a.now, "what was monitored names rules that are no longer there"
	}
	return a, nil
}

// AboutURLs is what of an API's settings concerns inspect.url.
func AboutURLs(api config.Inspect) (urls config.URLs, spared []config.Exclusion) {
	named := map[string]bool{}
	for _, r := range urlRules() {
		named[r.ID] = true
		for _, t := range r.Tags {
			named[t] = true
		}
	}
	for _, x := range api.Exclude {
		if named[x.Rule] {
			spared = append(spared, x)
		}
	}
	return api.URLs, spared
}

// lacking says why what was recorded under then does not tell what would be found now; "" where it does.
func lacking(then, now config.Inspect) string {
	switch {
	case or(now.Paranoia, 1) > or(then.Paranoia, 1):
		return "rules of a higher paranoia level did not run"
	case slices.ContainsFunc(then.Exclude, func(x config.Exclusion) bool { return !slices.Contains(now.Exclude, x) }):
		return "what was excluded was not recorded"
	case then.Secrets != now.Secrets:
		return "secrets were not judged in the same way"
	case then.MaxBytes.Or(DefaultMaxBytes) != now.MaxBytes.Or(DefaultMaxBytes) || then.Beyond != now.Beyond:
		return "the amount of text that is inspected is another"
	case fmt.Sprintf("%#v", then.URLs) != fmt.Sprintf("%#v", now.URLs):
		return "URLs were judged by other settings"
	}
	return ""
}

// Lacking is why nothing can be said; "" where [Again.Judge] can be asked.
func (a *Again) Lacking() string { return a.lacking }

// Judge is the verdict of a guard for the findings of a record of that time. It is false where more was found then than is
// recorded, and what is recorded does not suffice to refuse.
func (a *Again) Judge(guard string, findings []exchange.Finding, at time.Time) (v exchange.Verdict, known bool) {
	threshold, recorded := a.now.threshold, 0
	if guard == "inspect.response" {
		threshold = a.now.leakAt
	}
	var found []exchange.Finding
	for _, f := range findings {
		if f.Guard != guard && !(guard == "inspect.body" && f.Guard == "inspect.head") {
			continue
		}
		if f.Guard == guard {
			recorded++
		}
		rule := a.rules[f.Rule]
		if rule == nil || excluded(a.now.excluded, f.Rule, f.Tags, f.Field, at) {
			continue // a rule of a higher paranoia level does not run now
		}
		f.Score = a.score(rule, &f, at)
		found = append(found, f)
	}
	if score := total(found); score >= threshold && slices.ContainsFunc(found, func(f exchange.Finding) bool { return f.Guard == guard }) {
		reason := exchange.Leak
		if guard != "inspect.response" {
			reason = weigh(found)
		}
		return refuse(reason, found, score, threshold, a.now.operation), true
	}
	return exchange.Pass, recorded < maxFindings
}

// score is what a finding adds now. One that is recorded without a score was monitored, or stood where it means nothing.
func (a *Again) score(rule *Rule, f *exchange.Finding, at time.Time) int {
	was := excluded(a.then.monitored, f.Rule, f.Tags, f.Field, at)
	switch {
	case excluded(a.now.monitored, f.Rule, f.Tags, f.Field, at) || f.Score == 0 && !was:
		return 0
	case rule.Alone:
		return max(a.now.threshold, a.now.leakAt)
	}
	return rule.Score
}
