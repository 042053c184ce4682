package people

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit/databases"
)

const good = "correct horse battery staple"

func open(t testing.TB, o Options) *Directory {
	t.Helper()
	return New(databases.Open(t, t.TempDir()), o)
}

// Whatever holds for people in SQLite holds for them in PostgreSQL.
func TestOnPostgres(t *testing.T) { databases.Again(t) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestUsers(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	for _, c := range []struct{ name, role, password string }{
		{"Alice", "admin", good}, {"", "admin", good}, {"a b", "admin", good}, {"алиса", "admin", good}, {"bootstrap", "admin", good}, {"-x", "admin", good}, {strings.Repeat("a", 65), "admin", good},
		{"alice", "root", good}, {"alice", "", good}, {"alice", "admin", "fourteen chars"}, {"alice", "admin", ""}, {"alice", "admin", strings.Repeat("x", 1025)}, {"alice", "admin", good + "\xff"},
	} {
		if err := d.Add(ctx, c.name, Role(c.role), c.password); !errors.As(err, new(Mistake)) {
			t.Errorf("%q %q %.20q: %v", c.name, c.role, c.password, err)
		}
	}
	must(t, d.Add(ctx, "alice", Admin, good))
	must(t, d.Add(ctx, "bob", Viewer, good))
	if err := d.Add(ctx, "alice", Viewer, good); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	// Somebody must remain who manages the others.
	if err := d.SetRole(ctx, "alice", Operator); !errors.Is(err, ErrLast) {
		t.Error(err)
	}
	if err := d.Remove(ctx, "alice"); !errors.Is(err, ErrLast) {
		t.Error(err)
	}
	for _, err := range []error{d.SetRole(ctx, "nobody", Admin), d.Remove(ctx, "nobody"), d.SetPassword(ctx, "nobody", good), d.Revoke(ctx, "alice", "x")} {
		if !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
	}
	list, err := d.List(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "alice" || list[0].Role != Admin || time.Since(list[0].Created) > time.Minute {
		t.Errorf("%+v %v", list, err)
	}
	must(t, d.SetRole(ctx, "bob", Admin))
	must(t, d.Remove(ctx, "alice"))
	must(t, d.Remove(ctx, "bob"))
}

func TestSignIn(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	must(t, d.Add(ctx, "alice", Analyst, good))
	if p, err := d.SignIn(ctx, "alice", good); err != nil || p != (Person{"alice", Analyst}) {
		t.Errorf("%v %v", p, err)
	}
	for name, password := range map[string]string{"alice": good + " ", "nobody": good, "alice\x00": good, "\xff": good, "Alice": good, "": "", "alice' --": good} {
		p, err := d.SignIn(ctx, name, password)
		if !errors.Is(err, ErrRefused) || p.Role != "" || (p.Name != "") != (name == "alice") {
			t.Errorf("%q: %v %v", name, p, err)
		}
	}
	// What is longer than any password is not cut to one that fits.
	long := strings.Repeat("x", maxPassword)
	must(t, d.SetPassword(ctx, "alice", long))
	if _, err := d.SignIn(ctx, "alice", long+"y"); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// To refuse an unknown name, a password is hashed as for a known one: with nobody's parameters, which are those of all.
func TestUnknownNamesCostTheSame(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	must(t, d.Add(ctx, "alice", Analyst, good))
	var kept string
	must(t, d.db.QueryRow(`SELECT password FROM users`).Scan(&kept))
	shape := func(s string) string { return s[:strings.LastIndex(s[:strings.LastIndex(s, "$")], "$")] }
	if shape(kept) != shape(nobodys) || len(kept) != len(nobodys) || !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%s is not like %s", kept, nobodys)
	}
	// Both wait for their turn: nobody learns from the time that is taken which name is known.
	for range maxChecks {
		d.checks <- struct{}{}
	}
	for _, name := range []string{"alice", "nobody"} {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		if _, err := d.SignIn(short, name, good); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s did not wait: %v", name, err)
		}
		cancel()
	}
}

// A damaged row lets nobody in.
func TestDamagedPasswords(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	must(t, d.Add(ctx, "alice", Analyst, good))
	for _, kept := range []string{"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA", "$argon2id$v=18$m=19456,t=2,p=1$AAAA$AAAA", good} {
		if _, err := d.db.Exec(`UPDATE users SET password = $1`, kept); err != nil {
			t.Fatal(err)
		}
		for _, password := range []string{good, "", kept} {
			if _, err := d.SignIn(ctx, "alice", password); err == nil {
				t.Errorf("%q lets in", kept)
			}
		}
	}
}

func TestSessions(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	must(t, d.Add(ctx, "alice", Analyst, good))
	value, err := d.Begin(ctx, "alice", "")
	must(t, err)
	if p, err := d.Session(ctx, value); err != nil || p != (Person{"alice", Analyst}) {
		t.Errorf("%v %v", p, err)
	}
	var kept string
	must(t, d.db.QueryRow(`SELECT hash || name || role FROM sessions`).Scan(&kept))
	if strings.Contains(kept, value) {
		t.Error("the value itself is kept")
	}
	for name, statement := range map[string]string{
		"idle":         fmt.Sprintf(`UPDATE sessions SET seen = %d`, time.Now().Add(-31*time.Minute).Unix()),
		"over":         fmt.Sprintf(`UPDATE sessions SET expires = %d`, time.Now().Unix()),
		"user is gone": `DELETE FROM users`,
	} {
		value, err := d.Begin(ctx, "alice", "")
		must(t, err)
		if _, err := d.db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if p, err := d.Session(ctx, value); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v %v", name, p, err)
		}
		_ = d.Add(ctx, "alice", Analyst, good)
	}
	for _, unknown := range []string{"", value[:42], value + "A", "' OR 1=1 --"} {
		if _, err := d.Session(ctx, unknown); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

// Use keeps a session alive, but not beyond its lifetime.
func TestSessionIsSeen(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	value, err := d.Begin(ctx, "oidc:alice", Operator)
	must(t, err)
	early := time.Now().Add(-20 * time.Minute).Unix()
	if _, err := d.db.Exec(`UPDATE sessions SET seen = $1`, early); err != nil {
		t.Fatal(err)
	}
	if p, err := d.Session(ctx, value); err != nil || p.Role != Operator {
		t.Fatalf("%v %v", p, err)
	}
	var seen int64
	must(t, d.db.QueryRow(`SELECT seen FROM sessions`).Scan(&seen))
	if seen <= early {
		t.Error("that the session is used was not noted")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	must(t, d.Add(ctx, "alice", Analyst, good))
	for range 3 * maxSessions {
		_, err := d.Begin(ctx, "alice", "")
		must(t, err)
	}
	var n int
	if err := d.db.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != maxSessions {
		t.Errorf("%d sessions, %v", n, err)
	}
}

// Another password, and removal, end what was begun with the old one.
func TestSessionsEnd(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	for name, end := range map[string]func() error{
		"password": func() error { return d.SetPassword(ctx, "alice", good+"!") },
		"removal":  func() error { return d.Remove(ctx, "alice") },
		"all":      func() error { return d.EndAll(ctx, "alice") },
	} {
		_ = d.Add(ctx, "alice", Analyst, good)
		value, err := d.Begin(ctx, "alice", "")
		must(t, err)
		must(t, end())
		if _, err := d.Session(ctx, value); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokens(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	must(t, d.Add(ctx, "alice", Operator, good))
	if _, _, err := d.NewToken(ctx, "alice", Admin, "", time.Hour); !errors.As(err, new(Mistake)) {
		t.Errorf("more than the own role: %v", err)
	}
	for _, lifetime := range []time.Duration{0, -1, 367 * 24 * time.Hour} {
		if _, _, err := d.NewToken(ctx, "alice", Viewer, "", lifetime); !errors.As(err, new(Mistake)) {
			t.Errorf("%s: %v", lifetime, err)
		}
	}
	secret, made, err := d.NewToken(ctx, "alice", Operator, "ci", time.Hour)
	must(t, err)
	if p, err := d.Bearer(ctx, secret); err != nil || p != (Person{"alice", Operator}) {
		t.Errorf("%v %v", p, err)
	}
	must(t, d.SetRole(ctx, "alice", Viewer)) // takes from the token, too
	if p, err := d.Bearer(ctx, secret); err != nil || p.Role != Viewer {
		t.Errorf("%v %v", p, err)
	}
	if list, err := d.Tokens(ctx, "alice"); err != nil || len(list) != 1 || list[0] != made || strings.Contains(fmt.Sprint(list), secret) {
		t.Errorf("%v %v", list, err)
	}
	if err := d.Revoke(ctx, "mallory", made.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("a token of others: %v", err)
	}
	must(t, d.Revoke(ctx, "alice", made.ID))
	if _, err := d.Bearer(ctx, secret); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	secret, _, err = d.NewToken(ctx, "alice", Viewer, "", time.Second)
	must(t, err)
	if _, err := d.db.Exec(`UPDATE user_tokens SET expires = $1`, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Bearer(ctx, secret); !errors.Is(err, ErrRefused) {
		t.Errorf("expired: %v", err)
	}
	for _, unknown := range []string{"", Prefix, secret + "x"} {
		if _, err := d.Bearer(ctx, unknown); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

func TestCSRF(t *testing.T) {
	if CSRF("a") == CSRF("b") || !SameCSRF("a", CSRF("a")) || SameCSRF("a", CSRF("b")) || SameCSRF("a", "") || SameCSRF("", "") || strings.Contains(CSRF("value"), "value") {
		t.Error("the token is not the session's")
	}
}

func TestRoles(t *testing.T) {
	for i, r := range Roles {
		for j, least := range Roles {
			if r.At(least) != (i >= j) {
				t.Errorf("%s at %s", r, least)
			}
		}
		if len(r.Comprised()) != i+1 {
			t.Error(r.Comprised())
		}
	}
	if Role("").At("") || Role("").At(Viewer) || Role("root").At(Viewer) || Admin.At("root") || len(Role("root").Comprised()) != 0 {
		t.Error("what is no role may something")
	}
}

// However many sign in at once, a few passwords are hashed at once, and the rest wait.
func TestChecksAreBounded(t *testing.T) {
	d, ctx := open(t, Options{}), t.Context()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := d.SignIn(ctx, "nobody", good); !errors.Is(err, ErrRefused) {
				t.Error(err)
			}
			if n := len(d.checks); n > maxChecks {
				t.Errorf("%d at once", n)
			}
		})
	}
	all.Wait()
	if cap(d.checks) != maxChecks {
		t.Error(cap(d.checks))
	}
}

func BenchmarkSignIn(b *testing.B) {
	d := open(b, Options{})
	must(b, d.Add(b.Context(), "alice", Viewer, good))
	for b.Loop() {
		_, _ = d.SignIn(b.Context(), "alice", good)
	}
}
