package sink

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file is rotated at its size, old ones are compressed, and only so many are kept.
func TestFileRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.log")
	f, err := NewFile(FileOptions{Path: path, Size: 100, Keep: 2, Gzip: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.WriteFile(path+".not-ours", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		send(t, f, messages(n*10, 10)) // 80 to 90 bytes
	}
	old, err := filepath.Glob(path + ".2*.gz")
	if err != nil || len(old) != 2 {
		t.Fatal(old, err)
	}
	if got := strings.Count(unzip(t, old[0]), "\n"); got != 10 {
		t.Errorf("%d lines in %s", got, old[0])
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(data, []byte("{\"n\":40}\n")) {
		t.Errorf("%s %v", data, err)
	}
	if _, err := os.Stat(path + ".not-ours"); err != nil {
		t.Error(err)
	}
}

func unzip(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A file that somebody else renamed is made anew; what is there is appended to.
func TestFileFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.log")
	for n := range 2 {
		f, err := NewFile(FileOptions{Path: path, Size: 1 << 20, Keep: 2})
		if err != nil {
			t.Fatal(err)
		}
		send(t, f, messages(n, 1))
		f.Close()
	}
	f, err := NewFile(FileOptions{Path: path, Size: 1 << 20, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	send(t, f, messages(2, 1))
	old, _ := os.ReadFile(path + ".1")
	fresh, _ := os.ReadFile(path)
	if string(old) != "{\"n\":0}\n{\"n\":1}\n" || string(fresh) != "{\"n\":2}\n" {
		t.Errorf("%q, %q", old, fresh)
	}
}

func TestStdout(t *testing.T) {
	var b bytes.Buffer
	send(t, NewStdout(&b), messages(0, 2))
	if b.String() != "{\"n\":0}\n{\"n\":1}\n" {
		t.Error(b.String())
	}
}
