package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/seclang"
)

// compileText parses and compiles a rule file that may name words.data and empty.data.
func compileText(text string) (*Program, error) {
	list, err := seclang.ParseText("f", text)
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{"words.data": {Data: []byte("xyzzy\n")}, "empty.data": {Data: []byte("# nothing\n")}}
	return Compile(list, Options{Data: files, Budget: pattern.NewBudget(1 << 20)})
}

// Nothing that is wrong, or that we do not have, is passed over: each is an error at the word.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		// Words that the language does not have.
		`SecRool ARGS "@rx a" "id:1"`:                      `1:1: "SecRool" is not a directive`,
		`SecRule ARGUMENTS "@rx a" "id:1"`:                 `1:9: "ARGUMENTS" is not a variable`,
		`SecRule ARGS|HEADERS "@rx a" "id:1"`:              `1:14: "HEADERS" is not a variable`,
		`SecRule ARGS "@matches a" "id:1"`:                 `1:15: "matches" is not an operator`,
		`SecRule ARGS "!@ rx" "id:1"`:                      `1:15: "" is not an operator`,
		`SecRule ARGS "@rx a" "id:1,block,t:lower"`:        `1:34: "lower" is not a transformation`,
		`SecRule ARGS "@rx a" "id:1,refuse"`:               `1:28: "refuse" is not an action`,
		`SecRule ARGS "@rx a" "id:1,ctl:ruleRemove=2"`:     `1:28: "ruleRemove" is not a control`,
		"SecRule ARGS \"@rx a\" \\\n  \"id:1,\\\n  dney\"": `3:3: "dney" is not an action`,
		// Text that does not end, or goes on.
		`SecRule ARGS "@rx a`:                                      "1:14: the argument of SecRule has no end",
		`SecRule ARGS "@rx a" "id:1`:                               "1:22: the argument of SecRule has no end",
		`SecRule ARGS "@rx a" "id:1,msg:'a"`:                       "1:28: the value of msg has no end",
		`SecRule ARGS:/a "@rx a" "id:1"`:                           "1:9: the regular expression of ARGS has no end",
		`SecRule ARGS:'a "@rx a" "id:1"`:                           "1:9: the key of ARGS has no end",
		`SecRule ARGS "@rx a" "id:1" more`:                         "1:29: SecRule has more arguments than it takes",
		`SecRule ARGS @rx a "id:1"`:                                "1:20: SecRule has more arguments than it takes",
		`SecRule ARGS`:                                             "1:1: SecRule lacks an argument",
		"SecAction \"id:1\" \\\n":                                  "1:1: the directive goes on beyond the end of the file",
		`SecRule ARGS "@rx a" "id:1,,deny"`:                        `1:28: "" is not an action`,
		`SecRule ARGS "@streq %{tx.a" "id:1"`:                      "1:15: a macro has no end",
		"# x\n\nSecRule ARGS \"@rx a\" \"id:1,chain\"":             "3:1: the chain has no next rule",
		"SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecRuleEngine On":  "1:1: the chain is interrupted by SecRuleEngine in line 2",
		"SecAction \"id:1\"\nSecRule ARGS \"@rx a\" \"id:1,deny\"": "2:1: rule 1 is there already: f:1",
		// Selectors.
		`SecRule ARGS:/(/ "@rx a" "id:1"`:                             "1:9: the key of ARGS is no regular expression",
		`SecRule ARGS: "@rx a" "id:1"`:                                "1:9: ARGS: lacks a key",
		`SecRule !ARGS:a "@rx a" "id:1"`:                              "1:9: there is nothing from which !ARGS is taken away",
		`SecRule XML:/a/b "@rx a" "id:1"`:                             "1:9: of XML there are /* (all text) and //@* (all attributes) only",
		`SecRule ARGS;b "@rx a" "id:1"`:                               `1:9: "ARGS;b" is not a variable`,
		`SecRuleUpdateTargetById 1 "!ARGZ:x"`:                         `1:28: "ARGZ" is not a variable`,
		`SecAction "id:1,ctl:ruleRemoveTargetById=2;ARGS:/(/"`:        "1:17: the key of ARGS is no regular expression",
		`SecAction "id:1,ctl:ruleRemoveTargetByTag=a"`:                "1:17: the variable  is not supported",
		`SecRule RESPONSE_BODY "@rx a" "id:1,phase:2"`:                "1:9: RESPONSE_BODY is a variable of answers",
		`SecRule ARGS|REQUEST_METHOD "@rx a" "id:1,phase:4"`:          "1:9: ARGS is a variable of requests",
		`SecRule REQUEST_METHOD|REQUEST_BODY "@rx a" "id:1,phase:3"`:  "1:24: REQUEST_BODY is a variable of requests",
		`SecRule GEO:COUNTRY_CODE "@streq a" "id:1"`:                  "1:9: the variable GEO is not supported",
		`SecRule IP:x "@eq 1" "id:1"`:                                 "1:9: the variable IP is not supported",
		`SecRule ENV:HOME "@rx a" "id:1"`:                             "1:9: the variable ENV is not supported",
		`SecRule ARGS "@rx a" "id:1,msg:'%{duration}'"`:               "1:28: the variable DURATION is not supported",
		`SecRule ARGS "@contains %{session.x}" "id:1"`:                "1:15: the variable SESSION is not supported",
		`SecRule ARGS "@rx a" "id:1,setvar:tx.a=%{geo.country_code}"`: "1:28: the variable GEO is not supported",
		`SecRule FILES_TMP_CONTENT "@inspectFile a" "id:1"`:           "1:9: the variable FILES_TMP_CONTENT is not supported",
		// Operators and their arguments.
		`SecRule ARGS "@rx (a" "id:1"`:                   "1:15: @rx: couldn't parse the expression",
		`SecRule ARGS "@rx a(?=b)" "id:1"`:               "1:15: @rx: couldn't parse the expression",
		`SecRule ARGS "@rx a{1001}" "id:1"`:              "1:15: @rx: couldn't parse the expression",
		`SecRule ARGS "(a" "id:1"`:                       "1:15: @rx: couldn't parse the expression",
		`SecRule ARGS "@rx" "id:1"`:                      "1:15: @rx lacks an argument",
		`SecRule ARGS "@pm" "id:1"`:                      "1:15: @pm lacks an argument",
		`SecRule ARGS "@contains" "id:1"`:                "1:15: @contains lacks an argument",
		`SecRule ARGS "@pmFromFile none.data" "id:1"`:    "1:15: @pmFromFile: couldn't read none.data",
		`SecRule ARGS "@pmFromFile ../x.data" "id:1"`:    "1:15: @pmFromFile: couldn't read ../x.data",
		`SecRule ARGS "@pmFromFile empty.data" "id:1"`:   "1:15: @pmFromFile: empty.data holds no phrase",
		`SecRule &ARGS "@eq many" "id:1"`:                `1:16: @eq compares numbers, and "many" is none`,
		`SecRule ARGS "@validateByteRange 1-300" "id:1"`: `1:15: @validateByteRange: "1-300" is neither a byte nor a range`,
		`SecRule REMOTE_ADDR "@ipMatch 10.0.0" "id:1"`:   `1:22: @ipMatch: "10.0.0" is no address and no range`,
		`SecRule ARGS "@rbl a.example" "id:1"`:           "1:15: the operator @rbl is not supported",
		`SecRule ARGS "@inspectFile a.lua" "id:1"`:       "1:15: the operator @inspectFile is not supported",
		`SecRule ARGS "@verifyCC a" "id:1"`:              "1:15: the operator @verifyCC is not supported",
		`SecRule ARGS "@geoLookup" "id:1"`:               "1:15: @geoLookup lacks an argument",
		// Transformations, actions and controls that we do not have, or whose values are wrong.
		`SecRule ARGS "@rx a" "id:1,t:none,t:sqlHexDecode"`:                     "1:35: the transformation sqlHexDecode is not supported",
		`SecRule ARGS "@rx a"`:                                                  "1:1: the rule has no id",
		`SecRule ARGS "@rx a" "id:x"`:                                           "1:1: the rule has no id",
		`SecRule ARGS "@rx a" "id:-1"`:                                          "1:1: the rule has no id",
		`SecRule ARGS "@rx a" "id:1,phase:7"`:                                   `1:28: there is no phase "7"`,
		`SecRule ARGS "@rx a" "id:1,phase:5"`:                                   "1:28: there is no phase of logging",
		`SecRule ARGS "@rx a" "id:1,severity:BAD"`:                              `1:28: there is no severity "BAD"`,
		`SecRule ARGS "@rx a" "id:1,skip:x"`:                                    "1:28: skip takes a number of rules",
		`SecRule ARGS "@rx a" "id:1,skipAfter:END"`:                             `1:28: there is no SecMarker "END" behind the rule`,
		"SecMarker END\nSecRule ARGS \"@rx a\" \"id:1,skipAfter:END\"":          `2:28: there is no SecMarker "END" behind the rule`,
		`SecRule ARGS "@rx a" "id:1,allow:all"`:                                 "1:28: allow takes phase, request or nothing",
		`SecRule ARGS "@rx a" "id:1,exec:/bin/x"`:                               "1:28: the action exec is not supported",
		`SecRule ARGS "@rx a" "id:1,redirect:'http://x/'"`:                      "1:28: the action redirect is not supported",
		`SecRule ARGS "@rx a" "id:1,proxy:'http://x/'"`:                         "1:28: the action proxy is not supported",
		`SecAction "id:1,initcol:ip=%{REMOTE_ADDR}"`:                            "1:17: the action initcol is not supported",
		`SecAction "id:1,expirevar:tx.a=1"`:                                     "1:17: the action expirevar is not supported",
		`SecAction "id:1,setvar:ip.a=1"`:                                        "1:17: setvar:ip.a=1: only variables of TX can be set",
		`SecAction "id:1,setvar:tx"`:                                            "1:17: setvar:tx: only variables of TX can be set",
		`SecAction "id:1,ctl:ruleEngine=DetectionOnly"`:                         "1:17: the control ruleEngine=DetectionOnly is not supported",
		`SecAction "id:1,ctl:hashEngine=On"`:                                    "1:17: the control hashEngine=On is not supported",
		`SecAction "id:1,ctl:ruleRemoveById=a"`:                                 "1:17: ruleRemoveById names \"a\"",
		"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule ARGS \"b\" \"deny\"":        "2:19: deny belongs to the first rule of the chain",
		"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule ARGS \"b\" \"skipAfter:X\"": "2:19: skipAfter belongs to the first rule of the chain",
		"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule ARGS \"b\" \"t:none,id:2\"": "2:26: id belongs to the first rule of the chain",
		// Directives that change others.
		`SecRuleRemoveById a`:                           `1:19: "a" is neither an id nor a range`,
		`SecRuleRemoveById`:                             "1:1: SecRuleRemoveById lacks an argument",
		`SecRuleRemoveByTag "("`:                        `1:21: "(" is no regular expression`,
		`SecRuleRemoveByMsg a b`:                        "1:22: SecRuleRemoveByMsg has more arguments than it takes",
		`SecRuleUpdateTargetById 1`:                     "1:1: SecRuleUpdateTargetById lacks an argument",
		`SecRuleUpdateActionById 1 "denied"`:            `1:28: "denied" is not an action`,
		`SecDefaultAction "phase:2,t:lowercase,pass"`:   "1:27: t is no default action",
		`SecDefaultAction "phase:2,msg:'a',pass"`:       "1:27: msg is no default action",
		`SecDefaultAction "phase:9,pass"`:               `1:19: there is no phase "9"`,
		`SecRuleEngine`:                                 "1:1: SecRuleEngine lacks an argument",
		`SecRuleScript a.lua "id:1"`:                    `1:1: "SecRuleScript" is not a directive`,
		`SecHashEngine On`:                              `1:1: "SecHashEngine" is not a directive`,
		`SecRemoteRules key https://rules.example/list`: `1:1: "SecRemoteRules" is not a directive`,
		`Include other.conf`:                            "1:1: Include is not possible here",
	} {
		_, err := compileText(text)
		var e *seclang.Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "f:"+want) {
			t.Errorf("%s\ngot  %v\nwant f:%s", text, err, want)
		}
		if _, err := seclang.ParseText("f", text); err != nil {
			continue
		}
		line, place, _ := strings.Cut(want, ":")
		n, _ := strconv.Atoi(line)
		want = fmt.Sprintf("%d:%s", n+strings.Count(off, "\n"), place)
		if _, err = compileText(off + text + "\nSecMarker OFF"); err == nil || !strings.HasPrefix(err.Error(), "f:"+want) && !strings.Contains(want, "is there already") {
			t.Errorf("switched off: %s\ngot  %v\nwant f:%s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`SecRule TX:level "@gt 1" "id:1,phase:1,chain"` + "\n" + `SecRule ARGS "@rx (a"`: "7:15: @rx: couldn't parse the expression",
		`SecRule TX:level "@eq 1" "id:1,phase:1,pass,setvar:tx.a=1,severity:BAD"`:        "6:59: there is no severity",
	} {
		if _, err := compileText(off + text + "\nSecMarker OFF"); err == nil || !strings.HasPrefix(err.Error(), "f:"+want) {
			t.Errorf("%s\ngot  %v\nwant f:%s", text, err, want)
		}
	}
}

// off switches the rules behind it off, as a paranoia level does.
const off = `SecAction "id:9000,phase:1,pass,nolog,setvar:tx.level=1"
SecRule TX:level "@lt 2" "id:9001,phase:1,pass,nolog,skipAfter:OFF"
SecRule TX:level "@lt 2" "id:9002,phase:2,pass,nolog,skipAfter:OFF"
SecRule TX:level "@lt 2" "id:9003,phase:3,pass,nolog,skipAfter:OFF"
SecRule TX:level "@lt 2" "id:9004,phase:4,pass,nolog,skipAfter:OFF"
`

// What is right is accepted, also at its edges.
func TestNoMistakes(t *testing.T) {
	for _, text := range []string{
		"SecRule ARGS \"@rx a\" \"id:1,skipAfter:END\"\nSecMarker END",
		`SecRule ARGS "@streq" "id:1,deny"`,
		`SecRule &REQUEST_COOKIES:/^a/|!REQUEST_HEADERS:b|REQUEST_HEADERS "@eq 0" "id:1,phase:request"`,
		`SecRule REQUEST_URI|RESPONSE_STATUS|RESPONSE_HEADERS:Server|REMOTE_ADDR "@rx a" "id:1,phase:3"`,
		`SecRule ARGS "!@pmFromFile words.data" "id:1,severity:2,allow:phase,status:403,ver:1,rev:1"`,
		`SecRule XML:/*|XML:'//@*' "@gt %{tx.a}" "id:1"`,
		"SecRule ARGS \"a\" \"id:1,chain,deny\"\nSecRule ARGS \"b\" \"t:none,setvar:tx.a=1,capture,msg:'x',logdata:'y',ctl:ruleRemoveById=1-2\"",
		`SecDefaultAction "phase:2,log,auditlog,deny,status:403"`,
	} {
		if _, err := compileText(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
