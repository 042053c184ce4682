package identity

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/databases"
	"github.com/sallyport/sallyport/store"
)

const alice = "alice@example.test"

var hers = NewKey{Subject: alice, Tenant: "wonderland", Roles: []string{"r"}, Identity: "keys"}

// asked is the principal of a key at a gateway that has just opened the store, or the code of its refusal.
func asked(t *testing.T, s *store.Store, key string) (exchange.Principal, string) {
	t.Helper()
	p, err := New([]config.Identity{{Name: "keys", APIKey: &config.APIKey{}}}, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := withKey(key)
	g := keyGuard(t, p, "keys")
	verdict(t, g, e)
	e = withKey(key) // the second time, when it knows
	if v := verdict(t, g, e); !v.Passed() {
		return exchange.Principal{}, code(v)
	}
	return *e.Principal, ""
}

func alices(t *testing.T, s *store.Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if p, refused := asked(t, s, key); refused != "" || p.Subject != alice || p.Tenant != "wonderland" || !p.HasRole("r") {
			t.Errorf("%+v, %q", p, refused)
		}
	}
}

func TestSealedKeysNameNobody(t *testing.T) {
	path := t.TempDir()
	s := databases.Unlock(t, databases.Open(t, path))
	one, stored := create(t, s, hers)
	two, second, err := RotateKey(t.Context(), s, stored.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, third := create(t, s, hers)
	if list, err := ListKeys(t.Context(), s); err != nil || len(list) != 3 || list[0].Subject != alice || list[1].Tenant != "wonderland" || list[2].Identity != "keys" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, name := range []string{alice, "wonderland"} {
		if databases.Holds(t, path, name) {
			t.Errorf("%s stands in the database", name)
		}
	}
	alices(t, s, two)
	if _, refused := asked(t, s, one); refused != badKeyRef {
		t.Errorf("%q", refused)
	}
	// Who has the key and the database, and nothing else, knows whose the key is; who has only the database lists no names,
	// and ends keys all the same.
	locked := databases.Open(t, path)
	alices(t, locked, two)
	if list, err := ListKeys(t.Context(), locked); err != nil || len(list) != 3 || list[0].Subject != "" || list[0].ID == "" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, _, err := CreateKey(t.Context(), locked, hers); !errors.Is(err, store.ErrLocked) {
		t.Error(err)
	}
	if _, _, err := RotateKey(t.Context(), locked, third.ID, 0); !errors.Is(err, store.ErrLocked) {
		t.Error(err)
	}
	if err := RevokeKey(t.Context(), locked, third.ID); err != nil {
		t.Error(err)
	}
	// Where the store's keys are lost, and others in their place, keys work on.
	if _, err := s.DB().Exec("DELETE FROM settings WHERE key = 'names.key'"); err != nil {
		t.Fatal(err)
	}
	lost := databases.Unlock(t, databases.Open(t, path))
	alices(t, lost, two)
	if _, _, err := RotateKey(t.Context(), lost, second.ID, 0); !errors.As(err, new(KeyError)) {
		t.Error(err)
	}
	if n, err := SealKeys(t.Context(), lost); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// Keys of older versions are sealed as soon as a gateway can; of several that do so at once, each key by one of them.
func TestOlderKeysAreSealed(t *testing.T) {
	path := t.TempDir()
	s := databases.Open(t, path)
	key, _ := create(t, s, hers)
	for range 20 {
		create(t, s, NewKey{})
	}
	if n, err := SealKeys(t.Context(), s); err != nil || n != 0 || !databases.Holds(t, path, alice) {
		t.Fatalf("%d, %v: it is not in clear", n, err)
	}
	databases.Unlock(t, s)
	alices(t, s, key)
	var all sync.WaitGroup
	for range 4 {
		other := databases.Unlock(t, databases.Open(t, path))
		all.Go(func() {
			if _, err := SealKeys(context.Background(), other); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := SealKeys(t.Context(), s); err != nil || n != 0 {
		t.Errorf("%d, %v: a second time", n, err)
	}
	if databases.Holds(t, path, alice) || databases.Holds(t, path, "wonderland") {
		t.Error("it stands there still")
	}
	alices(t, s, key)
	if _, refused := asked(t, databases.Open(t, path), key); refused != "identity.keys_unavailable" {
		t.Errorf("%q: whose it is nobody can know", refused)
	}
	// A version that seals nothing takes the subject as it stands: it must not take the key.
	rows, err := s.DB().Query("SELECT identity, subject FROM api_keys")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var identity, subject string
		if err := rows.Scan(&identity, &subject); err != nil || !strings.HasPrefix(identity, "sealed:") || subject != "" {
			t.Errorf("%q, %q, %v", identity, subject, err)
		}
	}
}

// A row that is written over with another's names opens for nobody: neither for the store, nor for the key.
func TestSealedNamesStayWithTheirKey(t *testing.T) {
	path := t.TempDir()
	s := databases.Unlock(t, databases.Open(t, path))
	create(t, s, hers)
	key, mallory := create(t, s, NewKey{Subject: "mallory"})
	over := func(column string) {
		t.Helper()
		if _, err := s.DB().Exec("UPDATE api_keys SET "+column+" = (SELECT "+column+" FROM api_keys WHERE id <> $1) WHERE id = $1", mallory.ID); err != nil {
			t.Fatal(err)
		}
	}
	over("sealed")
	if p, refused := asked(t, s, key); refused != "" || p.Subject != "mallory" {
		t.Errorf("%+v, %q", p, refused)
	}
	over("by_key")
	if p, refused := asked(t, s, key); refused != "identity.keys_unavailable" {
		t.Errorf("%+v, %q", p, refused)
	}
	list, err := ListKeys(t.Context(), s)
	if err != nil || len(list) != 2 {
		t.Fatal(err)
	}
	for _, k := range list {
		if (k.ID == mallory.ID) != (k.Subject == "") {
			t.Errorf("%+v", k)
		}
	}
	if _, _, err := RotateKey(t.Context(), s, mallory.ID, 0); err == nil {
		t.Error("a key of nobody was made")
	}
}
