package explain

import (
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

func TestCausesAreWhatRefusedAndWhatWouldHave(t *testing.T) {
	r := &exchange.Record{Refused: true, Guard: "validate", Code: "validate.body", Detail: "quantity", Setting: "mode", Steps: []exchange.RecordStep{
		{Guard: "limit.admit", Mode: config.Enforce},
		{Guard: "policy.object", Mode: config.Monitor, Code: "policy.not_owner", Setting: "owner"},
		{Guard: "validate.body", Mode: config.Enforce, Code: "validate.body"}}}
	list := Causes(r)
	if len(list) != 2 || list[0].Code != "validate.body" || list[0].Monitored || list[0].Meaning == "" || list[0].Setting != "mode" {
		t.Fatalf("%+v", list)
	}
	if m := list[1]; m.Guard != "policy.object" || !m.Monitored || m.OWASP != "API1" || m.CWE != 639 {
		t.Errorf("%+v", m)
	}
	if list := Causes(&exchange.Record{Steps: r.Steps[:1]}); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestKeptTellsTheStrongestReason(t *testing.T) {
	monitored := []exchange.RecordStep{{Code: "policy.not_owner", Mode: config.Monitor}}
	finding := []exchange.Finding{{Rule: "942100"}}
	for want, r := range map[string]*exchange.Record{
		"validate.body":               {Code: "validate.body", Steps: monitored},
		"(would be policy.not_owner)": {Steps: monitored, Findings: finding},
		"(finding)":                   {Findings: finding},
		"–":                           {},
	} {
		if got := Kept(r); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
