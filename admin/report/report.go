// Package report puts evidence together: for each clause of a standard the controls that answer it, and for each control
// what the running configuration, the records of a period and the audit log say about it.
//
// A report claims nothing that it does not show. A control is met where every operation has it, partly met where some
// have, and missing where none has; what a gateway cannot do stands beside the clause in words. It is no legal advice.
package report

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
)

// Status of a control or a clause.
type Status string

// The states, from the best to the worst.
const (
	Met     Status = "met"
	Partly  Status = "partly"
	Missing Status = "missing"
	// Apart is a control that this installation has no use for, such as files of a key that is not there.
	Apart Status = "not_applicable"
)

// Report is the whole evidence of one configuration and period.
type Report struct {
	Made       time.Time    `json:"made"`
	Version    string       `json:"version"`
	Basis      string       `json:"basis"` // of the configuration, as in every record
	Since      time.Time    `json:"since"` // of the period
	Until      time.Time    `json:"until"`
	APIs       []API        `json:"apis"`
	Audit      *Audit       `json:"audit,omitempty"`
	Traffic    *Traffic     `json:"traffic,omitempty"`
	Controls   []Control    `json:"controls"`
	Frameworks []Framework  `json:"frameworks"`
	Processing []Processing `json:"processing"` // record of processing: which personal data operations return, and to whom
}

// API is one protected API.
type API struct {
	Name       string `json:"name"`
	Title      string `json:"title,omitempty"`
	Version    string `json:"version,omitempty"`
	Operations int    `json:"operations"`
}

// Audit is the state of the audit log.
type Audit struct {
	Origin   string    `json:"origin"`
	Size     uint64    `json:"size"` // leaves
	Root     string    `json:"root"` // hash, base64
	Signed   time.Time `json:"signed,omitzero"`
	Verified bool      `json:"verified"` // from the first leaf to the last, when the report was made
	Problem  string    `json:"problem,omitempty"`
}

// Traffic is what was recorded in the period.
type Traffic struct {
	Exchanges int64            `json:"exchanges"`
	Refused   int64            `json:"refused"`
	ByOWASP   map[string]int64 `json:"by_owasp"`  // refusals, by class
	ByReason  map[string]int64 `json:"by_reason"` // refusals, by reason
}

// Control is one thing that the gateway does.
type Control struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Status   Status   `json:"status"`
	Evidence []string `json:"evidence"`       // what is there
	Gaps     []string `json:"gaps,omitempty"` // what is not, with the setting that would change it
	Tests    []string `json:"tests"`          // of the project, that fail when the control does not hold
}

// Framework is one standard.
type Framework struct {
	ID      string   `json:"id" yaml:"id"`
	Title   string   `json:"title" yaml:"title"`
	Source  string   `json:"source" yaml:"source"`
	Note    string   `json:"note,omitempty" yaml:"note"`
	Clauses []Clause `json:"clauses" yaml:"clauses"`
}

// Clause is one demand of a standard, in our words.
type Clause struct {
	ID       string   `json:"id" yaml:"id"`
	Title    string   `json:"title" yaml:"title"`
	Controls []string `json:"controls" yaml:"controls"`
	Beyond   string   `json:"beyond,omitempty" yaml:"beyond"` // what of it is not a gateway's to do
	Status   Status   `json:"status" yaml:"-"`
}

//go:embed frameworks/*.yaml
var written embed.FS

// Frameworks lists the standards that reports know, without any status.
func Frameworks() ([]Framework, error) {
	names, err := fs.Glob(written, "frameworks/*.yaml")
	if err != nil {
		return nil, err
	}
	var list []Framework
	for _, name := range names {
		data, err := written.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var f Framework
		if err := yaml.UnmarshalWithOptions(data, &f, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, f)
	}
	return list, nil
}

// New makes a report of facts, for the frameworks with these ids; all where none is named.
func New(f *Facts, ids []string) (*Report, error) {
	all, err := Frameworks()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(f Framework) bool { return f.ID == id }) {
			return nil, fmt.Errorf("there is no framework %q: there are %v", id, names(all))
		}
	}
	r := &Report{Made: f.Now.UTC(), Version: f.Version, Basis: f.Basis, Since: f.Since.UTC(), Until: f.Now.UTC(), APIs: f.apis(), Audit: f.Audit, Traffic: f.Traffic, Processing: f.processing()}
	states := map[string]Status{}
	for _, c := range controls {
		made := c.judge(f)
		states[c.id] = made.Status
		r.Controls = append(r.Controls, made)
	}
	for _, framework := range all {
		if len(ids) > 0 && !slices.Contains(ids, framework.ID) {
			continue
		}
		for i := range framework.Clauses {
			framework.Clauses[i].judge(states)
		}
		r.Frameworks = append(r.Frameworks, framework)
	}
	return r, nil
}

func names(list []Framework) (ids []string) {
	for _, f := range list {
		ids = append(ids, f.ID)
	}
	return ids
}

// judge is met where all of its controls are, missing where none is.
func (c *Clause) judge(states map[string]Status) {
	met, some, all := 0, 0, 0
	for _, id := range c.Controls {
		switch states[id] {
		case Apart:
			continue
		case Met:
			met++
			some++
		case Partly:
			some++
		}
		all++
	}
	switch {
	case all == 0:
		c.Status = Apart
	case met == all:
		c.Status = Met
	case some > 0:
		c.Status = Partly
	default:
		c.Status = Missing
	}
}
