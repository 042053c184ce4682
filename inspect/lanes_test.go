package inspect

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inspect/rules"
)

var update = flag.Bool("update", false, "write generated parts of the documentation again")

// The table of lanes in the documentation is that of the build.
func TestLanesAreDocumented(t *testing.T) {
	i, err := New(Options{Pool: &sharedPool})
	if err != nil {
		t.Fatal(err)
	}
	d, err := i.Describe(config.Inspect{})
	if err != nil {
		t.Fatal(err)
	}
	const file, begin, end = "../docs/inspection.md", "<!-- lanes -->\n", "<!-- end of lanes -->\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(data), begin)
	_, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no place for the lanes", file)
	}
	want := before + begin + lanesTable(d) + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(data) {
		t.Errorf("%s has other lanes than the build: go test ./inspect -run TestLanesAreDocumented -update", file)
	}
}

func lanesTable(d *Description) string {
	type row struct{ collections, tests, literals, bytes, shared int }
	var order []string
	sum := map[string]*row{}
	for _, s := range []rules.Summary{d.Request, d.Answer} {
		for _, l := range s.Lanes {
			r := sum[l.Chain]
			if r == nil {
				r = &row{}
				sum[l.Chain], order = r, append(order, l.Chain)
			}
			r.collections, r.tests, r.literals, r.bytes, r.shared = r.collections+1, r.tests+l.Tests, r.literals+l.Literals, r.bytes+l.Bytes, r.shared+l.Shared
		}
	}
	var b strings.Builder
	b.WriteString("| transformations | collections | tests | told by literals | by bytes | by beginnings |\n|---|---|---|---|---|---|\n")
	for _, c := range order {
		r := sum[c]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", strings.ReplaceAll(c, ",", ", "), r.collections, r.tests, r.literals, r.bytes, r.shared)
	}
	return b.String()
}
