package openapi

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

func TestLintCorpus(t *testing.T) {
	for _, file := range corpus(t, "lint") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, problems := Load(file, Options{})
			if d == nil {
				t.Fatal(problems)
			}
			found := d.Lint()
			for _, p := range found {
				if p.Line == 0 || p.Hint == "" || p.Severity == config.Error {
					t.Errorf("no place, no hint or too severe: %v", p)
				}
			}
			if again := list(d.Lint()); again != list(found) {
				t.Error("a second run differs")
			}
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+".problems", list(found))
		})
	}
}

// Every rule of the sources is shown by the corpus.
func TestLintCorpusIsComplete(t *testing.T) {
	shown := ""
	for _, file := range corpus(t, "lint") {
		data, err := os.ReadFile(strings.TrimSuffix(file, filepath.Ext(file)) + ".problems")
		if err != nil {
			t.Fatal(err)
		}
		shown += string(data)
	}
	for _, file := range []string{"lint_operations.go", "lint_schemas.go"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range regexp.MustCompile(`"(spec\.\w+)"`).FindAllStringSubmatch(string(data), -1) {
			if !strings.Contains(shown, "["+id[1]+"]") {
				t.Errorf("no example of %s", id[1])
			}
		}
	}
}
