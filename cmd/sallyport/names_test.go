//go:build unix

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

const named = "alice@example.test"

// key makes a key of hers by the command line.
func (s *site) key() (id string) {
	s.t.Helper()
	var made struct{ ID string }
	text := s.run(0, "sallyport", "keys", "--config", "sallyport.yaml", "-o", "json", "create", "--subject", named)
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.ID == "" {
		s.t.Fatal(text, err)
	}
	return made.ID
}

func (s *site) keys(code int, args ...string) string {
	s.t.Helper()
	return s.run(code, append([]string{"sallyport", "keys", "--config", "sallyport.yaml"}, args...)...)
}

// shares gives the site a root key of the operator's.
func (s *site) shares(key string) {
	s.t.Helper()
	s.write("root.key", key)
	s.configure(s.store)
	file := filepath.Join(s.dir, "sallyport.yaml")
	s.write("sallyport.yaml", strings.Replace(read(s.t, file), "keys: keys", "keys: keys, key: 'file:root.key'", 1))
}

// Whose API keys are stands nowhere in what is backed up: also not of those that were made before the gateway had keys to seal by.
func TestNamesInTheStore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts gateways")
	}
	t.Parallel()
	s := newSite(t, "")
	first := s.key()
	s.start()
	second := s.key()
	await(t, "all is sealed, and told", func() bool { return left(t, s.dir) == 0 })
	says(t, s.keys(0, "list"), true, first, second, named)
	s.stop()
	inClear(t, filepath.Join(s.dir, "data"), named)

	// Without the keys nothing starts and nobody is named, but a key is ended.
	if err := os.Rename(filepath.Join(s.dir, "keys"), filepath.Join(s.dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	says(t, s.keys(1, "list"), true, "hint: ", "store.keys")
	says(t, s.keys(0, "revoke", first), true, "is revoked")
	says(t, s.run(1, "sallyport", "run", "--config", "sallyport.yaml"), true, "hint: ", "store.keys")
	for _, err := range []error{os.RemoveAll(filepath.Join(s.dir, "keys")), os.Rename(filepath.Join(s.dir, "elsewhere"), filepath.Join(s.dir, "keys"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.run(0, "sallyport", "store", "--config", "sallyport.yaml", "rotate-key")
	s.start()
	says(t, s.keys(0, "list"), true, first, second, named, "revoked")
}

// left is how much of it stands in clear in the tables.
func left(t *testing.T, dir string) (n int) {
	db, err := openKeptOf(config.Store{Path: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.DB().QueryRow(`SELECT (SELECT count(*) FROM api_keys WHERE subject <> '') + (SELECT count(*) FROM outbox)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Gateways of one PostgreSQL have rings of their own, and names in common by the root key that they share.
func TestNamesAreShared(t *testing.T) {
	if testing.Short() {
		t.Skip("starts gateways")
	}
	t.Parallel()
	database := testkit.Postgres(t)()
	old, next := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32))
	one, two, stranger := newSite(t, database), newSite(t, database), newSite(t, database)
	one.start()
	clear := one.key() // there is no key in common yet
	one.stop()
	one.shares(old + " " + strings.TrimSpace(read(t, filepath.Join(one.dir, "keys/root.key"))))
	one.run(0, "sallyport", "store", "--config", "sallyport.yaml", "rotate-key")
	for _, s := range []*site{one, two} {
		s.shares(old)
		s.start()
	}
	id := two.key()
	says(t, one.keys(0, "list"), true, clear, id, named)
	says(t, one.keys(0, "revoke", clear), true, "is revoked")
	await(t, "its name is nowhere but in what gateways of older versions still have to read", func() bool {
		dump, err := exec.Command("pg_dump", "--dbname="+database).Output()
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(dump, []byte(named)) == 1 && !regexp.MustCompile(id+".*"+regexp.QuoteMeta(named)).Match(dump) // nor in the outbox any more
	})
	says(t, stranger.run(1, "sallyport", "run", "--config", "sallyport.yaml"), true, "hint: ", "store.key")
	stranger.shares(next)
	says(t, stranger.keys(1, "list"), true, "hint: ", "store.key")

	// The root key is changed as docs/store.md has it.
	for _, s := range []*site{one, two} {
		s.stop()
		s.shares(next + " " + old)
		s.run(0, "sallyport", "store", "--config", "sallyport.yaml", "rotate-key")
	}
	one.shares(next)
	one.start()
	says(t, one.keys(0, "list"), true, id, named)
}
