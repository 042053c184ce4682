package rules

import (
	"context"
	"fmt"
	"testing"
)

// A chain whose first link nothing can rule out is spared when a later link can hold nowhere; never when it can, and never
// when something is done before that link.
func TestGates(t *testing.T) {
	const goal = `,t:none,pass,severity:ERROR,msg:x`
	for name, c := range map[string]struct {
		text  string
		gated bool
	}{
		"a literal":       {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain` + goal + `"` + "\n" + `SecRule ARGS "@contains evil42x" "t:none"`, true},
		"no literal":      {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain` + goal + `"` + "\n" + `SecRule ARGS "@rx ^[a-z]{4}[0-9]{2}[a-z]$" "t:none"`, true},
		"the third":       {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain` + goal + `"` + "\n" + `SecRule REQUEST_METHOD "@streq GET" "chain"` + "\n" + `SecRule ARGS "@rx evil[0-9]" "t:none"`, true},
		"a variable":      {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain,setvar:tx.seen=1` + goal + `"` + "\n" + `SecRule ARGS "@rx evil[0-9]" "t:none"` + "\n" + `SecRule TX:seen "@streq 2" "id:2,phase:2,pass,severity:ERROR"`, false},
		"an idle one":     {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain,setvar:tx.seen=1` + goal + `"` + "\n" + `SecRule ARGS "@rx evil[0-9]" "t:none"`, true},
		"no match":        {`SecRule REQUEST_METHOD "!@rx ^PUT" "id:1,phase:2,chain,capture` + goal + `"` + "\n" + `SecRule ARGS "@rx evil[0-9]" "t:none"`, true},
		"capture of none": {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain,capture` + goal + `"` + "\n" + `SecRule ARGS "@rx evil[0-9]" "t:none,capture"`, true},
		"a capture in pm": {`SecRule REQUEST_METHOD "!@pm PUT" "id:1,phase:2,chain,capture` + goal + `"` + "\n" + `SecRule ARGS "@rx evil[0-9]" "t:none"`, false},
		"a negated link":  {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain` + goal + `"` + "\n" + `SecRule ARGS "!@rx good[0-9]" "t:none"`, false},
		"a counting link": {`SecRule REQUEST_METHOD "!@streq PUT" "id:1,phase:2,chain` + goal + `"` + "\n" + `SecRule &ARGS "@eq 1" "t:none"`, false},
	} {
		p, err := compileText(c.text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if gated := p.lanes.order[0].gate != nil; gated != c.gated {
			t.Errorf("%s: gated %v", name, gated)
		}
		fields := []Field{{Collection: RequestMethod, Text: "GET"}, {Collection: ArgsGet, Key: "q", Text: "evil42x"}}
		if hits, err := p.Run(context.Background(), fields, 1, 2, nil); err != nil || len(hits) != 1 {
			t.Errorf("%s: %v, %d hits", name, err, len(hits))
		}
		fields = []Field{{Collection: RequestMethod, Text: "PUT"}, {Collection: ArgsGet, Key: "q", Text: "evil42x"}}
		if hits, err := p.Run(context.Background(), fields, 1, 2, nil); err != nil || len(hits) != 0 {
			t.Errorf("%s: %v, %d hits for PUT", name, err, len(hits))
		}
	}
}

// A skip that configuration decides is folded behind one that a message may take, where both lead to the same marker; where they lead to
// different ones, either has its way.
func TestDecidedSkips(t *testing.T) {
	for goal, want := range map[string][2]string{"END": {"[5 6]", "[5 6]"}, "LATER": {"[6]", "[5 6]"}} {
		p, err := compileText(`SecAction "id:1,phase:2,pass,nolog,setvar:tx.level=1"
SecRule REQUEST_METHOD "@streq HEAD" "id:2,phase:2,pass,nolog,t:none,skipAfter:END"
SecRule TX:level "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:` + goal + `"
SecRule ARGS "@contains evil" "id:4,phase:2,pass,t:none,severity:ERROR"
SecMarker "END"
SecRule ARGS "@contains evil" "id:5,phase:2,pass,t:none,severity:ERROR"
SecMarker "LATER"
SecRule ARGS "@contains evil" "id:6,phase:2,pass,t:none,severity:ERROR"`)
		if err != nil {
			t.Fatal(err)
		}
		if folded := p.folded == 3; folded != (goal == "END") { // the action, the skip and the rule that it passes over
			t.Errorf("%s: %d rules folded", goal, p.folded)
		}
		for i, method := range []string{"GET", "HEAD"} {
			hits, err := p.Run(context.Background(), []Field{{Collection: RequestMethod, Text: method}, {Collection: ArgsGet, Key: "q", Text: "evil"}}, 1, 2, nil)
			ids := []int{}
			for _, h := range hits {
				ids = append(ids, h.Rule.ID)
			}
			if err != nil || fmt.Sprint(ids) != want[i] {
				t.Errorf("%s, %s: %v, want %s, %v", goal, method, ids, want[i], err)
			}
		}
	}
}
