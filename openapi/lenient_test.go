package openapi

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// What is written wrongly in many documents, and can mean one thing only, is a warning.
func TestLenient(t *testing.T) {
	style := func(kind string) string {
		return "    get: { parameters: [ { name: q, in: query, style: simple, schema: { type: " + kind + " } } ] }\n"
	}
	for name, c := range map[string]struct {
		spec, rule string
		severity   config.Severity
	}{
		"version of two numbers": {"openapi: 3.1\ninfo: { title: t, version: \"1\" }\npaths: { /a: { get: {} } }", "spec.version", config.Warning},
		"the same as text":       {"openapi: \"3.0\"\ninfo: { title: t, version: \"1\" }\npaths: { /a: { get: { responses: {} } } }", "spec.version", config.Warning},
		"version of one number":  {"openapi: 3\npaths: {}", "spec.version", config.Error},
		"another version":        {"openapi: 3.3\npaths: {}", "spec.version", config.Error},
		"number as info.version": {"openapi: 3.1.0\ninfo: { title: t, version: 1.0 }\npaths: { /a: { get: {} } }", "spec.type", config.Warning},
		"list as info.version":   {"openapi: 3.1.0\ninfo: { title: t, version: [] }\npaths: { /a: { get: {} } }", "spec.type", config.Error},
		"a method never served":  {"openapi: 3.1.0\ninfo: { title: t, version: \"1\" }\npaths: { /a: { trace: {} } }", "spec.method", config.Warning},
		"another one":            {"openapi: 3.2.0\ninfo: { title: t, version: \"1\" }\npaths: { /a: { additionalOperations: { CONNECT: {} } } }", "spec.method", config.Warning},
		"style of a scalar":      {"openapi: 3.1.0\ninfo: { title: t, version: \"1\" }\npaths:\n  /a:\n" + style("integer"), "spec.style", config.Warning},
		"style of an array":      {"openapi: 3.1.0\ninfo: { title: t, version: \"1\" }\npaths:\n  /a:\n" + style("array"), "spec.style", config.Error},
		"style of anything":      {"openapi: 3.1.0\ninfo: { title: t, version: \"1\" }\npaths:\n  /a:\n" + style("[string, object]"), "spec.style", config.Error},
	} {
		d, problems := Parse("l.yaml", []byte(c.spec), Options{})
		if (d == nil) != (c.severity == config.Error) || !slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Rule == c.rule && p.Severity == c.severity }) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// Bundlers follow references in place of a whole map; documents that were never bundled have them.
func TestReferenceInPlaceOfMap(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"root.yaml":  "openapi: 3.1.0\ninfo: { title: t, version: \"1\" }\npaths: { $ref: paths.yaml }\ncomponents: { securitySchemes: { $ref: schemes.yaml } }\nsecurity: [ { key: [] } ]\n",
		"paths.yaml": "/a: { get: {} }\n/b: { post: {} }\n", "schemes.yaml": "key: { type: apiKey, in: header, name: X-Key }\n",
		"lost.yaml": "openapi: 3.1.0\ninfo: { title: t, version: \"1\" }\npaths: { $ref: nowhere.yaml }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, problems := Load(filepath.Join(dir, "root.yaml"), Options{})
	if d == nil || len(d.Operations) != 2 || d.Schemes["key"] == nil || len(problems) != 2 {
		t.Errorf("%+v: %v", d, problems)
	}
	if d, problems := Load(filepath.Join(dir, "lost.yaml"), Options{}); d != nil || !slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Rule == "spec.ref" }) {
		t.Errorf("a reference to nothing: %v", problems)
	}
}
