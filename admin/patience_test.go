package admin

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/admin/people"
)

// began is when tests of the clock begin.
var began = time.Unix(1_800_000_000, 0)

// guesses counts how many passwords may be tried in a time by addresses that take turns, without a right one.
func guesses(p *patience, user string, addresses int, during time.Duration) (n int) {
	for i, now := 0, began; now.Sub(began) < during; i, now = i+1, now.Add(time.Second) {
		from := fmt.Sprint("198.51.100.", i%addresses)
		if p.wait(user, from, now) <= 0 {
			p.failed(user, from, now)
			n++
		}
	}
	return n
}

// However many addresses somebody has, an account is guessed at a few times an hour; and from one address hardly at all.
func TestGuessesAreFew(t *testing.T) {
	for addresses, most := range map[int]int{1: 5 + 10 + 4*8, 200: 20 + 10 + 4*8} {
		p := &patience{}
		if n := guesses(p, "alice", addresses, 8*time.Hour); n > most || n < 20 {
			t.Errorf("%d addresses: %d guesses in eight hours, %d at most", addresses, n, most)
		}
	}
}

// Whoever guesses cannot keep the owner from an address that knows the account; elsewhere the owner waits, too.
func TestStrangersLockNobodyOut(t *testing.T) {
	p := &patience{}
	p.passed("alice", "203.0.113.5", began)
	guesses(p, "alice", 200, 8*time.Hour)
	now := began.Add(8 * time.Hour)
	if left := p.wait("alice", "203.0.113.5", now); left > 0 {
		t.Errorf("the owner waits %s", left)
	}
	p.failed("alice", "203.0.113.99", now)
	if left := p.wait("alice", "203.0.113.6", now); left <= 0 || left > longest {
		t.Errorf("an address that nobody knows waits %s", left)
	}
	if left := p.wait("bob", "203.0.113.6", now); left > 0 {
		t.Errorf("another account waits %s", left)
	}
	// The known address has no more tries than others.
	for range 5 {
		p.failed("alice", "203.0.113.5", now)
	}
	if left := p.wait("alice", "203.0.113.5", now); left != time.Second {
		t.Errorf("after five failures it waits %s", left)
	}
	for range 20 {
		p.failed("alice", "203.0.113.5", now)
	}
	if left := p.wait("alice", "203.0.113.5", now); left != longest {
		t.Errorf("after many it waits %s", left)
	}
	if left := p.wait("alice", "203.0.113.5", now.Add(forgetful+time.Second)); left > 0 {
		t.Errorf("an hour later it waits %s", left)
	}
}

// One address that tries many accounts waits as well, and so does one that tries tokens.
func TestOneAddressManyAccounts(t *testing.T) {
	p := &patience{}
	for i := range freeAddress {
		p.failed(fmt.Sprint("user", i), "198.51.100.7", began)
	}
	if left := p.wait("another", "198.51.100.7", began); left <= 0 {
		t.Error("it does not wait")
	}
	for range freeHere {
		p.failed("", "198.51.100.8", began)
	}
	if left := p.wait("", "198.51.100.8", began); left <= 0 {
		t.Error("tokens are tried without end")
	}
}

// Names without end fill no memory, and hide nothing that is fresh.
func TestPatienceIsBounded(t *testing.T) {
	p := &patience{}
	now := began
	for i := range 3 * maxTries {
		now = now.Add(10 * time.Millisecond)
		p.failed(fmt.Sprint("user", i), fmt.Sprint(i), now)
		p.passed(fmt.Sprint("user", i), fmt.Sprint(i), now)
	}
	if len(p.tries) > maxTries+3 || len(p.known) > maxKnown {
		t.Errorf("%d tries, %d known", len(p.tries), len(p.known))
	}
	for range 6 {
		p.failed("alice", "198.51.100.9", now)
	}
	if p.wait("alice", "198.51.100.9", now) <= 0 {
		t.Error("what is fresh is forgotten")
	}
}

// The same through the door: the owner continues where the owner has been.
func TestSignInBacksOff(t *testing.T) {
	s := newStand(t)
	s.user("alice", people.Viewer)
	attempt := func(peer, pass string) int {
		r := s.request("POST", "/api/v1/session", fmt.Sprintf(`{"user":"alice","password":%q}`, pass))
		r.RemoteAddr = peer + ":1"
		return s.serve(r).Code
	}
	if got := attempt("203.0.113.5", password); got != 201 {
		t.Fatal(got)
	}
	for i := range freeAccount {
		if got := attempt(fmt.Sprint("198.51.100.", i), "wrong horse battery"); got != 401 {
			t.Fatalf("attempt %d: %d", i, got)
		}
	}
	if got := attempt("198.51.100.200", password); got != 429 {
		t.Errorf("a stranger's address while somebody guesses: %d", got)
	}
	if got := attempt("203.0.113.5", password); got != 201 {
		t.Errorf("the owner: %d", got)
	}
}
