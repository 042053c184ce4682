package store

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// What is announced with an act is delivered once, in order; what is rolled back with it, or not taken, is not.
func TestOutbox(t *testing.T) { delivers(t, open(t, t.TempDir())) }

func delivers(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	if s.Actor() != "" || s.By("cli").Actor() != "cli" || s.Actor() != "" {
		t.Error("By changed the store itself")
	}
	announce := func(id string, commit bool) {
		tx, err := s.DB().BeginTx(ctx, nil)
		if err == nil {
			err = Announce(ctx, tx, id, map[string]string{"id": id})
		}
		if err == nil && commit {
			err = tx.Commit()
		} else if err == nil {
			err = tx.Rollback()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	announce("02", true)
	announce("01", true)
	announce("03", false)
	var told []string
	broken := errors.New("broken")
	if err := s.Deliver(ctx, func([]byte) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	take := func(e []byte) error { told = append(told, string(e)); return nil }
	for range 2 {
		if err := s.Deliver(ctx, take); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{`{"id":"01"}`, `{"id":"02"}`}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
