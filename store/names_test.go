package store

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

func rootOf(t *testing.T, b byte) tink.AEAD {
	t.Helper()
	root, err := subtle.NewAESGCM(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestKeyOfNames(t *testing.T) {
	path, root := t.TempDir(), rootOf(t, 1)
	s := open(t, path)
	if err := errors.Join(s.UnlockNames(t.Context(), nil, true), s.UnlockNames(t.Context(), root, false)); err != nil || s.Names() != nil {
		t.Fatalf("%v: whoever makes no key has none", err)
	}
	if n, err := s.Sealing(t.Context()); n != nil || err != nil {
		t.Error(n, err)
	}
	// Two who find none make one.
	first, err := s.makeNames(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := s.makeNames(t.Context(), root); err != nil || !bytes.Equal(first, second) {
		t.Errorf("%v: two keys", err)
	}
	if _, err := s.DB().Exec("DELETE FROM settings WHERE key = $1", namesKey); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	made := make([]*Store, 4)
	for i := range made {
		made[i] = open(t, path)
		all.Go(func() {
			if err := made[i].UnlockNames(t.Context(), root, true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	sealed, err := made[0].Names().Seal([]byte("alice"), "here")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range made {
		if name, err := m.Names().Open(sealed, "here"); err != nil || string(name) != "alice" || m.Names().Tag("k", "alice") != made[0].Names().Tag("k", "alice") {
			t.Errorf("%q, %v", name, err)
		}
		if _, err := m.Names().Open(sealed, "there"); err == nil {
			t.Error("it opens in another place")
		}
	}
	for _, other := range []string{made[0].Names().Tag("l", "alice"), made[0].Names().Tag("k", "alicf")} {
		if other == made[0].Names().Tag("k", "alice") {
			t.Error("two names have one tag")
		}
	}
	if _, err := s.Sealing(t.Context()); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	if err := s.UnlockNames(t.Context(), nil, true); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	if err := s.UnlockNames(t.Context(), rootOf(t, 2), true); err == nil || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("by the wrong key: %v", err)
	}
	if err := made[0].RewrapNames(t.Context(), rootOf(t, 2)); err != nil {
		t.Fatal(err)
	}
	if err := s.UnlockNames(t.Context(), root, true); err == nil {
		t.Error("the old root key opens it still")
	}
	if err := s.UnlockNames(t.Context(), rootOf(t, 2), true); err != nil {
		t.Error(err)
	} else if name, err := s.Names().Open(sealed, "here"); err != nil || string(name) != "alice" {
		t.Errorf("%q, %v", name, err)
	}
}
