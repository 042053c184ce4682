package keyring

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func ring(t testing.TB, dir string, o Options) *Ring {
	t.Helper()
	r, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func seal(t testing.TB, r *Ring, subject, plain string) []byte {
	t.Helper()
	sealed, err := r.Seal(subject, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// reads demands what opening gives: the text, or an error.
func reads(t testing.TB, r *Ring, sealed []byte, want any) {
	t.Helper()
	plain, err := r.Open(sealed)
	if text, ok := want.(string); ok && (err != nil || string(plain) != text) {
		t.Errorf("%q, %v; want %q", plain, err, text)
	}
	if failure, ok := want.(error); ok && !errors.Is(err, failure) {
		t.Errorf("%q, %v; want %v", plain, err, failure)
	}
}

func TestSealedBytesAreReadByTheRingAlone(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, dir, Options{})
	long := strings.Repeat("somebody", 100)
	for _, subject := range []string{"ada@example.org", "203.0.113.7", "", long} {
		a, b := seal(t, r, subject, "private"), seal(t, r, subject, "private")
		reads(t, r, a, "private")
		if bytes.Equal(a, b) || bytes.Contains(a, []byte("private")) || subject != "" && bytes.Contains(a, []byte(subject)) {
			t.Errorf("%q: %x %x", subject, a, b)
		}
		for i := range a {
			changed := bytes.Clone(a)
			changed[i] ^= 1
			if plain, err := r.Open(changed); err == nil {
				t.Errorf("%q: byte %d changed: %q", subject, i, plain)
			}
		}
	}
	sealed := seal(t, r, "ada@example.org", "private")
	_ = r.Close()
	again := ring(t, dir, Options{})
	reads(t, again, sealed, "private")
	reads(t, ring(t, t.TempDir(), Options{}), sealed, ErrErased) // of another ring
}

func TestRingNamesNobodyAndIsItsOwners(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := ring(t, dir, Options{})
	seal(t, r, "ada@example.org", "private")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || bytes.Contains(data, []byte("ada@")) {
			t.Errorf("%s names the subject, or %v", f.Name(), err)
		}
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", f.Name(), info.Mode().Perm())
		}
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 || len(files) < 2 {
		t.Errorf("mode %o, %d files", info.Mode().Perm(), len(files))
	}
}

func TestEraseIsForEver(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, dir, Options{})
	var others [][]byte
	for i := range 600 { // some share a drawer with ada
		others = append(others, seal(t, r, fmt.Sprint("user-", i), "theirs"))
	}
	sealed := seal(t, r, "ada", "hers")
	old := copied(t, dir)
	id, err := r.ID("ada")
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := r.IDs(t.Context(), "ada"); err != nil || len(ids) != 1 || ids[0] != id {
		t.Errorf("%v %v, want %d", ids, err, id)
	}
	if err := r.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	reads(t, r, sealed, ErrErased)
	for _, o := range others {
		reads(t, r, o, "theirs")
	}
	if ids, err := r.IDs(t.Context(), "ada"); err != nil || len(ids) != 0 {
		t.Errorf("the ring still finds ada: %v %v", ids, err)
	}
	if err := r.Erase(t.Context(), "ada"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a second time: %v", err)
	}
	if err := r.Erase(t.Context(), "nobody"); !errors.Is(err, ErrUnknown) {
		t.Errorf("nobody: %v", err)
	}
	// Ada comes again: a new key, which opens nothing of before.
	reads(t, r, seal(t, r, "ada", "new"), "new")
	reads(t, r, sealed, ErrErased)
	// Whoever has kept the ring of before has not the root key that opens it.
	root, err := os.ReadFile(filepath.Join(dir, RootFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(old, RootFile), root, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(old, Options{}); err == nil {
		t.Error("the root key of now opens the ring of before")
	}
	if len(strings.Fields(string(root))) != 1 {
		t.Error("the old root key is still there")
	}
}

// copied is the folder as a backup has it.
// A copy of the ring from before an erasure, with its root key, has the erased key; it is destroyed again, and others are not.
func TestEraseAgain(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, dir, Options{})
	ada, bob := seal(t, r, "ada", "of ada"), seal(t, r, "bob", "of bob")
	number := id(t, r, "ada")
	older := ring(t, copied(t, dir), Options{})
	if err := r.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if err := r.SetErased(t.Context(), "log", 7); err != nil {
		t.Fatal(err)
	}
	if back, err := r.EraseAgain(t.Context(), []int64{number}); err != nil || back != nil {
		t.Errorf("it is not back: %v %v", back, err)
	}
	for log, want := range map[string]int64{"log": 7, "another": 0} {
		if n, err := r.Erased(t.Context(), log); err != nil || n != want {
			t.Errorf("%s: %d %v", log, n, err)
		}
	}
	if n, err := older.Erased(t.Context(), "log"); err != nil || n != 0 {
		t.Errorf("what the older one knows: %d %v", n, err)
	}
	reads(t, older, ada, "of ada")
	if back, err := older.EraseAgain(t.Context(), []int64{number, 4711, number}); err != nil || !slices.Equal(back, []int64{number}) {
		t.Errorf("%v %v", back, err)
	}
	reads(t, older, ada, ErrErased)
	reads(t, older, bob, "of bob")
}

func copied(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A second opening stands for another process: it has caches and connections of its own.
func TestProcessesFollowEachOther(t *testing.T) {
	dir := t.TempDir()
	a, b := ring(t, dir, Options{}), ring(t, dir, Options{})
	ada, bob := seal(t, a, "ada", "hers"), seal(t, b, "bob", "his")
	reads(t, a, bob, "his")
	reads(t, b, ada, "hers")
	reads(t, b, seal(t, b, "ada", "more"), "more")
	if n, m := id(t, a, "ada"), id(t, b, "ada"); n != m {
		t.Errorf("two keys for one subject: %d %d", n, m)
	}
	if err := a.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(Lag / 10) {
		if _, err := b.Open(ada); errors.Is(err, ErrErased) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the other process never noticed")
		}
	}
	reads(t, b, bob, "his")                  // under the new root key
	reads(t, a, seal(t, b, "cyd", "x"), "x") // made by who has not changed it
	reads(t, b, seal(t, a, "cyd", "y"), "y") //
	reads(t, b, seal(t, b, "ada", "z"), "z") // a new key
	reads(t, ring(t, dir, Options{}), bob, "his")
}

func id(t testing.TB, r *Ring, subject string) int64 {
	t.Helper()
	n, err := r.ID(subject)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestManyAtOnceMakeOneKeyEach(t *testing.T) {
	dir := t.TempDir()
	rings := []*Ring{ring(t, dir, Options{}), ring(t, dir, Options{})}
	seen := make([]sync.Map, 50)
	var all sync.WaitGroup
	for i := range 8 {
		r := rings[i%2]
		all.Go(func() {
			for n := range seen {
				k, err := r.ID(fmt.Sprint("user-", n))
				if err != nil {
					t.Error(err)
					return
				}
				seen[n].Store(k, true)
				if _, err := r.Seal(fmt.Sprint("user-", n), []byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		for range 5 {
			if err := rings[0].Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	for n := range seen {
		keys := 0
		seen[n].Range(func(any, any) bool { keys++; return true })
		if keys != 1 {
			t.Errorf("user-%d has %d keys", n, keys)
		}
	}
}

// A process that has not noticed that another one replaced the root key makes nothing under the old one.
func TestNothingIsMadeUnderAReplacedRootKey(t *testing.T) {
	dir := t.TempDir()
	a, b := ring(t, dir, Options{}), ring(t, dir, Options{})
	if err := a.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed, err := b.Seal("ada", []byte("hers"))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*Ring{"the other process": a, "a later one": ring(t, dir, Options{})} {
		if plain, err := r.Open(sealed); err != nil || string(plain) != "hers" {
			t.Errorf("%s opens %q, %v", name, plain, err)
		}
	}
}

func TestRotateOfTheOwnRootKey(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, dir, Options{})
	sealed := seal(t, r, "ada", "hers")
	before, _ := os.ReadFile(filepath.Join(dir, RootFile))
	if err := r.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(filepath.Join(dir, RootFile))
	if bytes.Equal(before, after) || len(strings.Fields(string(after))) != 1 {
		t.Error("the root key is the same, or the old one is still there")
	}
	reads(t, r, sealed, "hers")
	reads(t, ring(t, dir, Options{}), sealed, "hers")
}

// A process may end at any moment between the new root key and the end of the old one.
func TestRotateSurvivesACrash(t *testing.T) {
	for name, break_ := range map[string]func(t *testing.T, r *Ring, file string){
		"before the ring was written": func(t *testing.T, r *Ring, _ string) {
			if err := r.newRoot(); err != nil {
				t.Fatal(err)
			}
		},
		"before the old key was destroyed": func(t *testing.T, r *Ring, file string) {
			old, err := readKeys(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, err := readKeys(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := writeKeys(file, append(now, old...)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, RootFile)
			r := ring(t, dir, Options{})
			sealed := seal(t, r, "ada", "hers")
			break_(t, r, file)
			if keys, err := readKeys(file); err != nil || len(keys) != 2 {
				t.Fatalf("%d root keys, %v: this is no crash", len(keys), err)
			}
			again := ring(t, dir, Options{})
			reads(t, again, sealed, "hers")
			other := seal(t, again, "bob", "his") // a drawer by the newest key
			if err := again.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			reads(t, ring(t, dir, Options{}), sealed, "hers")
			reads(t, ring(t, dir, Options{}), other, "his")
			if keys, err := readKeys(file); err != nil || len(keys) != 1 {
				t.Errorf("%d root keys, %v", len(keys), err)
			}
		})
	}
}

func TestRootKeysOfTheOperator(t *testing.T) {
	dir := t.TempDir()
	old, next, other := base64.StdEncoding.EncodeToString(newKey()), base64.StdEncoding.EncodeToString(newKey()), base64.StdEncoding.EncodeToString(newKey())
	r := ring(t, dir, Options{Keys: old})
	sealed := seal(t, r, "ada", "hers")
	if _, err := os.Stat(filepath.Join(dir, RootFile)); err == nil {
		t.Error("a root key was made although there is one")
	}
	both := ring(t, dir, Options{Keys: next + "\n" + old + "\n"})
	reads(t, both, sealed, "hers")
	if _, err := Open(dir, Options{Keys: next}); err == nil {
		t.Error("opened by a key that has wrapped nothing yet")
	}
	if err := both.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	reads(t, ring(t, dir, Options{Keys: next}), sealed, "hers")
	for name, keys := range map[string]string{"old": old, "other": other, "none": "", "short": "c2hvcnQ=", "twice": next + "," + next, "garbage": "%%%"} {
		if _, err := Open(dir, Options{Keys: keys}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	lost := t.TempDir()
	r := ring(t, lost, Options{})
	seal(t, r, "ada", "hers")
	_ = r.Close()
	if err := os.Remove(filepath.Join(lost, RootFile)); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	_ = ring(t, foreign, Options{}).Close()
	if err := writeKeys(filepath.Join(foreign, RootFile), [][]byte{newKey()}); err != nil {
		t.Fatal(err)
	}
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, "ring.db"), []byte(strings.Repeat("no database ", 99)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"lost root key": lost, "another root key": foreign, "garbage": garbage, "a file": filepath.Join(garbage, "ring.db")} {
		if r, err := Open(dir, Options{}); err == nil {
			_ = r.Close()
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := os.Stat(filepath.Join(lost, RootFile)); err == nil {
		t.Error("a new root key hides that the old one is lost")
	}
}

// A flood of strangers fills no disk: past the limit they share keys, and are erased with their neighbours.
func TestLimit(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, dir, Options{Limit: 10})
	for i := range 10 {
		seal(t, r, fmt.Sprint("user-", i), "own")
	}
	many := make([]string, 3*sharedKeys)
	for i := range many {
		many[i] = fmt.Sprint("stranger-", i)
	}
	if err := r.Prepare(many); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := r.db.QueryRow(`SELECT count(*) FROM keys`).Scan(&n); err != nil || n > 10+sharedKeys {
		t.Errorf("%d keys, %v", n, err)
	}
	sealed := seal(t, r, many[7], "shared")
	if ids, err := r.IDs(t.Context(), many[7]); err != nil || len(ids) != 1 {
		t.Errorf("%v %v", ids, err)
	}
	if err := r.Erase(t.Context(), many[7]); err != nil {
		t.Fatal(err)
	}
	reads(t, r, sealed, ErrErased)
	reads(t, r, seal(t, r, "user-3", "own"), "own")
}

func TestCacheIsBounded(t *testing.T) {
	var c cache
	for i := range 10 * cacheSize {
		c.put(0, short(fmt.Sprint(i)), key{id: int64(i)})
		if k, ok := c.bySubject("0"); !ok || k.id != 0 {
			t.Fatalf("what is in use was forgotten after %d", i)
		}
	}
	if n := len(c.young.ids) + len(c.old.ids); n > 2*cacheSize {
		t.Errorf("%d keys are remembered", n)
	}
	c.purge()
	c.put(0, "=late", key{}) // looked up before
	if _, ok := c.bySubject("late"); ok || len(c.young.ids)+len(c.old.ids) > 0 {
		t.Error("a purged key came back")
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, f.TempDir(), Options{})
	f.Add(seal(f, r, "ada", "hers"))
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := r.Open(sealed); err == nil && string(plain) != "hers" {
			t.Errorf("%q", plain)
		}
	})
}

func BenchmarkRing(b *testing.B) {
	r := ring(b, b.TempDir(), Options{})
	plain := bytes.Repeat([]byte("x"), 200)
	sealed := seal(b, r, "ada", string(plain))
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = r.Seal("ada", plain)
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = r.Open(sealed)
		}
	})
	n := 0
	b.Run("first use", func(b *testing.B) {
		for b.Loop() {
			n++
			_, _ = r.Seal(fmt.Sprint("one-", n), plain)
		}
	})
	b.Run("first use of 500 together", func(b *testing.B) {
		for b.Loop() {
			many := make([]string, 500)
			for i := range many {
				n++
				many[i] = fmt.Sprint("many-", n)
			}
			if err := r.Prepare(many); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("erase", func(b *testing.B) {
		for b.Loop() {
			n++
			seal(b, r, fmt.Sprint("gone-", n), "x")
			if err := r.Erase(b.Context(), fmt.Sprint("gone-", n)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What is wrapped by the ring is opened by it after erasures and changes of the root key, and what is by the operator's by any ring.
func TestWrappers(t *testing.T) {
	dir := t.TempDir()
	r := must(Open(dir, Options{}))
	defer r.Close()
	wrapped := must(must(r.Wrapper()).Encrypt([]byte("key"), []byte("what")))
	must(r.Seal("alice", []byte("x")))
	if err := errors.Join(r.Erase(t.Context(), "alice"), r.Rotate(t.Context())); err != nil {
		t.Fatal(err)
	}
	again := must(Open(dir, Options{}))
	defer again.Close()
	if key, err := must(again.Wrapper()).Decrypt(wrapped, []byte("what")); err != nil || string(key) != "key" {
		t.Errorf("%q, %v", key, err)
	}
	other := must(Open(t.TempDir(), Options{}))
	defer other.Close()
	if _, err := must(other.Wrapper()).Decrypt(wrapped, []byte("what")); err == nil {
		t.Error("another ring opens it")
	}
	if a, err := Shared(Options{}); a != nil || err != nil {
		t.Error(a, err)
	}
	if _, err := Shared(Options{Keys: "short"}); err == nil {
		t.Error("that is no root key")
	}
	old, next := base64.StdEncoding.EncodeToString(newKey()), base64.StdEncoding.EncodeToString(newKey())
	wrapped = must(must(Shared(Options{Keys: old})).Encrypt([]byte("key"), nil))
	if key, err := must(Shared(Options{Keys: next + " " + old})).Decrypt(wrapped, nil); err != nil || string(key) != "key" {
		t.Errorf("%q, %v", key, err)
	}
}
