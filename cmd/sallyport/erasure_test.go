//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

// eraseConfig takes the addresses of gateway and admin listener, what says where the store is, the receiver of events, and
// the upstream. The keys are outside of what is backed up. All leaves that could be are in the log, and the sink gets
// everything in clear, when it is there.
const eraseConfig = `
version: 1
listen: [ { address: %q } ]
admin: { address: %q, token: s3cret-0123456789 }
store: { path: data, keys: keys%s }
audit: { exchanges: all }
log: { access: off }
events: { sinks: [ { name: siem, webhook: { url: %q, allow_private: true }, encoding: json, fields: { clear: [client, user_agent, path, query, subject, actor] } } ] }
identity: [ { name: corp, jwt: { issuer: "https://issuer.test/", jwks: "file:jwks.json", audience: [shop], algorithms: [ES256] } } ]
apis: [ { name: shop, spec: openapi.yaml, upstream: %q, security: { bearer: corp } } ]
`

const eraseSpec = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
security: [ { bearer: [] } ]
paths:
  /orders/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 40 } } ]
      responses: { "200": { description: one } }
components: { securitySchemes: { bearer: { type: http, scheme: bearer } } }
`

// A soc receives events, and takes nothing until it is up.
type soc struct {
	mu  sync.Mutex
	up  bool
	got []byte
}

func (r *soc) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.up {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	body, _ := io.ReadAll(q.Body)
	r.got = append(append(r.got, body...), '\n')
}

// rise lets it take what comes, and forget what came.
func (r *soc) rise(up bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up, r.got = up, nil
}

func (r *soc) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.got)
}

// site is a folder with a gateway's config and all that the gateway keeps.
type site struct {
	t           *testing.T
	dir         string
	gate, admin string
	store       string // of the config: where the database is, if it is not in the folder
	soc         *soc
	events, api string // URLs
	issuer      *testkit.Issuer
	stop        func()
}

func newSite(t *testing.T, store string) *site {
	s := &site{t: t, dir: t.TempDir(), store: store, soc: &soc{}, issuer: testkit.NewIssuer(t)}
	for at, handler := range map[*string]http.Handler{&s.events: s.soc, &s.api: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})} {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		*at = server.URL
	}
	s.gate, s.admin = testkit.FreeAddress(t), testkit.FreeAddress(t)
	s.configure(store)
	s.write("openapi.yaml", eraseSpec)
	s.write("jwks.json", string(s.issuer.Set()))
	return s
}

// configure names the store: "" for the one in the folder.
func (s *site) configure(store string) {
	if store != "" {
		store = fmt.Sprintf(", url: %q", store)
	}
	s.write("sallyport.yaml", fmt.Sprintf(eraseConfig, s.gate, s.admin, store, s.events, s.api))
}

func (s *site) write(name, text string) {
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a command of the real binary and demands its exit code.
func (s *site) run(code int, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("%s: %d, want %d: %v\n%s", strings.Join(args, " "), got, code, err, out)
	}
	return string(out)
}

// start starts the gateway.
func (s *site) start() {
	s.t.Helper()
	var log counting
	cmd := exec.Command("sallyport", "run", "--config", "sallyport.yaml")
	cmd.Dir, cmd.Stderr, cmd.Stdout = s.dir, &log, io.Discard
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("the gateway ended with %v: %s", err, log.tail())
		}
	})
	s.t.Cleanup(s.stop)
	await(s.t, "readiness", func() bool { return get("http://"+s.admin+"/readyz") == http.StatusOK })
}

// asks sends a request of a person, which passes, and one that is refused, and returns their ids.
func (s *site) asks(name string) (ids []string) {
	s.t.Helper()
	token := s.issuer.Token(s.t, s.issuer.Claims("sub", name+"@example.org"))
	for _, path := range []string{"/orders/" + name + "-order", "/orders/" + name + strings.Repeat("-too-long", 5)} {
		r, err := http.NewRequest(http.MethodGet, "http://"+s.gate+path, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("User-Agent", name+"-browser")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			s.t.Fatal(err)
		}
		resp.Body.Close()
		ids = append(ids, resp.Header.Get("X-Request-Id"))
	}
	return ids
}

// reads are all that can be read of an exchange at this site with the keys that it has: in the store, and in the log.
func (s *site) reads(id string) string {
	s.t.Helper()
	return s.run(0, "sallyport", "explain", "--config", "sallyport.yaml", "-o", "json", id) + s.leaf(id)
}

// leaf reads the leaf of an id with the keys of the site.
func (s *site) leaf(id string) string {
	s.t.Helper()
	cfg, err := storeOf(filepath.Join(s.dir, "sallyport.yaml"), "")
	if err != nil {
		s.t.Fatal(err)
	}
	ring, err := openRing(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	defer ring.Close()
	log := filepath.Join(s.dir, "data/audit")
	key, err := verifier(io.Discard, log, "")
	if err != nil {
		s.t.Fatal(err)
	}
	_, data, err := lookup(log, key, id)
	if err != nil {
		s.t.Fatal(err)
	}
	leaf, err := event.ReadLeaf(data, ring)
	if err != nil && !errors.Is(err, event.ErrErased) {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(leaf.Exchange)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// everything is all that a sink gets when it is up at last: what waited in the spool.
func (s *site) everything(until string) string {
	s.t.Helper()
	s.soc.rise(true)
	defer s.soc.rise(false)
	s.start()
	defer s.stop()
	await(s.t, "what waited in the spool", func() bool { return strings.Contains(s.soc.text(), until) })
	return s.soc.text()
}

// restored is a site with what a backup has, and the keys of another one: those are in no backup.
func (s *site) restored(backup, store string) *site {
	s.t.Helper()
	r := newSite(s.t, store)
	for from, to := range map[string]string{backup: "data", filepath.Join(s.dir, "keys"): "keys"} {
		if err := os.CopyFS(filepath.Join(r.dir, to), os.DirFS(from)); err != nil {
			s.t.Fatal(err)
		}
	}
	// The gateway would not go on from a log that is older than what it remembers: keys/audit.last.
	if err := os.Remove(filepath.Join(r.dir, "keys/audit.last")); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// TestErasure is measure 5: a person's exchanges go through the real binary into store, spool and log; all of that is backed
// up; the person is erased; and then nobody reads of the person, in none of these places, while proofs hold and
// other people's data is as it was.
func TestErasure(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a dozen gateways")
	}
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { erases(t, "", func(*testing.T, string) string { return "" }) })
	t.Run("postgres", func(t *testing.T) {
		database := testkit.Postgres(t)
		erases(t, database(), func(t *testing.T, from string) string { return dumped(t, from, database()) })
	})
}

// dumped copies a database as backups do: pg_dump, and psql to restore.
func dumped(t *testing.T, from, to string) string {
	t.Helper()
	dump := exec.Command("pg_dump", "--no-owner", "--dbname="+from)
	text, err := dump.Output()
	if err != nil {
		t.Fatal(err)
	}
	restore := exec.Command("psql", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname="+to)
	restore.Stdin = bytes.NewReader(text)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

func erases(t *testing.T, store string, dump func(*testing.T, string) string) {
	s := newSite(t, store)
	s.start()
	adas, bobs := s.asks("lovelace"), s.asks("babbage")
	await(t, "records in the store", func() bool {
		return strings.Contains(s.run(0, "sallyport", "explain", "--config", "sallyport.yaml"), bobs[1])
	})
	s.stop()
	verifierKey := strings.TrimSpace(read(t, filepath.Join(s.dir, "data/audit/key.pub")))
	checkpoint := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(checkpoint, []byte(read(t, filepath.Join(s.dir, "data/audit/checkpoint"))), 0o600); err != nil {
		t.Fatal(err)
	}
	proof := filepath.Join(t.TempDir(), "proof")
	s.run(0, "sallyport", "audit", "prove", "--config", "sallyport.yaml", adas[1], "--proof", proof)

	// Nothing of it is in clear in any file, and whoever has the keys reads all of it.
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(filepath.Join(s.dir, "data"))); err != nil {
		t.Fatal(err)
	}
	copied := dump(t, store)
	inClear(t, backup, "lovelace", "babbage")
	before := s.restored(backup, dump(t, store))
	for _, id := range adas {
		says(t, before.reads(id), true, "lovelace@example.org", "lovelace-browser", "lovelace-")
	}
	says(t, before.everything(bobs[1]), true, "lovelace@example.org", "lovelace-browser", "babbage@example.org")

	s.run(0, "sallyport", "audit", "--config", "sallyport.yaml", "erase", "--yes", "lovelace@example.org")

	for of, last := range map[*site]string{s: exchange.Erased.Name, s.restored(backup, copied): bobs[1]} {
		for _, id := range adas {
			text := of.reads(id)
			says(t, text, false, "lovelace")
			says(t, text, true, id)
		}
		says(t, of.reads(bobs[1]), true, "babbage@example.org", "babbage-browser")
		sent := of.everything(last)
		says(t, sent, false, "lovelace")
		says(t, sent, true, adas[0], adas[1], "babbage@example.org", "babbage-browser")
	}
	auditor := filepath.Join(t.TempDir(), "sallyport-audit")
	if out, err := exec.Command("go", "build", "-o", auditor, "../sallyport-audit").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.run(0, "sallyport", "audit", "verify", "--config", "sallyport.yaml", "--key", verifierKey, "--since", checkpoint)
	s.run(0, auditor, "verify", "--key", verifierKey, "--since", checkpoint, "data/audit")
	s.run(0, auditor, "prove-check", "--key", verifierKey, proof, proof+".leaf")
	again := filepath.Join(t.TempDir(), "proof")
	s.run(0, "sallyport", "audit", "prove", "--config", "sallyport.yaml", adas[1], "--proof", again)
	s.run(0, auditor, "prove-check", "--key", verifierKey, again, again+".leaf")
	if read(t, proof+".leaf") != read(t, again+".leaf") {
		t.Error("the leaf is another one")
	}
	var entries []byte
	for _, text := range files(t, filepath.Join(s.dir, "data/audit/tile/entries")) {
		entries = append(entries, text...)
	}
	says(t, string(entries), true, exchange.Erased.Name)
	says(t, string(entries), false, "lovelace")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files are the contents of all files of a folder, by path.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			all[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatal(err, len(all))
	}
	return all
}

// inClear demands that no file of a folder has one of the texts.
func inClear(t *testing.T, dir string, texts ...string) {
	t.Helper()
	for path, data := range files(t, dir) {
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				t.Errorf("%s has %q in clear", path, text)
			}
		}
	}
}

// says demands that a text has all of the words, or none.
func says(t *testing.T, text string, all bool, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(text, w) != all && strings.Contains(text, url.PathEscape(w)) != all {
			t.Errorf("%q is there: %v\n%.2000s", w, !all, text)
		}
	}
}
