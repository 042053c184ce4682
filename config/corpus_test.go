package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// The language is defined by its corpus: good files load without a problem; a bad file and its problems stand in one
// file, below a line of dashes.
func TestGoodCorpus(t *testing.T) {
	t.Setenv("SHOP_UPSTREAM", "http://127.0.0.1:9000")
	for _, file := range corpus(t, "good") {
		c, _, problems := config.Load(file)
		if c == nil || len(problems) > 0 {
			t.Errorf("%s: %v", file, problems)
		}
	}
}

func TestBadCorpus(t *testing.T) {
	for _, file := range corpus(t, "bad") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		input, want, _ := strings.Cut(string(data), "\n----\n")
		c, _, problems := config.Parse("bad.yaml", []byte(input+"\n"))
		if c != nil {
			t.Errorf("%s: is accepted", file)
		}
		got := problems.Error()
		if *update {
			if err := os.WriteFile(file, []byte(input+"\n----\n"+got+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got != strings.TrimSuffix(want, "\n") {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", file, got, want)
		}
	}
}

func corpus(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/" + kind + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	return files
}

// Where a file mistake hides from nobody, a panic would: the decoder faces whatever an editor left behind.
func FuzzParse(f *testing.F) {
	for _, kind := range []string{"good", "bad"} {
		files, _ := filepath.Glob("testdata/" + kind + "/*.yaml")
		for _, file := range files {
			data, _ := os.ReadFile(file)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, problems := config.Parse("fuzz.yaml", data)
		if (c == nil) != problems.Failed() {
			t.Fatalf("config %v with problems %v", c != nil, problems)
		}
	})
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]config.Size{"512": 512, "1KiB": 1024, "64 KiB": 65536, "1MiB": 1 << 20, "10MB": 10_000_000, "7B": 7} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "MiB", "99999999GiB", "0x10"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %d", text, s)
		}
	}
}
