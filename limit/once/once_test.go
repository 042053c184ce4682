package once

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

func TestOnce(t *testing.T) {
	s, now := New(time.Minute, 1000, nil), time.Unix(1_800_000_000, 0)
	if s.Use(t.Context(), now, "ab", "c") != nil || s.Use(t.Context(), now, "a", "bc") != nil {
		t.Error("a first use is refused")
	}
	for at := time.Duration(0); at <= time.Minute; at += time.Second {
		if err := s.Use(t.Context(), now.Add(at), "ab", "c"); !errors.Is(err, ErrUsed) {
			t.Fatalf("after %v: %v", at, err)
		}
	}
	if err := s.Use(t.Context(), now.Add(2*time.Minute), "ab", "c"); err != nil {
		t.Error(err)
	}
	if err := s.Use(t.Context(), now.Add(time.Hour), "ab", "c"); err != nil {
		t.Error(err)
	}
}

// Nobody makes us forget what was used, or remember more than there is room for.
func TestFull(t *testing.T) {
	s, now := New(time.Minute, 100, nil), time.Unix(1_800_000_000, 0)
	refused := 0
	for i := range 1000 {
		if s.Use(t.Context(), now, strconv.Itoa(i)) != nil {
			refused++
		}
	}
	if refused != 900 {
		t.Errorf("%d refused", refused)
	}
	if err := s.Use(t.Context(), now, "new"); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if err := s.Use(t.Context(), now, "7"); !errors.Is(err, ErrUsed) {
		t.Error(err)
	}
	later := now.Add(time.Minute)
	for i := range 1000 {
		_ = s.Use(t.Context(), later, "later", strconv.Itoa(i))
	}
	if n := len(s.young) + len(s.old); n != 200 {
		t.Errorf("%d remembered", n)
	}
	if err := s.Use(t.Context(), later, "7"); !errors.Is(err, ErrUsed) {
		t.Error(err)
	}
}

func BenchmarkUse(b *testing.B) {
	s, now := New(time.Minute, 1<<30, nil), time.Now()
	for i := 0; b.Loop(); i++ {
		_ = s.Use(b.Context(), now, "key", strconv.Itoa(i))
	}
}
