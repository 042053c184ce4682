package seclang

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental"
	"github.com/corazawaf/coraza/v3/types"
)

// The whole Core Rule Set with its two configuration files is read, and read as Coraza reads it.
func TestCoreRuleSet(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	list, err := Parse(coreruleset.FS, "@coraza.conf-recommended", "@crs-setup.conf.example", "@owasp_crs/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	ours := map[int]*Rule{}
	for _, d := range list {
		if r, ok := d.(*Rule); ok {
			if ours[r.ID()] != nil {
				t.Errorf("rule %d is there twice", r.ID())
			}
			ours[r.ID()] = r
		}
	}
	theirs := 0
	_, err = coraza.NewWAF(experimental.WAFConfigWithRuleObserver(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).
		WithDirectives("Include @coraza.conf-recommended\nInclude @crs-setup.conf.example\nInclude @owasp_crs/*.conf"), func(m types.RuleMetadata) {
		if m.ID() == 0 {
			return // a later link of a chain
		}
		theirs++
		r := ours[m.ID()]
		if r == nil {
			t.Errorf("rule %d is missing", m.ID())
			return
		}
		compare(t, r, m)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if theirs != len(ours) || theirs < 600 {
		t.Errorf("%d rules, Coraza has %d", len(ours), theirs)
	}
}

func compare(t *testing.T, r *Rule, m types.RuleMetadata) {
	t.Helper()
	var tags []string
	for _, a := range r.Actions {
		if a.Name == "tag" {
			tags = append(tags, a.Value)
		}
	}
	if !slices.Equal(tags, m.Tags()) {
		t.Errorf("rule %d has the tags %q, want %q", r.ID(), tags, m.Tags())
	}
	if got := r.Value("phase"); got != fmt.Sprint(int(m.Phase())) && !(got == "request" && m.Phase() == 2) && !(got == "" && m.Phase() == 2) {
		t.Errorf("rule %d has phase %s, want %d", r.ID(), got, m.Phase())
	}
	if got := r.Value("severity"); !strings.EqualFold(got, m.Severity().String()) && got != strconv.Itoa(m.Severity().Int()) && got != "" {
		t.Errorf("rule %d has severity %q, want %q", r.ID(), got, m.Severity())
	}
	if len(r.Targets) > 0 && r.Operator.Name == "" {
		t.Errorf("rule %d has no operator", r.ID())
	}
}

func TestRule(t *testing.T) {
	list, err := ParseText("a.conf", `
# a comment
SecRule REQUEST_COOKIES|!REQUEST_COOKIES:/__utm|x\/y/|&ARGS|XML:/*|REQUEST_HEADERS:'/^(?:a|b)$/'|ARGS:a.b "!@rx a\"b\\c" \
    "id:1,\
    # a comment within
    phase:2,t:none,T:URLDECODEUNI,\
    msg:'it\'s one, or two: three',\
    setvar:'tx.a=+%{tx.b},c',setvar:tx.d='e,f',\
    ctl:ruleremovetargetbyid=2;ARGS:pw,chain"
  SecRule TX:1 "^\d+$"
SecAction "id:2,pass"
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Directive{
		&Rule{Pos: Pos{"a.conf", 3, 1},
			Targets: []Target{{Variable: "REQUEST_COOKIES"}, {Variable: "REQUEST_COOKIES", Negated: true, Key: `__utm|x\/y`, Regexp: true},
				{Variable: "ARGS", Count: true}, {Variable: "XML", Key: "/*"}, {Variable: "REQUEST_HEADERS", Key: "^(?:a|b)$", Regexp: true},
				{Variable: "ARGS", Key: "a.b"}},
			Operator: Operator{Name: "rx", Negated: true, Argument: `a"b\\c`},
			Actions: []Action{{Name: "id", Value: "1"}, {Name: "phase", Value: "2"}, {Name: "t", Value: "none"}, {Name: "t", Value: "urlDecodeUni"}, {Name: "msg", Value: "it's one, or two: three"},
				{Name: "setvar", Value: "tx.a=+%{tx.b},c"}, {Name: "setvar", Value: "tx.d='e,f'"}, {Name: "ctl", Value: "ruleRemoveTargetById=2;ARGS:pw"}},
			Next: &Rule{Pos: Pos{"a.conf", 10, 3}, Targets: []Target{{Variable: "TX", Key: "1"}}, Operator: Operator{Name: "rx", Argument: `^\d+$`}},
		},
		&Rule{Pos: Pos{"a.conf", 11, 1}, Actions: []Action{{Name: "id", Value: "2"}, {Name: "pass", Value: ""}}},
	}
	withoutColumns(list)
	for i := range want {
		if !reflect.DeepEqual(list[i], want[i]) {
			t.Errorf("got  %+v\nwant %+v", list[i], want[i])
		}
	}
}

// withoutColumns takes the places of targets, operators and actions away.
func withoutColumns(list []Directive) {
	clearActions := func(list []Action) {
		for i := range list {
			list[i].Pos = Pos{}
		}
	}
	clearTargets := func(list []Target) {
		for i := range list {
			list[i].Pos = Pos{}
		}
	}
	for _, d := range list {
		switch d := d.(type) {
		case *Rule:
			for r := d; r != nil; r = r.Next {
				r.Operator.Pos = Pos{}
				clearActions(r.Actions)
				clearTargets(r.Targets)
			}
		case *Update:
			clearActions(d.Actions)
			clearTargets(d.Targets)
		case *Defaults:
			clearActions(d.Actions)
		}
	}
}

func TestChanges(t *testing.T) {
	list, err := ParseText("a.conf", `SecRuleRemoveById 1 5-10 "20"
SecRuleRemoveByTag "attack-.*"
SecRuleUpdateTargetById 942100-942199 "!ARGS:pw"
SecRuleUpdateTargetByTag OWASP_CRS !ARGS:/^pw/
SecRuleUpdateTargetByMsg "x y" "ARGS:z"
SecRuleUpdateActionById 3 "deny,status:403"
SecDefaultAction "phase:1,log,pass"
SecMarker END-X
SecRuleEngine DetectionOnly
`)
	if err != nil {
		t.Fatal(err)
	}
	at := func(n int) Pos { return Pos{"a.conf", n, 1} }
	want := []Directive{
		&Remove{at(1), Selection{IDs: [][2]int{{1, 1}, {5, 10}, {20, 20}}}},
		&Remove{at(2), Selection{Tag: "attack-.*"}},
		&Update{at(3), Selection{IDs: [][2]int{{942100, 942199}}}, []Target{{Variable: "ARGS", Key: "pw", Negated: true}}, nil},
		&Update{at(4), Selection{Tag: "OWASP_CRS"}, []Target{{Variable: "ARGS", Key: "^pw", Regexp: true, Negated: true}}, nil},
		&Update{at(5), Selection{Msg: "x y"}, []Target{{Variable: "ARGS", Key: "z"}}, nil},
		&Update{at(6), Selection{IDs: [][2]int{{3, 3}}}, nil, []Action{{Name: "deny", Value: ""}, {Name: "status", Value: "403"}}},
		&Defaults{at(7), []Action{{Name: "phase", Value: "1"}, {Name: "log", Value: ""}, {Name: "pass", Value: ""}}},
		&Marker{at(8), "END-X"},
		&Setting{at(9), "SecRuleEngine", "DetectionOnly"},
	}
	withoutColumns(list)
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got\n%+v\nwant\n%+v", list, want)
	}
}

// Whatever the language does not have is named with its place, and never skipped.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`SecRul ARGS "x" "id:1"`:                          "a.conf:1:1: \"SecRul\" is not a directive (did you mean SecRule?)",
		"\nSecRule ARGZ \"x\" \"id:1\"":                   "a.conf:2:9: \"ARGZ\" is not a variable (did you mean ARGS?)",
		`SecRule ARGS "@rxx x" "id:1"`:                    "a.conf:1:15: \"rxx\" is not an operator (did you mean rx?)",
		`SecRule ARGS "x" "id:1,t:lowercse"`:              "a.conf:1:24: \"lowercse\" is not a transformation (did you mean lowercase?)",
		`SecRule ARGS "x" "id:1,dney"`:                    "a.conf:1:24: \"dney\" is not an action (did you mean deny?)",
		`SecRule ARGS "x" "id:1,ctl:ruleRemoveByIdd=1"`:   "a.conf:1:24: \"ruleRemoveByIdd\" is not a control (did you mean ruleRemoveById?)",
		`SecRule ARGS "x"`:                                "a.conf:1:1: the rule has no id (add id:NUMBER)",
		`SecRule ARGS "x" "phase:2"`:                      "a.conf:1:1: the rule has no id (add id:NUMBER)",
		`SecRule ARGS "x`:                                 `a.conf:1:14: the argument of SecRule has no end (close it with ")`,
		`SecRule ARGS x y "id:1"`:                         `a.conf:1:18: SecRule has more arguments than it takes: "\"id:1\"" (quote arguments that hold blanks)`,
		`SecRule ARGS:/a "x" "id:1"`:                      "a.conf:1:9: the regular expression of ARGS has no end (close it with /)",
		`SecRule ARGS:/(/ "x" "id:1"`:                     "a.conf:1:9: the key of ARGS is no regular expression: error parsing regexp: missing closing ): `(`",
		`SecRule ARGS: "x" "id:1"`:                        "a.conf:1:9: ARGS: lacks a key (leave the colon out for the whole collection)",
		`SecRule ARGS "x" "id:1,msg:'a"`:                  "a.conf:1:24: the value of msg has no end (close it with ')",
		`SecRule ARGS "x" "id:1,"`:                        "a.conf:1:19: an action is missing behind id (take the last comma away)",
		`SecRule ARGS "x" "id:1,chain"`:                   "a.conf:1:1: the chain has no next rule (take the chain action away, or add a rule)",
		"SecRule ARGS \"x\" \"id:1,chain\"\nSecMarker A":  "a.conf:1:1: the chain is interrupted by SecMarker in line 2",
		`SecRuleRemoveById x`:                             `a.conf:1:19: "x" is neither an id nor a range (942100, or 942100-942199)`,
		`SecRuleRemoveById 9-3`:                           `a.conf:1:19: "9-3" is neither an id nor a range (942100, or 942100-942199)`,
		`SecRuleRemoveByTag "("`:                          "a.conf:1:21: \"(\" is no regular expression: error parsing regexp: missing closing ): `(`",
		`SecRuleRemoveByName x`:                           `a.conf:1:1: "SecRuleRemoveByName" is not a directive`,
		`SecMarker`:                                       "a.conf:1:1: SecMarker lacks an argument",
		`SecMarker A \`:                                   "a.conf:1:1: the directive goes on beyond the end of the file (take the last backslash away)",
		`Include x.conf`:                                  "a.conf:1:1: Include is not possible here",
		`SecRule ARGS "x" "id:1,setvar:'tx.a=b" "more`:    `a.conf:1:40: SecRule has more arguments than it takes: "\"more" (quote arguments that hold blanks)`,
		"SecAction \"id:1\"\nSecRule ARGS|| \"x\" \"id:2": "a.conf:2:20: the argument of SecRule has no end (close it with \")",
		`SecRule ARGS|| "x" "id:2"`:                       `a.conf:1:14: "" is not a variable`,
		"SecRule ARGS|\\\n  !ARGZ:x \"x\" \"id:1\"":       `a.conf:2:3: "ARGZ" is not a variable (did you mean ARGS?)`,
		"SecRule ARGS \"a\\\"b\" \"id:1,\\\n    # a comment\n\n    msg:'x',\\\n\tdney\"": `a.conf:5:2: "dney" is not an action (did you mean deny?)`,
		`SecRule ARGS "x" "id:1,msg:'a\"b\"c',dney"`:                                     `a.conf:1:38: "dney" is not an action (did you mean deny?)`,
		"\t SecRuleEngine":  "a.conf:1:3: SecRuleEngine lacks an argument",
		`SecRuleEngine "On`: `a.conf:1:15: the argument of SecRuleEngine has no end (close it with ")`,
	} {
		_, err := ParseText("a.conf", text)
		if err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}
