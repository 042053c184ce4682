package gateway_test

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sharedData opens a gzip file of the shared data, which SALLYPORT_SHARED names, or skips the test where it is absent.
func sharedData(t *testing.T, path string) io.Reader {
	root := os.Getenv("SALLYPORT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(root, "data", path))
	if err != nil {
		t.Skipf("shared data is absent: %v", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func readPairs(t *testing.T, name string) []pair {
	var list []pair
	for d := json.NewDecoder(sharedData(t, filepath.Join("openapi-traffic", name))); ; {
		var p pair
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// extractSpec unpacks one document and returns where it is.
func extractSpec(t *testing.T, name string) string {
	for archive := tar.NewReader(sharedData(t, "openapi-specs/specs.tar.gz")); ; {
		h, err := archive.Next()
		if err != nil {
			t.Fatalf("couldn't find %s: %v", name, err)
		}
		if h.Name != name {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
}

// explained says of every group what is behind it. Its fields are separated by tabs: API, operation, code, place, count,
// cause and reason.
const explained = "testdata/replay.txt"

// causes are: the recording does not fit the spec; the recorder changed the message; the gateway is strict on purpose; a
// rule of the Core Rule Set takes for an attack what is none, which an exclusion settles. There is no cause for a fault
// of the gateway: it would have to be mended.
var causes = []string{"genuine", "artefact", "design", "rule set"}

// compareExplained holds the groups that were found against those that the file explains.
func compareExplained(t *testing.T, got map[string]int) {
	data, err := os.ReadFile(explained)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	counts, reasons := map[string]int{}, map[string]string{}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 7 {
			t.Fatalf("%s: want 7 fields: %q", explained, line)
		}
		group := strings.Join(f[:4], "\t")
		if counts[group], err = strconv.Atoi(f[4]); err != nil {
			t.Fatal(err)
		}
		reasons[group] = f[5] + "\t" + f[6]
		if !slices.Contains(causes, f[5]) || f[6] == "" {
			t.Errorf("not explained: %q", line)
		}
	}
	if os.Getenv("SALLYPORT_REPLAY") == "update" {
		writeExplained(t, got, reasons)
		return
	}
	for g, n := range got {
		if counts[g] != n {
			t.Errorf("%s: found %d times, explained %d times", g, n, counts[g])
		}
	}
	for g := range counts {
		if got[g] == 0 {
			t.Errorf("%s: explained, but not found", g)
		}
	}
	documented(t, reasons)
}

// documented holds the counts that docs/traffic.md gives against the explanations.
func documented(t *testing.T, reasons map[string]string) {
	data, err := os.ReadFile("../docs/traffic.md")
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]int{}
	for _, r := range reasons {
		cause, _, _ := strings.Cut(r, "\t")
		groups[cause]++
	}
	for _, c := range causes {
		if row := fmt.Sprintf("\n| %s | %d |", c, groups[c]); !strings.Contains(string(data), row) {
			t.Errorf("docs/traffic.md lacks the row %q", row)
		}
	}
}

func writeExplained(t *testing.T, got map[string]int, reasons map[string]string) {
	var b strings.Builder
	for _, g := range slices.Sorted(maps.Keys(got)) {
		fmt.Fprintf(&b, "%s\t%d\t%s\n", g, got[g], cmp.Or(reasons[g], "?\t"))
	}
	if err := os.MkdirAll(filepath.Dir(explained), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(explained, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
