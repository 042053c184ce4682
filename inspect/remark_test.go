package inspect

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// What is understood and has no effect is told at its place; what has an effect is not.
func TestRemarks(t *testing.T) {
	dir := ownDir(t, map[string]string{
		"crs-setup.conf": `SecAction "id:900120,phase:1,pass,t:none,nolog,setvar:tx.early_blocking=1"
SecAction "id:900000,phase:1,pass,nolog,\
    setvar:tx.blocking_paranoia_level=4"
SecAction "id:900110,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=10"
SecAction "id:900200,phase:1,pass,nolog,setvar:'tx.allowed_methods=GET'"
SecAction "id:900990,phase:1,pass,nolog,setvar:tx.crs_setup_version=4250"
`,
		"10-before.conf": "SecRuleRemoveById 942100\nSecDefaultAction \"phase:2,log,pass\"\n",
		"20.conf": `SecRuleEngine On
SecRequestBodyLimit 1000
SecRuleRemoveById 942100
SecRuleRemoveByTag attack-disclosure
SecRuleUpdateTargetById 1-2 "!ARGS:a"
SecRule REQBODY_ERROR|ARGS "@rx a" "id:1001,phase:2,deny,status:403,ctl:requestBodyProcessor=XML"
`,
	})
	i, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range i.Remarks(config.Inspect{Rules: dir}) {
		name, _ := filepath.Rel(dir, e.File)
		got = append(got, fmt.Sprintf("%s:%d:%d %.24s", name, e.Line, e.Column, e.Message))
	}
	slices.Sort(got)
	want := []string{
		"10-before.conf:1:1 no rule that stands befo",
		"20.conf:1:1 SecRuleEngine has no eff",
		"20.conf:2:1 SecRequestBodyLimit has ",
		"20.conf:5:1 no rule that stands befo",
		"20.conf:6:58 status has no effect her",
		"20.conf:6:69 ctl:requestBodyProcessor",
		"20.conf:6:9 REQBODY_ERROR, which is ",
		"crs-setup.conf:1:48 tx.early_blocking=1 has ",
		"crs-setup.conf:3:5 tx.blocking_paranoia_lev",
		"crs-setup.conf:4:41 tx.inbound_anomaly_score",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if list := i.Remarks(config.Inspect{}); len(list) > 0 {
		t.Errorf("%v on the rule set itself", list[0])
	}

	// The paranoia level is that of the config, and other settings of the set-up are taken.
	j, err := i.newJudge(config.Inspect{Rules: dir}, "any")
	if err != nil {
		t.Fatal(err)
	}
	if code, e, err := judgeRecorded(j, []byte("PUT /?q=b HTTP/1.1\r\nHost: a.example\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n")); err != nil || fields(e) != "911100 method" {
		t.Errorf("a method that is not allowed: %s (%s), %v", code, fields(e), err)
	}
	if d, err := i.Describe(config.Inspect{Rules: dir}); err != nil || d.Scoring > 250 {
		t.Errorf("%d rules score at paranoia level 1, %v", d.Scoring, err)
	}
}
