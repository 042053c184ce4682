package store

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestOpenCreatesEverythingForTheOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & ?#%", "data")
	s := open(t, path)
	for _, table := range []string{"api_keys", "exchanges", "settings"} {
		var n int
		if err := s.DB().QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
	if _, err := s.DB().Exec("INSERT INTO settings VALUES ('a', 'b')"); err != nil {
		t.Fatal(err)
	}
	want := map[string]os.FileMode{path: 0o700}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		want[filepath.Join(path, File+suffix)] = 0o600
	}
	for name, mode := range want {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
}

// Commands that look something up beside a gateway that writes do not wait for it.
func TestOpenWaitsForNoWriter(t *testing.T) {
	path := t.TempDir()
	writer, err := open(t, path).DB().Begin() // which takes the lock
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Rollback()
	var n int
	if err := open(t, path).DB().QueryRow("SELECT count(*) FROM settings").Scan(&n); err != nil {
		t.Error(err)
	}
}

func TestOpenConfinesAnExistingFile(t *testing.T) {
	path := t.TempDir()
	file := filepath.Join(path, File)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

func TestReopenKeepsRowsAndVersion(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	if _, err := s.DB().Exec("INSERT INTO events VALUES (1, 'x', 1, '{}', '')"); err == nil {
		t.Error("a TEXT went into a BLOB column of a strict table")
	}
	if _, err := s.DB().Exec("INSERT INTO events VALUES (1, 'x', 1, $1, $1)", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	var n, version int
	again := open(t, path)
	if err := again.DB().QueryRow("SELECT count(*) FROM events").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
	all, _ := fs.Glob(migrations, sqlite.folder+"/*.sql")
	if err := again.DB().QueryRow("PRAGMA user_version").Scan(&version); err != nil || version != len(all) {
		t.Errorf("version %d, %v", version, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	newer := t.TempDir()
	s := open(t, newer)
	if _, err := s.DB().Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, File), []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"newer": newer, "garbage": garbage, "file": file, "empty": ""} {
		if s, err := Open(path); err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

// Twelve openings at once migrate once, and all of them write.
func TestConcurrentOpen(t *testing.T) {
	path := t.TempDir()
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			s, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for j := range 10 {
				if _, err := s.DB().Exec("INSERT INTO settings VALUES (?, '')", fmt.Sprint(i, "/", j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var n int
	if err := open(t, path).DB().QueryRow("SELECT count(*) FROM settings WHERE value = ''").Scan(&n); err != nil || n != 120 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// Another process reads and writes while this one holds the database open.
func TestOtherProcess(t *testing.T) {
	if path := os.Getenv("STORE_TEST_PATH"); path != "" {
		s := open(t, path)
		if _, err := s.DB().Exec("UPDATE settings SET value = 'there' WHERE key = 'from'"); err != nil {
			t.Fatal(err)
		}
		return
	}
	path := t.TempDir()
	s := open(t, path)
	if _, err := s.DB().Exec("INSERT INTO settings VALUES ('from', 'here')"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), "STORE_TEST_PATH="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var from string
	if err := s.DB().QueryRow("SELECT value FROM settings WHERE key = 'from'").Scan(&from); err != nil || from != "there" {
		t.Errorf("%q, %v", from, err)
	}
}

func TestChangesOfKeysAreCounted(t *testing.T) { countsChanges(t, open(t, t.TempDir())) }

func countsChanges(t *testing.T, s *Store) {
	t.Helper()
	version := func() (v int) {
		if err := s.DB().QueryRow("SELECT value FROM settings WHERE key = 'api_keys.version'").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	last := version()
	for _, change := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO api_keys (id, hash, subject, created) VALUES ('a', $1, 's', 1)", []any{[]byte{0}}},
		{"UPDATE api_keys SET revoked = 1", nil},
		{"DELETE FROM api_keys", nil},
	} {
		if _, err := s.DB().Exec(change.query, change.args...); err != nil {
			t.Fatal(err)
		}
		if v := version(); v <= last {
			t.Errorf("%s: version stayed %d", change.query, v)
		} else {
			last = v
		}
	}
}
