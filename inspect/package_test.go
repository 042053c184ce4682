package inspect

import (
	"cmp"
	"maps"
	"slices"
	"testing"
)

// packages are exclusions in the ways in which operators and the rule set's exclusion packages write them.
var packages = map[string]struct {
	before, after string
	instead       string // what Coraza gets for after, where it cannot read that
}{
	"ctl:ruleRemoveById":                      {before: `SecRule REQUEST_FILENAME "@beginsWith /free" "id:9500001,phase:1,pass,t:none,nolog,ctl:ruleRemoveById=942100,ctl:ruleRemoveById=942130-942300"`},
	"ctl:ruleRemoveByTag":                     {before: `SecRule REQUEST_FILENAME "@beginsWith /free" "id:9500001,phase:1,pass,t:none,nolog,ctl:ruleRemoveByTag=attack-sqli"`},
	"ctl:ruleRemoveTargetById":                {before: `SecRule REQUEST_FILENAME "@beginsWith /free" "id:9500001,phase:1,pass,t:none,nolog,ctl:ruleRemoveTargetById=942100;ARGS:q,ctl:ruleRemoveTargetById=942190;ARGS"`},
	"ctl:ruleRemoveTargetById with a pattern": {before: `SecRule REQUEST_FILENAME "@beginsWith /free" "id:9500001,phase:1,pass,t:none,nolog,ctl:ruleRemoveTargetById=941100;ARGS:/^n[aeiou]/"`},
	"ctl:ruleRemoveTargetByTag": {before: `SecRule REQUEST_METHOD "@streq GET" "id:9500001,phase:1,pass,t:none,nolog,chain"
SecRule REQUEST_FILENAME "@endsWith .php" "t:none,ctl:ruleRemoveTargetByTag=OWASP_CRS;ARGS:q,ctl:ruleRemoveTargetByTag=attack-xss;REQUEST_COOKIES:session"`},
	"ctl:ruleEngine":          {before: `SecRule REQUEST_HEADERS:User-Agent "@streq healthcheck" "id:9500001,phase:1,pass,t:none,nolog,ctl:ruleEngine=Off"`},
	"skipAfter":               {before: "SecRule REQUEST_FILENAME \"!@beginsWith /free\" \"id:9500001,phase:1,pass,t:none,nolog,skipAfter:END\"\nSecAction \"id:9500002,phase:1,pass,nolog,ctl:ruleRemoveByTag=attack-sqli\"\nSecMarker END"},
	"a switch of the package": {before: "SecAction \"id:9500001,phase:1,pass,nolog,setvar:tx.free_enabled=1\"\nSecRule TX:free_enabled \"@eq 0\" \"id:9500002,phase:1,pass,nolog,ctl:ruleRemoveByTag=attack-sqli\"\nSecRule TX:free_enabled \"@eq 1\" \"id:9500003,phase:1,pass,nolog,ctl:ruleRemoveById=941100-941999\""},
	"SecRuleRemoveById":       {after: `SecRuleRemoveById 942100 941100-941190`},
	"SecRuleRemoveByTag":      {after: `SecRuleRemoveByTag attack-sqli`},
	"SecRuleRemoveByMsg":      {after: `SecRuleRemoveByMsg "SQL Injection Attack Detected via libinjection"`, instead: `SecRuleRemoveById 942100`},
	"SecRuleUpdateTargetById": {after: `SecRuleUpdateTargetById 942100 "!ARGS:q"`},
	"SecRuleUpdateTargetById of a range with a pattern": {after: `SecRuleUpdateTargetById 941100-941999 "!ARGS:/^n/"`},
	"SecRuleUpdateTargetById adding":                    {after: `SecRuleUpdateTargetById 942100 "REQUEST_HEADERS:X-Query"`},
	"SecRuleUpdateTargetByTag":                          {after: `SecRuleUpdateTargetByTag attack-sqli "!ARGS:q"`},
	"SecRuleUpdateActionById":                           {after: `SecRuleUpdateActionById 942190 "t:none,t:length"`},
	"SecRuleUpdateActionById that stops denying":        {after: `SecRuleUpdateActionById 942100 "pass,nolog"`},
	"early blocking":                                    {before: `SecAction "id:900120,phase:1,pass,t:none,nolog,setvar:tx.early_blocking=1"`},
}

// Coraza 3.8.1 panics on SecRuleRemoveByMsg where a rule before it has no message (RuleGroup.DeleteByMsg).

// unchanged are packages after which the same rules match as without.
var unchanged = map[string]bool{"SecRuleUpdateActionById that stops denying": true, "early blocking": true}

// With exclusions of an operator, too, the same rules match as in Coraza; and they do exclude something.
func TestPackagesSameAsCoraza(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	sql, script := "1%27%20UNION%20SELECT%20password%20FROM%20users--", "%3Cscript%3Ealert(1)%3C/script%3E"
	var requests [][]byte
	for _, target := range []string{"/free?q=" + sql, "/free?other=" + sql, "/other?q=" + sql, "/a.php?q=" + sql + "&na=" + script, "/free?na=" + script, "/free?no=" + script + "&q=1", "/?json.note=" + script} {
		for _, header := range []string{"User-Agent: okhttp/4.12.0", "User-Agent: healthcheck", "User-Agent: a\r\nX-Query: 1' UNION SELECT password FROM users--", "User-Agent: a\r\nCookie: session=<script>alert(1)</script>"} {
			requests = append(requests, []byte("GET "+target+" HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\n"+header+"\r\n\r\n"))
		}
		requests = append(requests, post("application/json", `{"note":"1' UNION SELECT password FROM users--","na":"<script>alert(1)</script>"}`))
	}
	plain, err := newCompiled(settings{paranoia: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range slices.Sorted(maps.Keys(packages)) {
		if !sampled(i, 5) { // each is compiled by both engines
			continue
		}
		own := packages[name]
		dir := ownDir(t, map[string]string{"a-before.conf": own.before, "z-after.conf": own.after})
		ours, err := newCompiled(settings{paranoia: 1, dir: dir})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		oracle, err := newCorazaWith(settings{paranoia: 1}, own.before, cmp.Or(own.instead, own.after))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		changed := false
		for _, raw := range requests {
			p := &pair{ours: ours, oracle: oracle, differ: func(m *Message, a, b []string) {
				t.Errorf("%s, %s %s?%s (%d): ours %v, Coraza %v", name, m.Method, m.Path, m.RawQuery, m.Stage, a, b)
			}}
			with, err := judgeRaw(raw, p)
			if err != nil {
				t.Fatal(err)
			}
			without, err := judgeRaw(raw, plain)
			if err != nil {
				t.Fatal(err)
			}
			changed = changed || !slices.Equal(keysOf(with), keysOf(without))
		}
		if changed == unchanged[name] {
			t.Errorf("%s: changed: %v", name, changed)
		}
	}
}

func keysOf(set map[string]bool) []string {
	var out []string
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
