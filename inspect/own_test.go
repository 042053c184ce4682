package inspect

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// ownDir writes a directory of rules.
func ownDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const ownText = `
SecRule ARGS "@pmFromFile words.data" "id:100001,phase:2,deny,t:lowercase,msg:'a word of ours',tag:'attack-ours'"
SecRule ARGS:note|ARGS:json.note "@rx (?i)forbidden" "id:100002,phase:2,block,severity:NOTICE,msg:'a hint of ours'"
SecRule RESPONSE_BODY "@contains internal-only" "id:100003,phase:4,deny,msg:'internal'"
`

// Rules of the operator judge besides the Core Rule Set, or without it.
func TestOwnRules(t *testing.T) {
	dir := ownDir(t, map[string]string{"10-ours.conf": ownText, "words.data": "# ours\nxyzzy\n",
		"05-package-before.conf": `SecRule REQUEST_FILENAME "@beginsWith /free" "id:100010,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack-sqli;ARGS:q"`})
	i, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		c    config.Inspect
		raw  []byte
		code string
		rule string
	}{
		{"deny", config.Inspect{}, get("/?q=a+XYZZY"), "inspect.attack", "100001 query.q"},
		{"deny beyond every threshold", config.Inspect{Threshold: 1000}, get("/?q=xyzzy"), "inspect.attack", "100001 query.q"},
		{"score", config.Inspect{}, post("application/json", `{"note":"forbidden"}`), "passed", "100002 body.note"},
		{"score and threshold", config.Inspect{Threshold: 2}, get("/?note=forbidden"), "inspect.attack", "100002 query.note"},
		{"excluded", config.Inspect{Exclude: []config.Exclusion{{Rule: "100001", Field: "query.q"}}}, get("/?q=xyzzy"), "passed", ""},
		{"monitored", config.Inspect{Monitor: []config.Exclusion{{Rule: "attack-ours"}}}, get("/?q=xyzzy"), "passed", "100001 query.q"},
		{"the rule set", config.Inspect{}, get("/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--"), "inspect.sqli", "942100 query.q"},
		{"the rule set, excluded by a package", config.Inspect{}, get("/free?q=1%27%20UNION%20SELECT%20password%20FROM%20users--"), "passed", ""},
		{"without the rule set", config.Inspect{CRS: "off"}, get("/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--"), "passed", ""},
		{"ours without the rule set", config.Inspect{CRS: "off"}, get("/?q=xyzzy"), "inspect.attack", "100001 query.q"},
	} {
		c.c.Rules = dir
		j, err := i.newJudge(c.c, "any")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		code, e, err := judgeRecorded(j, c.raw)
		if err != nil || code != c.code || c.rule == "" && len(e.Findings) > 0 || !strings.Contains(fields(e), c.rule) {
			t.Errorf("%s: %s (%s), %v; want %s (%s)", c.name, code, fields(e), err, c.code, c.rule)
		}
	}
	j, err := i.newJudge(config.Inspect{Rules: dir}, "any")
	if err != nil {
		t.Fatal(err)
	}
	e := answerOf(t, 200, "application/json", `{"a":"this is internal-only"}`)
	if v, err := j.answer(t.Context(), e); err != nil || v.Passed() || fields(e) != "100003 response.a" {
		t.Errorf("%+v, %v, %s", v, err, fields(e))
	}
}

// What cannot be compiled is named at its place, in the operator's file.
func TestOwnRulesWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"syntax":     {"\n  SecRule ARGS \"@rx a", ":2:16: "},
		"operator":   {`SecRule ARGS "@rxx a" "id:1"`, ":1:15: "},
		"expression": {"# x\nSecRule ARGS \"@rx (a\" \"id:1,phase:2\"", ":2:15: "},
		"data":       {`SecRule ARGS "@pmFromFile none.data" "id:1,phase:2"`, ":1:15: "},
		"same id":    {`SecRule ARGS "@rx a" "id:942100,phase:2"`, ":1:1: "},
	} {
		dir := ownDir(t, map[string]string{"a.conf": c.text})
		i, err := New(Options{Pool: &sharedPool})
		if err != nil {
			t.Fatal(err)
		}
		err = i.Prepare(config.Inspect{Rules: dir})
		var wrong *RuleError
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), filepath.Join(dir, "a.conf")+c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	i, _ := New(Options{Pool: &sharedPool})
	if err := i.Prepare(config.Inspect{Rules: t.TempDir()}); err == nil {
		t.Error("an empty directory is accepted")
	}
}

// Engines are shared while nothing changes; one for earlier contents is let go.
func TestOwnRulesChange(t *testing.T) {
	dir := ownDir(t, map[string]string{"a.conf": `SecAction "id:1,pass"`})
	p := new(Pool)
	get := func() Engine {
		i, _ := New(Options{Pool: p})
		e, err := i.engine(config.Inspect{Rules: dir, CRS: "off"})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	a, b := get(), get()
	if err := os.WriteFile(filepath.Join(dir, "a.conf"), []byte(`SecAction "id:2,pass"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := get(); a != b || c == a || len(p.engines) != 1 {
		t.Errorf("%v %v, %d engines", a != b, c == a, len(p.engines))
	}
}
