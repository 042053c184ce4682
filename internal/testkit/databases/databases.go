// Package databases runs the tests of a package on both databases: stores that tests open here are SQLite's, and in the
// process that [Again] starts PostgreSQL's.
package databases

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/store"
)

// server names the URL of a PostgreSQL server to a process whose stores are to be there.
const server = "SALLYPORT_TEST_POSTGRES"

// Open opens the store of a path: who opens it again has what was kept. It is closed with the test.
func Open(t testing.TB, path string) *store.Store {
	t.Helper()
	open := func() (*store.Store, error) { return store.Open(path) }
	if OnPostgres() {
		open = func() (*store.Store, error) { return store.Connect(database(t, path)) }
	}
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// OnPostgres tells whether stores are PostgreSQL's: what a test says of files of SQLite does not hold then.
func OnPostgres() bool { return os.Getenv(server) != "" }

var (
	made  sync.Map // path to URL
	count atomic.Int64
)

// database is that of a path, made on first use.
func database(t testing.TB, path string) string {
	t.Helper()
	at, err := url.Parse(os.Getenv(server))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("of_%d_%d", os.Getpid(), count.Add(1))
	mine := *at
	mine.Path = "/" + name
	if known, ok := made.LoadOrStore(path, mine.String()); ok {
		return known.(string)
	}
	db, err := sql.Open("pgx", at.String())
	if err == nil {
		_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name)
		_ = db.Close() // it has done its work
	}
	if err != nil {
		t.Fatal(err)
	}
	return mine.String()
}

// Again runs every test of the package once more, on PostgreSQL. It skips where Debian's package postgresql is not installed.
func Again(t *testing.T) {
	if OnPostgres() {
		t.Skip("this is the second time")
	}
	if testing.Short() {
		t.Skip("the whole package once more")
	}
	first, err := url.Parse(testkit.Postgres(t)())
	if err != nil {
		t.Fatal(err)
	}
	first.Path = "/postgres"
	again := exec.CommandContext(t.Context(), os.Args[0])
	again.Env = append(os.Environ(), server+"="+first.String())
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("on PostgreSQL: %v\n%s", err, out)
	}
}

// Holds tells whether a text stands anywhere in the store of a path: in SQLite's files, as they are on disk, or in what
// pg_dump makes of PostgreSQL's, where bytes are in hex.
func Holds(t testing.TB, path, text string) bool {
	t.Helper()
	var all []byte
	if OnPostgres() {
		dump, err := exec.CommandContext(t.Context(), "pg_dump", "--dbname="+database(t, path)).Output()
		if err != nil {
			t.Fatal(err)
		}
		all = dump
	} else {
		files, err := filepath.Glob(filepath.Join(path, store.File+"*"))
		if err != nil || len(files) == 0 {
			t.Fatal("there is no database", err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data...)
		}
	}
	return bytes.Contains(all, []byte(text)) || bytes.Contains(all, []byte(hex.EncodeToString([]byte(text))))
}

// Unlock has the store seal names, by a root key of the test.
func Unlock(t testing.TB, s *store.Store) *store.Store {
	t.Helper()
	root, err := subtle.NewAESGCM(bytes.Repeat([]byte{7}, 32))
	if err == nil {
		err = s.UnlockNames(t.Context(), root, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
