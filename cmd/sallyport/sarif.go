package main

import (
	"encoding/json"
	"io"

	"github.com/sallyport/sallyport/config"
)

// The subset of SARIF 2.1.0 that code scanning reads.
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     config.Severity `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

func writeSARIF(w io.Writer, problems config.Problems) error {
	r := sarifRun{Tool: sarifTool{sarifDriver{Name: "sallyport", Version: version(), Rules: []sarifRule{}}}, Results: []sarifResult{}}
	seen := map[string]bool{}
	for _, p := range problems {
		if !seen[p.Rule] {
			seen[p.Rule] = true
			r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, sarifRule{p.Rule})
		}
		text := p.Message
		if p.Hint != "" {
			text += "\n" + p.Hint
		}
		r.Results = append(r.Results, sarifResult{p.Rule, p.Severity, sarifText{text}, []sarifLocation{{sarifPhysical{sarifArtifact{p.File}, sarifRegion{max(1, p.Line), max(1, p.Column)}}}}})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarif{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{r}})
}
