package inspect

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

// A ftwTest is one test of the Core Rule Set's own suite, in the YAML of go-ftw.
type ftwTest struct {
	name   string     // 942100-3
	family string     // 942
	ID     int        `yaml:"test_id"`
	Stages []ftwStage `yaml:"stages"`
}

type ftwStage struct {
	Input struct {
		Method       string         `yaml:"method"`
		URI          string         `yaml:"uri"`
		Version      *string        `yaml:"version"`
		Headers      map[string]any `yaml:"headers"`
		Data         string         `yaml:"data"`
		Encoded      string         `yaml:"encoded_request"`
		Autocomplete *bool          `yaml:"autocomplete_headers"`
	} `yaml:"input"`
	Output struct {
		Status int  `yaml:"status"`
		Error  bool `yaml:"expect_error"`
		Log    struct {
			Expect   []int `yaml:"expect_ids"`
			NoExpect []int `yaml:"no_expect_ids"`
		} `yaml:"log"`
	} `yaml:"output"`
}

// shared returns a file of the shared test data, or skips.
func shared(t testing.TB, name string) string {
	dir := os.Getenv("SALLYPORT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("shared test data is absent: %v", err)
	}
	return file
}

func loadFTW(t *testing.T) []ftwTest {
	f, err := os.Open(shared(t, "data/crs-regression/crs-4.25.0-tests.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []ftwTest
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".yaml") {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Tests []ftwTest `yaml:"tests"`
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		rule := strings.TrimSuffix(path.Base(h.Name), ".yaml")
		for _, one := range file.Tests {
			one.name, one.family = fmt.Sprintf("%s-%d", rule, one.ID), rule[:3]
			all = append(all, one)
		}
	}
}

// errFront marks a request that the gateway refuses before any rule runs.
var errFront = errors.New("refused by the front")

// crsResult is what became of one test.
type crsResult struct{ outcome, why string }

// TestCoreRuleSet runs the rule set's own tests as the gateway would feed them, at paranoia level 4, as its authors
// do. What neither passes nor is refused before the rules has to be in testdata/crs-differs.txt, and nothing else.
func TestCoreRuleSet(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	tests := loadFTW(t)
	engine, err := new(Pool).engine(settings{paranoia: 4})
	if err != nil {
		t.Fatal(err)
	}
	whole := os.Getenv("SALLYPORT_ALL") != ""
	if !whole {
		tests = slices.DeleteFunc(tests, func(f ftwTest) bool {
			h := fnv.New32()
			h.Write([]byte(f.name))
			return h.Sum32()%sampleOf != 0
		})
	}
	differs := readDiffers(t)
	results := runFTW(tests, engine)
	table, refused := map[string]map[string]int{}, map[string]int{}
	for i, r := range results {
		name := tests[i].name
		if table[tests[i].family] == nil {
			table[tests[i].family] = map[string]int{}
		}
		table[tests[i].family][r.outcome]++
		if r.outcome == "refused" {
			refused[place.ReplaceAllString(r.why, "")]++
		}
		_, listed := differs[name]
		if r.outcome == "differs" && !listed {
			t.Errorf("%s: %s", name, r.why)
		}
		if r.outcome != "differs" && listed {
			t.Errorf("%s: is listed in crs-differs.txt, but: %s", name, r.outcome)
		}
		delete(differs, name)
	}
	if whole {
		for name := range differs {
			t.Errorf("%s: is listed in crs-differs.txt, but there is no such test", name)
		}
	}
	t.Log("\n" + crsTable(table))
	for why, n := range refused {
		t.Logf("%d: %s", n, why)
	}
}

// place is where in the input an error lies.
var place = regexp.MustCompile(` at byte \d+| ".*`)

// sampleOf: one test of this many runs where SALLYPORT_ALL is not set.
const sampleOf = 10

func readDiffers(t *testing.T) map[string]string {
	f, err := os.Open("testdata/crs-differs.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, reason, ok := strings.Cut(s.Text(), " "); ok && name != "#" {
			out[name] = strings.TrimSpace(reason)
		}
	}
	return out
}

func runFTW(tests []ftwTest, engine Engine) []crsResult {
	results := make([]crsResult, len(tests))
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := w; i < len(tests); i += 2 {
				results[i] = runOne(&tests[i], func(raw []byte) (map[string]bool, error) { return judgeRaw(raw, engine) })
			}
		})
	}
	wg.Wait()
	return results
}

func runOne(f *ftwTest, judge func(raw []byte) (map[string]bool, error)) crsResult {
	for i := range f.Stages {
		in, out := &f.Stages[i].Input, &f.Stages[i].Output
		raw := []byte(nil)
		if in.Encoded != "" {
			raw, _ = base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Encoded, "\n", ""))
		} else {
			headers := map[string]string{}
			for k, v := range in.Headers {
				headers[k] = fmt.Sprint(v)
			}
			raw = assemble(in.Method, in.URI, in.Version, headers, in.Data, in.Autocomplete == nil || *in.Autocomplete)
		}
		ids, err := judge(raw)
		if errors.Is(err, errFront) {
			return crsResult{"refused", err.Error()}
		}
		if err != nil {
			return crsResult{"differs", err.Error()}
		}
		for _, id := range out.Log.Expect {
			if !ids[strconv.Itoa(id)] {
				return crsResult{"differs", fmt.Sprintf("rule %d should match", id)}
			}
		}
		for _, id := range out.Log.NoExpect {
			if ids[strconv.Itoa(id)] {
				return crsResult{"differs", fmt.Sprintf("rule %d should not match", id)}
			}
		}
		if out.Status == 400 || out.Error {
			return crsResult{"differs", "should be refused as malformed"}
		}
	}
	return crsResult{"passed", ""}
}

// assemble writes a request as go-ftw does.
func assemble(method, uri string, proto *string, h map[string]string, data string, complete bool) []byte {
	if method == "" {
		method = "GET"
	}
	if uri == "" {
		uri = "/"
	}
	version := "HTTP/1.1"
	if proto != nil {
		version = *proto
	}
	names := make([]string, 0, len(h))
	typ := ""
	for k, v := range h {
		names = append(names, k)
		if strings.EqualFold(k, "Content-Type") {
			typ = v
		}
	}
	sort.Strings(names)
	if complete && data != "" && typ == "" {
		typ = "application/x-www-form-urlencoded"
		names, h["Content-Type"] = append(names, "Content-Type"), typ
	}
	switch {
	case strings.HasPrefix(typ, "application/x-www-form-urlencoded"):
		if un, err := url.QueryUnescape(data); err == nil && un == data {
			if q, err := url.ParseQuery(data); err == nil {
				data = q.Encode()
			}
		}
	case strings.HasPrefix(typ, "multipart/"):
		data = strings.ReplaceAll(strings.ReplaceAll(data, "\r\n", "\n"), "\n", "\r\n")
	}
	if complete && (data != "" || method == "POST") && !slices.ContainsFunc(names, func(n string) bool {
		return strings.EqualFold(n, "Content-Length") || strings.EqualFold(n, "Transfer-Encoding")
	}) {
		names, h["Content-Length"] = append(names, "Content-Length"), strconv.Itoa(len(data))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", method, uri, version)
	for _, n := range names {
		fmt.Fprintf(&b, "%s: %s\r\n", n, h[n])
	}
	b.WriteString("\r\n" + data)
	return b.Bytes()
}

// judgeRaw reads a request as the gateway would, runs every stage and returns the ids that matched.
func judgeRaw(raw []byte, engine Engine) (map[string]bool, error) {
	e, err := readExchange(raw)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	run := func(m *Message) error {
		matches, err := engine.Inspect(context.Background(), m, nil)
		for _, x := range matches {
			ids[x.Rule.ID] = true
		}
		return err
	}
	head := new(Message)
	head.readHead(e)
	if err := run(head); err != nil {
		return nil, err
	}
	if e.Body != nil {
		body := new(Message)
		body.reset(Body)
		body.readHead(e)
		if err := body.readBody(e.Body, nil, nil); err != nil {
			return nil, fmt.Errorf("%w: %w", errFront, err)
		}
		if err := run(body); err != nil {
			return nil, err
		}
	}
	if e.Response, err = reflect(e); err != nil {
		return nil, err
	}
	if e.Response != nil {
		m := new(Message)
		m.reset(Answer)
		m.readLine(e)
		m.readAnswer(e.Response)
		if err := run(m); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// readExchange reads a request as the gateway does; expect is what its operation says of the fields of a form, if any.
func readExchange(raw []byte, expect ...content.Fields) (*exchange.Exchange, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	e := &exchange.Exchange{Request: r, Operation: &openapi.Operation{Key: "any", Undocumented: true}}
	if e.Target, err = content.ParseTarget(r.RequestURI); err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	if r.Host == "" || r.Method == "TRACE" || r.Method == "CONNECT" || !r.ProtoAtLeast(1, 0) {
		return nil, fmt.Errorf("%w: host, method or version", errFront)
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	if len(data) == 0 {
		return e, nil
	}
	h := content.Header{ContentType: r.Header["Content-Type"], ContentEncoding: r.Header["Content-Encoding"]}
	if e.Body, err = content.New(data, h, content.Limits{}); err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	for _, f := range expect {
		e.Body.Expect(f)
	}
	if _, err := e.Body.Tree(); err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	return e, nil
}

// reflect answers as the suite's test server does: POST /reflect describes the answer.
func reflect(e *exchange.Exchange) (*exchange.Response, error) {
	if e.Target.Path != "/reflect" || e.Body == nil {
		return nil, nil
	}
	var spec struct {
		Status      int               `json:"status"`
		Headers     map[string]string `json:"headers"`
		Body        string            `json:"body"`
		EncodedBody string            `json:"encodedBody"`
	}
	if json.Unmarshal(e.Body.Bytes(), &spec) != nil {
		return nil, nil // the test server does not reflect it either
	}
	text := spec.Body
	if spec.EncodedBody != "" {
		b, err := base64.StdEncoding.DecodeString(spec.EncodedBody)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	if spec.Status == 0 {
		spec.Status = 200
	}
	body, err := content.New([]byte(text), content.Header{ContentType: []string{"text/html"}}, content.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFront, err)
	}
	return &exchange.Response{Status: spec.Status, Body: body}, nil
}

func crsTable(table map[string]map[string]int) string {
	families := make([]string, 0, len(table))
	for f := range table {
		families = append(families, f)
	}
	sort.Strings(families)
	var b strings.Builder
	b.WriteString("| family | tests | passed | refused before the rules | differs |\n|---|---|---|---|---|\n")
	sum := map[string]int{}
	for _, f := range families {
		r := table[f]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", f, r["passed"]+r["refused"]+r["differs"], r["passed"], r["refused"], r["differs"])
		for k, n := range r {
			sum[k] += n
		}
	}
	fmt.Fprintf(&b, "| all | %d | %d | %d | %d |\n", sum["passed"]+sum["refused"]+sum["differs"], sum["passed"], sum["refused"], sum["differs"])
	return b.String()
}
