package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/content"
	"github.com/sallyport/sallyport/openapi"
)

var fence = regexp.MustCompile("(?ms)^```(sh|yaml)\n(.*?)^```$")

// Commands in the documentation exist, configs load, links lead somewhere.
func TestDocumentation(t *testing.T) {
	root, docs := "../..", []string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "lab/*.md"} {
		files, _ := filepath.Glob(filepath.Join(root, pattern))
		docs = append(docs, files...)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range docs {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range goTest.FindAllString(string(data), -1) {
			checkCommand(t, file, strings.TrimLeft(strings.ReplaceAll(m, `\|`, "|"), "` "), string(makefile))
		}
		for _, block := range fence.FindAllStringSubmatch(string(data), -1) {
			if block[1] == "yaml" {
				checkYAML(t, file, block[2])
				continue
			}
			for line := range strings.Lines(block[2]) {
				checkCommand(t, file, strings.TrimSpace(line), string(makefile))
			}
		}
		checkLinks(t, file, string(data))
	}
}

// section begins a part of a config that stands beside APIs.
var section = regexp.MustCompile(`^(plans|store|admin|alerts|events|audit|abuse|identity):`)

var variable = regexp.MustCompile(`\$\{(\w+)\}`)

func checkYAML(t *testing.T, file, text string) {
	t.Helper()
	switch {
	case section.MatchString(text): // a part of a config, with what it lacks
		text = "version: 1\nlisten: [ { address: \"127.0.0.1:8080\" } ]\napis: [ { name: shop, unknown: inspect, upstream: \"http://127.0.0.1:9000\" } ]\n" + text
	case !strings.HasPrefix(text, "version:"):
		return // a part of an API of a config, or of a spec
	}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		value := "s3cret"
		if strings.HasSuffix(m[1], "_URL") {
			value = "https://service.example/hook"
		}
		t.Setenv(m[1], value)
	}
	if c, _, problems := config.Parse(file, []byte(text)); c == nil {
		t.Errorf("%s: %v", file, problems)
	}
}

func checkCommand(t *testing.T, file, line, makefile string) {
	t.Helper()
	words := strings.Fields(line)
	for len(words) > 0 && strings.Contains(words[0], "=") { // variables before a command
		words = words[1:]
	}
	if len(words) < 2 || strings.HasPrefix(line, "#") {
		return
	}
	switch words[0] {
	case "curl":
		checkCurl(t, file, line)
	case "go":
		checkGoTest(t, file, words)
	case "make":
		if !strings.Contains(makefile, "\n"+words[1]+":") {
			t.Errorf("%s: the Makefile has no target %s", file, words[1])
		}
	case "sallyport":
		var grammar cli
		parser, err := kong.New(&grammar, kong.Name("sallyport"), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(words[1:]); err != nil && !strings.Contains(err.Error(), "no such file") && !strings.Contains(err.Error(), "stat ") {
			t.Errorf("%s: %s: %v", file, line, err)
		}
	}
}

var adminURL = regexp.MustCompile(`http://127\.0\.0\.1:9901(/(?:api|signin)/[^?\s']+)(\?[^\s']+)?`)

// checkCurl demands that the admin API has the operation, with the parameters.
func checkCurl(t *testing.T, file, line string) {
	t.Helper()
	m := adminURL.FindStringSubmatch(line)
	if m == nil {
		return
	}
	doc, problems := openapi.Load("../../admin/openapi.yaml", openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	matcher, err := openapi.NewMatcher(doc.Operations)
	if err != nil {
		t.Fatal(err)
	}
	method := "GET"
	if strings.Contains(line, " -X POST") || strings.Contains(line, " -d ") {
		method = "POST"
	}
	target, err := content.ParseTarget(m[1] + m[2])
	if err != nil {
		t.Fatal(err)
	}
	found := matcher.Match(method, target.Segments)
	if found.Operation == nil {
		t.Errorf("%s: %s: there is no such operation", file, line)
		return
	}
	if p := found.Operation.Decode(target, found.Args, http.Header{}); len(p.Errors) > 0 || len(p.Undeclared) > 0 {
		t.Errorf("%s: %s: %v %v", file, line, p.Errors, p.Undeclared)
	}
}

// goTest is a test that a document tells readers to run, in a block or within a sentence.
var goTest = regexp.MustCompile("(?m)(?:^|`| {4})(?:SALLYPORT_[A-Z]+=[^ `]+ )?go test [^`\n]+")

// checkGoTest demands that the packages exist and that one of them has a test of that name.
func checkGoTest(t *testing.T, file string, words []string) {
	t.Helper()
	var sources strings.Builder
	name := regexp.MustCompile("Test")
	for i, w := range words {
		switch {
		case strings.HasPrefix(w, "./"):
			pattern := filepath.Join("../..", strings.TrimSuffix(w, "/..."), "*_test.go")
			tests, _ := filepath.Glob(pattern)
			if len(tests) == 0 && w != "./..." {
				t.Errorf("%s: %s has no tests", file, w)
			}
			for _, test := range tests {
				data, err := os.ReadFile(test)
				if err != nil {
					t.Fatal(err)
				}
				sources.Write(data)
			}
		case slices.Contains([]string{"-run", "-fuzz", "-bench"}, words[i-min(i, 1)]):
			name = regexp.MustCompile(strings.Trim(w, "'$^"))
		}
	}
	if sources.Len() > 0 && !slices.ContainsFunc(declared.FindAllString(sources.String(), -1), name.MatchString) {
		t.Errorf("%s: %s names no test", file, strings.Join(words, " "))
	}
}

var declared = regexp.MustCompile(`(?m)^func (Test|Fuzz|Benchmark)\w+`)

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

func checkLinks(t *testing.T, file, text string) {
	t.Helper()
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
			t.Errorf("%s: the link to %s leads nowhere", file, m[1])
		}
	}
}
