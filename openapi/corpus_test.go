package openapi

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// shared is the folder of test data that lies beside the repository; tests that need it are skipped without it.
func shared(t testing.TB) string {
	dir := os.Getenv("SALLYPORT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no shared test data at %s", dir)
	}
	return dir
}

// realSpecs unpacks the real-world documents into a temporary folder.
func realSpecs(t testing.TB) (dir string, index []specEntry) {
	root := filepath.Join(shared(t), "data", "openapi-specs")
	data, err := os.ReadFile(filepath.Join(root, "index.json"))
	if err != nil {
		t.Skip(err)
	}
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root, "specs.tar.gz"))
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir, index
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		target := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type specEntry struct {
	File       string
	Version    string
	Operations int
}

// brokenSpecs are documents that must not load, by the rules that say so: they refer to files that are not in the
// set, or are broken on purpose (or, Square, by accident).
var brokenSpecs = map[string]string{
	"square/api.json":                             "spec.ref",
	"libopenapi/digitalocean.yaml":                "spec.ref",
	"libopenapi/first.yaml":                       "spec.ref",
	"libopenapi/mixedref-burgershop.openapi.yaml": "spec.ref",
	"libopenapi/all-the-components.yaml":          "spec.unknown_scheme",
	"libopenapi/burgershop.openapi-modified.yaml": "spec.param spec.scheme",
	"kin-openapi/issue753.yml":                    "spec.version",
	"kin-openapi/issue235.spec0.yml":              "spec.ref",
	"kin-openapi/discriminator.yml":               "spec.ref",
}

// errorRules are the rules of all errors, each once, sorted.
func errorRules(problems config.Problems) string {
	var rules []string
	for _, p := range problems {
		if p.Severity == config.Error && !slices.Contains(rules, p.Rule) {
			rules = append(rules, p.Rule)
		}
	}
	slices.Sort(rules)
	return strings.Join(rules, " ")
}

func TestRealSpecs(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	dir, index := realSpecs(t)
	for _, e := range index {
		t.Run(e.File, func(t *testing.T) {
			start := time.Now()
			doc, problems := Load(filepath.Join(dir, filepath.FromSlash(e.File)), Options{})
			took := time.Since(start)
			if strings.HasPrefix(e.Version, "2.") {
				if len(problems) != 1 || problems[0].Rule != "spec.swagger2" || problems[0].Hint == "" {
					t.Fatalf("want one spec.swagger2 with a hint, got %v", problems)
				}
				return
			}
			counts := map[string]int{}
			for _, p := range problems {
				counts[string(p.Severity)+" "+p.Rule]++
			}
			t.Logf("%s: %d operations in %v, %v", e.Version, e.Operations, took.Round(time.Millisecond), counts)
			if got := errorRules(problems); got != brokenSpecs[e.File] {
				t.Fatalf("errors %q, want %q:\n%v", got, brokenSpecs[e.File], problems)
			}
			if (doc == nil) != problems.Failed() {
				t.Fatal("a document is nil exactly when there are errors")
			}
			if doc == nil {
				return
			}
			matchAll(t, doc)
			start = time.Now()
			findings := doc.Lint()
			t.Logf("%d findings of the linter in %v", len(findings), time.Since(start).Round(time.Millisecond))
		})
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("heap obtained from the system: %d MB", m.HeapSys>>20)
}

// matchAll makes a path for each operation and expects that operation back.
func matchAll(t *testing.T, doc *Document) {
	m, err := NewMatcher(doc.Operations)
	if err != nil {
		t.Error(err)
		return
	}
	for _, op := range doc.Operations {
		var path, args []string
		for _, s := range op.segments {
			text := s.parts[0]
			for i := range s.names {
				value := "Zz-" + s.names[i]
				args = append(args, value)
				text += value + s.parts[i+1]
			}
			path = append(path, text)
		}
		got := m.Match(op.Method, path)
		if got.Operation != op {
			t.Errorf("%s: matched %+v", op.Key, got)
			continue
		}
		if strings.Join(got.Args, "|") != strings.Join(args, "|") {
			t.Errorf("%s: args %q, want %q", op.Key, got.Args, args)
		}
	}
}
