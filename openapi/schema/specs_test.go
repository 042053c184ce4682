package schema

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// missing is what real documents refer to and do not have.
var missing = map[string]string{"square/api.json": "CatalogModifierToggleOverrideType"}

// TestRealSpecs compiles every schema of the real OpenAPI 3 documents that are JSON.
func TestRealSpecs(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: there is nothing for the race detector")
	}
	files, err := readArchive(shared(t, "data/openapi-specs/specs.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	documents := 0
	for path, data := range files {
		if !strings.HasSuffix(path, ".json") {
			continue
		}
		root, err := decode(data)
		m, _ := root.(map[string]any)
		version, _ := m["openapi"].(string)
		if err != nil || version == "" {
			continue
		}
		documents++
		d := OpenAPI31
		if strings.HasPrefix(version, "3.0") {
			d = OpenAPI30
		}
		c := NewCompiler(d)
		c.AddResource(path, root)
		compiled, failed := compileAll(c, path, root)
		if len(c.Unsupported())+len(c.Problems()) > 0 {
			t.Errorf("%s: %+v %+v", path, c.Unsupported(), c.Problems())
		}
		for _, err := range failed {
			if !strings.Contains(err.Error(), missing[path]) || missing[path] == "" {
				t.Errorf("%s: %v", path, err)
			}
		}
		if compiled == 0 {
			t.Errorf("%s: no schema", path)
		}
	}
	if documents < 10 {
		t.Errorf("only %d documents", documents)
	}
}

// compileAll compiles whatever stands under a key schema, and the component schemas.
func compileAll(c *Compiler, uri string, root any) (compiled int, failed []error) {
	var visit func(pointer string, v any)
	compile := func(pointer string) {
		compiled++
		if _, err := c.Compile(uri + "#" + pointer); err != nil {
			failed = append(failed, err)
		}
	}
	visit = func(pointer string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				p := pointer + "/" + fragmentToken(k)
				if k == "example" || k == "examples" || strings.HasPrefix(k, "x-") {
					continue
				}
				if _, isMap := x.(map[string]any); isMap && (k == "schema" || pointer == "/components/schemas") {
					compile(p)
					continue
				}
				visit(p, x)
			}
		case []any:
			for i, x := range v {
				visit(pointer+"/"+strconv.Itoa(i), x)
			}
		}
	}
	visit("", root)
	return compiled, failed
}

func fragmentToken(k string) string { return strings.ReplaceAll(escapeToken(k), "%", "%25") }

// TestRealSpecMemory bounds what the largest document keeps alive.
func TestRealSpecMemory(t *testing.T) {
	files, err := readArchive(shared(t, "data/openapi-specs/specs.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := decode(files["github/api.github.com.json"])
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	c := NewCompiler(OpenAPI30)
	c.AddResource("github", root)
	compiled, _ := compileAll(c, "github", root)
	if used := heap() - before; used > 100<<20 {
		t.Errorf("%d schemas keep %d MiB alive", compiled, used>>20)
	} else {
		t.Logf("%d schemas, %d nodes, %d KiB", compiled, len(c.nodes), used>>10)
	}
	runtime.KeepAlive(c)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
