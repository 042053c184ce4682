package inspect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// A recorded is one line of the shared request files.
type recorded struct {
	ID, Label, Category, Method, Path, Query, Body string
	Headers                                        map[string]any
	BodyB64                                        string `json:"body_b64"`
	Response                                       *struct {
		Status  int
		Headers map[string]any
		Body    json.RawMessage
	}
}

func (r *recorded) raw() []byte {
	body := []byte(r.Body)
	if r.BodyB64 != "" {
		body, _ = base64.StdEncoding.DecodeString(r.BodyB64)
	}
	var b bytes.Buffer
	uri := r.Path
	if r.Query != "" {
		uri += "?" + r.Query
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, uri)
	host := false
	for name, v := range r.Headers {
		if strings.EqualFold(name, "Host") {
			if host {
				continue // the recording has it twice, in different case
			}
			host = true
		}
		switch v := v.(type) {
		case string:
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		case []any:
			for _, x := range v {
				fmt.Fprintf(&b, "%s: %v\r\n", name, x)
			}
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

func readRecorded(t testing.TB, name string) []recorded {
	f, err := os.Open(shared(t, "data/"+name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []recorded
	for s := bufio.NewReaderSize(z, 1<<20); ; {
		line, err := s.ReadBytes('\n')
		if len(line) > 1 {
			var r recorded
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
		if err != nil {
			return out
		}
	}
}

func testJudge(t testing.TB, c config.Inspect) *judge {
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	j, err := i.newJudge(c, "any")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// sharedPool saves the tests from compiling the rules again and again.
var sharedPool Pool

// judgeRecorded says what becomes of a request: passed, front, or the code of the refusal.
func judgeRecorded(j *judge, raw []byte) (string, *exchange.Exchange, error) {
	e, err := readExchange(raw)
	if err != nil {
		return "front", nil, nil
	}
	for _, check := range []func(context.Context, *exchange.Exchange) (exchange.Verdict, error){j.head, j.body} {
		v, err := check(context.Background(), e)
		if err != nil {
			return "", e, err
		}
		if !v.Passed() {
			return v.Reason.Code, e, nil
		}
	}
	return "passed", e, nil
}

// TestTraffic measures false refusals and detection at paranoia level 1 over the shared traffic, without any spec: what
// the rules alone do.
func TestTraffic(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("runs with SALLYPORT_ALL=1")
	}
	j := testJudge(t, config.Inspect{})
	sets := []string{"rec-datadog/rec-datadog", "rec-fastly/rec-fastly", "rec-octokit/rec-octokit", "rec-reddit/rec-reddit", "spec-examples/spec-examples",
		"httpparams/httpparams", "mlwaf/mlwaf", "libinjection/libinjection", "patt/patt", "payloadbox/payloadbox", "fuzzdb/fuzzdb", "wafbypass/wafbypass"}
	var b strings.Builder
	b.WriteString("| set | label | requests | refused before the rules | refused by rules | passed |\n|---|---|---|---|---|---|\n")
	rules := map[string]int{}
	for _, set := range sets {
		measure(t, j, &b, set, rules)
	}
	t.Log("\n" + b.String())
	t.Log("rules that refused benign requests: " + topRules(rules))
}

func measure(t *testing.T, j *judge, b *strings.Builder, set string, rules map[string]int) {
	list := readRecorded(t, set)
	type result struct {
		outcome string
		rules   []string
	}
	results := make([]result, len(list))
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := w; i < len(list); i += 2 {
				outcome, e, err := judgeRecorded(j, list[i].raw())
				if err != nil {
					t.Errorf("%s: %v", list[i].ID, err)
				}
				results[i].outcome = outcome
				if e != nil && outcome != "passed" {
					for _, f := range e.Findings {
						results[i].rules = append(results[i].rules, f.Rule)
					}
				}
			}
		})
	}
	wg.Wait()
	count := map[string]map[string]int{"benign": {}, "attack": {}}
	for i, r := range results {
		kind := r.outcome
		if kind != "passed" && kind != "front" {
			kind = "rules"
		}
		count[list[i].Label][kind]++
		if list[i].Label == "benign" && kind == "rules" {
			for _, id := range r.rules {
				rules[id]++
			}
		}
	}
	for _, label := range []string{"benign", "attack"} {
		if c := count[label]; len(c) > 0 {
			fmt.Fprintf(b, "| %s | %s | %d | %d | %d | %d |\n", strings.Split(set, "/")[0], label, c["front"]+c["rules"]+c["passed"], c["front"], c["rules"], c["passed"])
		}
	}
}

func topRules(rules map[string]int) string {
	ids := make([]string, 0, len(rules))
	for id := range rules {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return rules[ids[i]] > rules[ids[j]] })
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf("%s (%d)", id, rules[id]))
	}
	return strings.Join(out, ", ")
}

// TestRecordedAnswers judges the recorded answers of two real APIs; none of them is a leak.
func TestRecordedAnswers(t *testing.T) {
	j := testJudge(t, config.Inspect{})
	n, refused := 0, 0
	for _, set := range []string{"datadog-v1", "github"} {
		for i, r := range readRecorded(t, "openapi-traffic/"+set) {
			if r.Response == nil || os.Getenv("SALLYPORT_ALL") == "" && i%10 != 0 {
				continue
			}
			e, err := readExchange(r.raw())
			if err != nil {
				continue
			}
			text := []byte(r.Response.Body)
			var s string
			if json.Unmarshal(text, &s) == nil {
				text = []byte(s)
			}
			body, err := content.New(text, content.Header{ContentType: []string{"application/json"}}, content.Limits{})
			if err != nil {
				continue
			}
			e.Operation = &openapi.Operation{Key: "any", Undocumented: true}
			e.Response = &exchange.Response{Status: r.Response.Status, Body: body}
			v, err := j.answer(context.Background(), e)
			if err != nil {
				t.Fatal(err)
			}
			if n++; !v.Passed() {
				refused++
				t.Errorf("%s: %s: %+v", r.ID, v.Detail, e.Findings)
			}
		}
	}
	t.Logf("%d answers, %d refused", n, refused)
}
