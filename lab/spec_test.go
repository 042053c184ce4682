package lab

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A document is the lab's OpenAPI file as a validator for tests, made of a library that the gateway does not use.
type document struct {
	root     map[string]any
	compiler *jsonschema.Compiler
	ops      []*operation
}

type operation struct {
	id, method, template string
	path                 *regexp.Regexp
	node                 map[string]any
	params               []map[string]any
	pointer              string
}

// specFile is the file as it is.
func specFile(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readSpec(t testing.TB) *document {
	t.Helper()
	d := &document{compiler: jsonschema.NewCompiler()}
	if err := yaml.Unmarshal(specFile(t), &d.root); err != nil {
		t.Fatal(err)
	}
	root := jsonValues(d.root)
	d.root = root.(map[string]any)
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("https://lab.example/openapi.json", root); err != nil {
		t.Fatal(err)
	}
	placeholder := regexp.MustCompile(`\\\{[^}]*\\\}`)
	for template, item := range d.root["paths"].(map[string]any) {
		item := item.(map[string]any)
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			op := &operation{method: strings.ToUpper(method), template: template, node: node.(map[string]any),
				path:    regexp.MustCompile("^" + placeholder.ReplaceAllString(regexp.QuoteMeta(template), `([^/]+)`) + "$"),
				pointer: "#/paths/" + strings.ReplaceAll(template, "/", "~1") + "/" + method}
			op.id = op.node["operationId"].(string)
			for _, list := range []any{item["parameters"], op.node["parameters"]} {
				for _, p := range asList(list) {
					op.params = append(op.params, d.resolve(p))
				}
			}
			d.ops = append(d.ops, op)
		}
	}
	return d
}

// jsonValues turns what the YAML decoder makes into what JSON Schema libraries expect.
func jsonValues(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = jsonValues(v[k])
		}
	case []any:
		for i := range v {
			v[i] = jsonValues(v[i])
		}
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	case int:
		return float64(v)
	}
	return v
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// resolve follows a $ref within the document.
func (d *document) resolve(v any) map[string]any {
	m := asMap(v)
	ref, _ := m["$ref"].(string)
	if ref == "" {
		return m
	}
	at := any(d.root)
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = asMap(at)[name]
	}
	return d.resolve(at)
}

// match finds the operation; literal paths win over templates.
func (d *document) match(method, path string) *operation {
	var best *operation
	for _, op := range d.ops {
		if op.method == method && op.path.MatchString(path) && (best == nil || strings.Count(op.template, "{") < strings.Count(best.template, "{")) {
			best = op
		}
	}
	return best
}
