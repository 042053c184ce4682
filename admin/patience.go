package admin

import (
	"maps"
	"sync"
	"time"
)

// A patience makes whoever guesses passwords wait, twice as long after each failure, up to [longest]. It counts for the
// account as one address sees it, for the address whatever the account, and for the account as all strangers together see
// it. Strangers cannot lock somebody out: an address from which the account was signed in to does not wait for what
// others have done. Counts are in memory, bounded, and forgotten after [forgetful] without a failure. It is safe for
// concurrent use.
type patience struct {
	mu    sync.Mutex
	tries map[string]try
	known map[string]time.Time // addresses of accounts, and when they last signed in
}

// A try is what is remembered under a key.
type try struct {
	failures int
	last     time.Time
}

const (
	longest   = 15 * time.Minute
	forgetful = time.Hour
	knows     = 30 * 24 * time.Hour // an address its account, until the process ends
	maxTries  = 20_000
	maxKnown  = 5_000
)

// How many failures are free: people mistype, and many may sit behind one address.
const (
	freeHere    = 5  // of an account from one address
	freeAddress = 20 // from one address
	freeAccount = 20 // of an account, from all addresses together
)

func here(user, address string) string { return "h\x00" + user + "\x00" + address }
func from(address string) string       { return "a\x00" + address }
func account(user string) string       { return "u\x00" + user }

// wait is how long the address has to wait before it may try the account; user "" is a token, which has no account.
func (p *patience) wait(user, address string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := max(p.left(from(address), freeAddress, now), p.left(here(user, address), freeHere, now))
	if user != "" && now.Sub(p.known[here(user, address)]) > knows {
		left = max(left, p.left(account(user), freeAccount, now))
	}
	return left
}

func (p *patience) left(key string, free int, now time.Time) time.Duration {
	t := p.tries[key]
	if t.failures < free || now.Sub(t.last) > forgetful {
		return 0
	}
	pause := min(time.Second<<min(t.failures-free, 10), longest)
	return t.last.Add(pause).Sub(now)
}

// failed counts a failure.
func (p *patience) failed(user, address string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := []string{from(address), here(user, address)}
	if user != "" {
		keys = append(keys, account(user))
	}
	for _, key := range keys {
		t := p.tries[key]
		if now.Sub(t.last) > forgetful {
			t.failures = 0
		}
		p.keep(key, try{t.failures + 1, now})
	}
}

// passed forgets what the address has failed at with the account, and remembers that it knows it.
func (p *patience) passed(user, address string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tries, here(user, address))
	if p.known == nil || len(p.known) >= maxKnown {
		p.known = map[string]time.Time{} // who signs in so often is known again soon
	}
	p.known[here(user, address)] = now
}

// keep remembers; when there is no room, what lies back furthest goes.
func (p *patience) keep(key string, t try) {
	if p.tries == nil {
		p.tries = map[string]try{}
	}
	if _, there := p.tries[key]; !there && len(p.tries) >= maxTries {
		for age := forgetful; len(p.tries) > maxTries/2 && age > time.Microsecond; age /= 2 {
			maps.DeleteFunc(p.tries, func(_ string, old try) bool { return t.last.Sub(old.last) > age })
		}
	}
	p.tries[key] = t
}
