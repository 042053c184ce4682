package schema

import (
	"os"
	"testing"

	"github.com/sallyport/sallyport/content"
)

func benchSchema(b testing.TB, pointer string) *Schema {
	b.Helper()
	data, err := os.ReadFile(shared(b, "bench/openapi.json"))
	if err != nil {
		b.Fatal(err)
	}
	root, err := decode(data)
	if err != nil {
		b.Fatal(err)
	}
	c := NewCompiler(OpenAPI30)
	c.AddResource("openapi.json", root)
	s, err := c.Compile("openapi.json#" + pointer)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchNode(b testing.TB, file string) *content.Node {
	b.Helper()
	data, err := os.ReadFile(shared(b, "bench/bodies/"+file))
	if err != nil {
		b.Fatal(err)
	}
	return tree(b, data)
}

// BenchmarkOrder1K judges the 1 KB order of the shared workloads. Compare BenchmarkSanthosh.
func BenchmarkOrder1K(b *testing.B) {
	s, n := benchSchema(b, "/components/schemas/NewOrder"), benchNode(b, "order-1k.json")
	if r := s.Evaluate(n, Request); r != spotless {
		b.Fatalf("%+v", r)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Evaluate(n, Request)
	}
}

func BenchmarkResponseOrder1K(b *testing.B) {
	s, n := benchSchema(b, "/components/schemas/Order"), benchNode(b, "response-order-1k.json")
	b.ReportAllocs()
	for b.Loop() {
		s.Evaluate(n, Response)
	}
}

func BenchmarkOrderBadEnum(b *testing.B) {
	s, n := benchSchema(b, "/components/schemas/NewOrder"), benchNode(b, "order-bad-enum.json")
	if s.Evaluate(n, Request).Valid() {
		b.Fatal("a wrong enum passed")
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Evaluate(n, Request)
	}
}
