package openapi

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

var update = flag.Bool("update", false, "write what was found to the golden files")

// golden compares got with the file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

func corpus(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yaml", "*.json"} {
		list, err := filepath.Glob(filepath.Join("testdata", folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, list...)
	}
	if len(files) == 0 {
		t.Fatal("the corpus is empty")
	}
	return files
}

func list(problems config.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func TestBadCorpus(t *testing.T) {
	for _, file := range corpus(t, "bad") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, problems := Load(file, Options{})
			if (d == nil) != problems.Failed() {
				t.Error("a document is nil exactly when there are errors")
			}
			if len(problems) == 0 {
				t.Error("nothing was found")
			}
			for _, p := range problems {
				if p.Line == 0 || p.Column == 0 || p.Rule == "" || p.File == "" {
					t.Errorf("no place: %v", p)
				}
			}
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+strings.ReplaceAll(filepath.Ext(file), ".", "-")+".problems", list(problems))
		})
	}
}

func TestGoodCorpus(t *testing.T) {
	for _, file := range corpus(t, "good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, problems := Load(file, Options{})
			if d == nil || len(problems) > 0 {
				t.Fatal(problems)
			}
			matchAll(t, d)
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+".operations", describe(d))
		})
	}
}

// describe writes down what was read, one line for each thing.
func describe(d *Document) string {
	var b strings.Builder
	fmt.Fprintf(&b, "base paths %q\n", d.BasePaths)
	for _, op := range d.Operations {
		fmt.Fprintf(&b, "%s %s at %s:%d:%d declared=%v security=%v ext=%s\n", op.Key, op.ID, op.At.File, op.At.Line, op.At.Column, op.Declared, op.Security, brief(op.Ext))
		for _, p := range op.Params {
			fmt.Fprintf(&b, "  %s %s %s explode=%v required=%v media=%q owner=%q kind=%q at %s:%d:%d\n", p.In, p.Name, p.Style, p.Explode, p.Required, p.Media, p.Property.Owner, p.Property.Kind, p.At.File, p.At.Line, p.At.Column)
		}
		if op.Body != nil {
			fmt.Fprintf(&b, "  body required=%v%s\n", op.Body.Required, media(op.Body.Content))
		}
		for _, r := range op.Responses {
			fmt.Fprintf(&b, "  response %s%s\n", r.Status, media(r.Content))
		}
	}
	return b.String()
}

func brief(x config.Operation) string {
	s := fmt.Sprintf("roles=%v", x.Roles)
	if x.Rate != nil {
		s += fmt.Sprintf(" rate=%+v", *x.Rate)
	}
	return s
}

func media(c []MediaType) string {
	s := ""
	for _, m := range c {
		s += fmt.Sprintf(" %s schema=%v", m.Range, m.Schema != nil)
	}
	return s
}
