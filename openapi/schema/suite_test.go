package schema

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/content"
)

// shared is the folder of others' vectors beside the repository.
func shared(t testing.TB, path string) string {
	dir := os.Getenv("SALLYPORT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	file := filepath.Join(dir, filepath.FromSlash(path))
	if _, err := os.Stat(file); err != nil {
		t.Skipf("vectors are absent: %v", err)
	}
	return file
}

// suite is the JSON-Schema-Test-Suite, file contents by path; it is read once.
var suite struct {
	sync.Once
	files map[string][]byte
	err   error
}

func readArchive(path string) (map[string][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return untar(f)
}

func untar(r io.Reader) (map[string][]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[strings.TrimPrefix(h.Name, "./")], err = io.ReadAll(tr); err != nil {
			return nil, err
		}
	}
}

func loadSuite(t testing.TB) map[string][]byte {
	t.Helper()
	path := shared(t, "data/json-schema-test-suite/tests.tar.gz")
	suite.Do(func() { suite.files, suite.err = readArchive(path) })
	if suite.err != nil {
		t.Fatal(suite.err)
	}
	return suite.files
}

// metaschemas is where the module that serves as oracle keeps the metaschemas, which the suite refers to.
var metaschemas = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/santhosh-tekuri/jsonschema/v6").Output()
	return filepath.Join(strings.TrimSpace(string(out)), "metaschemas"), err
})

// remotes loads what the suite serves at localhost:1234, and the metaschemas.
func remotes(files map[string][]byte) func(string) (any, error) {
	return func(uri string) (any, error) {
		if path, ok := strings.CutPrefix(uri, "http://localhost:1234/"); ok {
			data, ok := files["remotes/"+path]
			if !ok {
				return nil, fmt.Errorf("no remote %s", path)
			}
			return decode(data)
		}
		_, path, ok := strings.Cut(uri, "//json-schema.org/")
		dir, err := metaschemas()
		if !ok || err != nil {
			return nil, fmt.Errorf("no document %s: %v", uri, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		return decode(data)
	}
}

func decode(data []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// tree turns JSON into a Node without the strictness of package content, which refuses names that differ only by case.
func tree(t testing.TB, data []byte) *content.Node {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var n content.Node
	if err := readNode(d, &n); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return &n
}

func readNode(d *json.Decoder, n *content.Node) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case nil:
		n.Kind, n.Text = content.Null, "null"
	case bool:
		n.Kind, n.Text = content.Bool, fmt.Sprint(v)
	case string:
		n.Kind, n.Text = content.String, v
	case json.Number:
		n.Kind, n.Text = content.Number, string(v)
	case json.Delim:
		n.Kind = content.Array
		if v == '{' {
			n.Kind = content.Object
		}
		for d.More() {
			var c content.Node
			name := ""
			if v == '{' {
				token, err := d.Token()
				if err != nil {
					return err
				}
				name = token.(string)
			}
			if err := readNode(d, &c); err != nil {
				return err
			}
			c.Name = name
			n.Children = append(n.Children, c)
		}
		_, err = d.Token()
	}
	return err
}

type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

type suiteRun struct {
	dialect Dialect
	formats bool
	skip    map[string]string // "file: group: test" or a prefix of it → reason
}

// run judges every case of a folder and returns how many there were, and the differences.
func (r suiteRun) run(t *testing.T, files map[string][]byte, match func(path string) bool) (cases int, differ []string) {
	t.Helper()
	var paths []string
	for path := range files {
		if match(path) {
			paths = append(paths, path)
		}
	}
	sort.Strings(paths)
	for _, path := range paths {
		var groups []suiteGroup
		if err := json.Unmarshal(files[path], &groups); err != nil {
			t.Fatal(path, err)
		}
		for _, g := range groups {
			n, d := r.group(t, files, strings.TrimSuffix(path[strings.Index(path, "/")+1:], ".json"), g)
			cases += n
			differ = append(differ, d...)
		}
	}
	return cases, r.excuse(differ)
}

// excuse drops the differences that have a reason, and complains of reasons that nothing needs.
func (r suiteRun) excuse(differ []string) (left []string) {
	used := map[string]bool{}
	for _, d := range differ {
		excused := false
		for prefix := range r.skip {
			if strings.HasPrefix(d, prefix) {
				used[prefix], excused = true, true
			}
		}
		if !excused {
			left = append(left, d)
		}
	}
	for prefix := range r.skip {
		if !used[prefix] {
			left = append(left, prefix+": needs no reason any more")
		}
	}
	return left
}

func (r suiteRun) group(t *testing.T, files map[string][]byte, file string, g suiteGroup) (cases int, differ []string) {
	root, err := decode(g.Schema)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCompiler(r.dialect)
	c.AssertFormats(r.formats)
	c.SetLoader(remotes(files))
	c.AddResource("http://suite.invalid/schema", root)
	s, err := c.Compile("http://suite.invalid/schema")
	for _, test := range g.Tests {
		name := file + ": " + g.Description + ": " + test.Description
		cases++
		if err != nil {
			differ = append(differ, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		if got := s.Evaluate(tree(t, test.Data), Request); got.Valid() != test.Valid {
			differ = append(differ, fmt.Sprintf("%s: valid is %v: %v", name, got.Valid(), got.Violations))
		}
	}
	return cases, differ
}

var suiteDrafts = []struct {
	folder  string
	dialect Dialect
}{
	{"draft4", Draft4}, {"draft6", Draft6}, {"draft7", Draft7}, {"draft2019-09", Draft2019}, {"draft2020-12", Draft2020},
}

// TestSuiteRequired demands every required case of every draft.
func TestSuiteRequired(t *testing.T) {
	files := loadSuite(t)
	for _, d := range suiteDrafts {
		t.Run(d.folder, func(t *testing.T) {
			cases, differ := suiteRun{dialect: d.dialect}.run(t, files, func(path string) bool {
				ok, _ := filepath.Match("tests/"+d.folder+"/*.json", path)
				return ok
			})
			t.Logf("%d cases", cases)
			if cases == 0 {
				t.Error("the suite has no cases")
			}
			for _, d := range differ {
				t.Error(d)
			}
		})
	}
}

// optionalSkips are optional cases that we do not follow, with the reason.
var optionalSkips = map[string]map[string]string{"draft7": {
	"draft7/optional/content: ": "contentEncoding and contentMediaType are annotations since 2019-09; what is in a string is another parser's matter",
}}

// TestSuiteOptional runs the optional cases but formats.
func TestSuiteOptional(t *testing.T) {
	files := loadSuite(t)
	for _, d := range suiteDrafts {
		t.Run(d.folder, func(t *testing.T) {
			cases, differ := suiteRun{dialect: d.dialect, skip: optionalSkips[d.folder]}.run(t, files, func(path string) bool {
				ok, _ := filepath.Match("tests/"+d.folder+"/optional/*.json", path)
				return ok
			})
			t.Logf("%d cases", cases)
			for _, d := range differ {
				t.Error(d)
			}
		})
	}
}

// TestSuiteFormats runs the cases of formats with assertion.
func TestSuiteFormats(t *testing.T) {
	files := loadSuite(t)
	for _, d := range suiteDrafts {
		t.Run(d.folder, func(t *testing.T) {
			cases, differ := suiteRun{dialect: d.dialect, formats: true}.run(t, files, func(path string) bool {
				ok, _ := filepath.Match("tests/"+d.folder+"/optional/format/*.json", path)
				return ok
			})
			t.Logf("%d cases", cases)
			for _, d := range differ {
				t.Error(d)
			}
		})
	}
}
