package identity

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/openapi"
	"github.com/sallyport/sallyport/store"
)

func create(t testing.TB, s *store.Store, n NewKey) (string, StoredKey) {
	t.Helper()
	key, stored, err := CreateKey(t.Context(), s, n)
	if err != nil {
		t.Fatal(err)
	}
	return key, stored
}

// keyGuard guards an operation that wants a key of the identity.
func keyGuard(t testing.TB, p *Providers, identity string) exchange.Guard {
	t.Helper()
	g, err := p.Guard(operation([]string{"key"}), map[string]*openapi.SecurityScheme{"key": keyScheme}, map[string]string{"key": identity})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func withKey(key string) *exchange.Exchange { return ask("X-API-Key", key) }

func TestKeyFormat(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		key, id := newKey()
		if len(key) != keySize || !wellFormed(key) || !strings.HasPrefix(key, "sp_"+id+"_") || seen[key] || seen[id] {
			t.Fatalf("%s, %s", key, id)
		}
		seen[key], seen[id] = true, true
	}
	key, _ := newKey()
	for i := range len(key) {
		for _, c := range []byte{'!', '_', '-', '.', ' ', 0, 0xff, key[i] ^ 1} {
			if c == key[i] {
				continue
			}
			if bad := key[:i] + string([]byte{c}) + key[i+1:]; wellFormed(bad) {
				t.Errorf("%q is accepted for %q", bad, key)
			}
		}
	}
	for _, bad := range []string{"", "sp_", key[1:], key + "0", " " + key, key + "\n", strings.ToUpper(key), "password"} {
		if _, err := HashKey(bad); err == nil {
			t.Errorf("%q has a hash", bad)
		}
	}
	hash, err := HashKey(key)
	if _, again := parseHash(hash); err != nil || again != nil || len(hash) != len("sha256:")+64 {
		t.Errorf("%s %v %v", hash, err, again)
	}
}

func TestConfiguredKeys(t *testing.T) {
	valid, past, future := first(newKey()), first(newKey()), first(newKey())
	p := mustNew(t, config.Identity{Name: "keys", APIKey: &config.APIKey{Keys: []config.Key{
		{ID: "a", Hash: must(HashKey(valid)), Tenant: "t1", Roles: []string{"r"}, Scopes: []string{"s"}},
		{ID: "b", Hash: must(HashKey(past)), Expires: "2020-01-01"},
		{ID: "c", Hash: must(HashKey(future)), Expires: "2099-01-01T00:00:00Z"},
	}}})
	g := keyGuard(t, p, "keys")
	e := withKey(valid)
	if v := verdict(t, g, e); !v.Passed() {
		t.Fatal(code(v), v.Detail)
	}
	if q := e.Principal; q.Subject != "a" || q.ClientID != "a" || q.Kind != "api_key" || q.Issuer != "keys" || q.Tenant != "t1" || !q.HasRole("r") || !q.HasScope("s") || !q.Expires.IsZero() {
		t.Errorf("%+v", q)
	}
	for key, want := range map[string]string{past: badKeyRef, future: "", first(newKey()): badKeyRef, "": badKeyRef, "x": badKeyRef} {
		if v := verdict(t, g, withKey(key)); code(v) != want {
			t.Errorf("%q, want %q", code(v), want)
		}
	}
}

func TestStoredKeys(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	ctx := t.Context()
	soon := time.Now().Add(time.Hour)
	one, a := create(t, s, NewKey{Identity: "keys", Subject: "acme", Tenant: "t1", Roles: []string{"r"}, Scopes: []string{"s"}, Expires: soon})
	two, b := create(t, s, NewKey{})
	p, err := New([]config.Identity{{Name: "keys", APIKey: &config.APIKey{}}, {Name: "others", APIKey: &config.APIKey{}}}, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, others := keyGuard(t, p, "keys"), keyGuard(t, p, "others")
	for _, c := range []struct {
		guard     exchange.Guard
		key, want string
		subject   string
	}{
		{keys, one, "", "acme"}, {keys, two, "", b.ID}, {others, two, "", b.ID}, {others, one, badKeyRef, ""},
	} {
		e := withKey(c.key)
		if v := verdict(t, c.guard, e); code(v) != c.want {
			t.Errorf("%q, want %q: %s", code(v), c.want, v.Detail)
		} else if c.want == "" && e.Principal.Subject != c.subject {
			t.Errorf("%+v", e.Principal)
		}
	}
	// The one key is handed out under the name of whichever identity vouches for it.
	e, f := withKey(two), withKey(two)
	verdict(t, keys, e)
	verdict(t, others, f)
	if e.Principal.Issuer != "keys" || f.Principal.Issuer != "others" {
		t.Errorf("%s, %s", e.Principal.Issuer, f.Principal.Issuer)
	}

	list, err := ListKeys(ctx, s)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	for _, k := range list {
		if k.ID == a.ID && (k.Tenant != "t1" || len(k.Roles) != 1 || k.Expires.Unix() != soon.Unix() || k.Created.IsZero()) {
			t.Errorf("%+v", k)
		}
	}
	// Nothing in the database is a key.
	_, sums, err := selectKeys(ctx, s.DB(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range list {
		if bytes.Contains(sums[i][:], []byte(one[20:])) || strings.Contains(k.ID, one[20:]) {
			t.Errorf("%+v", k)
		}
	}
}

// What another process does to the store holds here within two seconds.
func TestRevocationIsSeen(t *testing.T) {
	path := t.TempDir()
	s, cli := databases.Open(t, path), databases.Open(t, path)
	p, err := New([]config.Identity{{Name: "keys", APIKey: &config.APIKey{}}}, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := keyGuard(t, started(t, p), "keys")
	key, stored := create(t, cli, NewKey{})
	within(t, "a new key is accepted", func() bool { return verdict(t, g, withKey(key)).Passed() })

	next, _, err := RotateKey(t.Context(), cli, stored.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var e *exchange.Exchange
	within(t, "the rotated key is accepted", func() bool { e = withKey(next); return verdict(t, g, e).Passed() })
	if e.Principal.Subject != stored.ID {
		t.Errorf("rotation made another subject: %+v", e.Principal)
	}
	if !verdict(t, g, withKey(key)).Passed() {
		t.Error("the old key has no grace")
	}
	if err := RevokeKey(t.Context(), cli, stored.ID); err != nil {
		t.Fatal(err)
	}
	within(t, "the revoked key is refused", func() bool { return code(verdict(t, g, withKey(key))) == badKeyRef })
	if !verdict(t, g, withKey(next)).Passed() {
		t.Error("the new key went with the old one")
	}
}

// within waits for less than a store may go unread, which is the longest that a revoked key can pass.
func within(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(longestBlind / 2); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

func TestKeyCommands(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	ctx := t.Context()
	for name, n := range map[string]NewKey{
		"past":    {Expires: time.Now().Add(-time.Second)},
		"subject": {Subject: "a\nb"},
		"tenant":  {Tenant: "\x00"},
		"role":    {Roles: []string{""}},
		"scope":   {Scopes: []string{"a b"}},
	} {
		if _, _, err := CreateKey(ctx, s, n); err == nil {
			t.Errorf("%s: created", name)
		}
	}
	if err := RevokeKey(ctx, s, "nobody"); !errors.Is(err, ErrNoSuchKey) {
		t.Error(err)
	}
	if _, _, err := RotateKey(ctx, s, "nobody", 0); !errors.Is(err, ErrNoSuchKey) {
		t.Error(err)
	}
	_, k := create(t, s, NewKey{Roles: []string{"r"}})
	_, rotated, err := RotateKey(ctx, s, k.ID, 0)
	if err != nil || rotated.ID == k.ID || rotated.Subject != k.ID || len(rotated.Roles) != 1 {
		t.Errorf("%+v %v", rotated, err)
	}
	for range 2 { // the second time it changes nothing
		if err := RevokeKey(ctx, s, k.ID); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := RotateKey(ctx, s, k.ID, 0); err == nil {
		t.Error("a revoked key was rotated")
	}
	// Grace never lengthens the life of a key.
	_, short := create(t, s, NewKey{Expires: time.Now().Add(time.Minute)})
	if _, _, err := RotateKey(ctx, s, short.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if list, err := ListKeys(ctx, s); err != nil || len(list) != 4 || !list[len(list)-1].Expires.Before(time.Now().Add(2*time.Minute)) {
		t.Errorf("%+v %v", list, err)
	}
}

// A store that cannot be read is believed for a minute, so that revocation does not end with it.
func TestBlindStore(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	key, _ := create(t, s, NewKey{})
	fixed := first(newKey())
	p, err := New([]config.Identity{{Name: "keys", APIKey: &config.APIKey{Keys: []config.Key{{ID: "a", Hash: must(HashKey(fixed))}}}}}, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := keyGuard(t, p, "keys")
	_ = s.Close()
	if err := p.engine.stored.load(context.Background()); err == nil {
		t.Fatal("a closed store was read")
	}
	if v := verdict(t, g, withKey(key)); !v.Passed() {
		t.Error(code(v))
	}
	long := time.Now().Add(-2 * longestBlind)
	p.engine.stored.seen.Store(&long)
	if v := verdict(t, g, withKey(key)); code(v) != "identity.keys_unavailable" {
		t.Errorf("%q", code(v))
	}
	if v := verdict(t, g, withKey(fixed)); !v.Passed() {
		t.Errorf("a key of the config: %q", code(v))
	}
	if v := verdict(t, g, withKey(first(newKey()))); code(v) != badKeyRef {
		t.Errorf("an unknown key: %q", code(v))
	}
}

// Whatever holds for keys in SQLite holds for keys in PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }

func TestBrokenStoreFailsTheStart(t *testing.T) {
	s := databases.Open(t, t.TempDir())
	_ = s.Close()
	if _, err := New(nil, s, Options{}); err == nil {
		t.Error("started")
	}
}
