// Package quota counts who has used how much in the present day and month, and keeps it in the store. Whom to ask for how much
// is for package limit to say.
package quota

import (
	"cmp"
	"sync/atomic"
	"time"
)

// A Key is what an account is found under: 128 bits that nobody outside can choose.
type Key struct{ Hi, Lo uint64 }

// Options of a Book.
type Options struct {
	Accounts int              // that have room of their own in one month
	Now      func() time.Time // the clock
	Key      func(Holder) Key // of whoever the store knows
}

// A Book has the accounts of the process. It is safe for concurrent use.
type Book struct {
	accounts  *accounts
	calendar  calendar
	now       func() time.Time
	key       func(Holder) Key
	unwritten atomic.Uint64 // attempts to write that failed
	tidied    int64         // day on which old use was deleted last; of the one goroutine that writes
}

// New makes a book of nothing yet.
func New(o Options) *Book {
	return &Book{accounts: newAccounts(o.Accounts), now: o.Now, key: o.Key}
}

// At are the windows of a time.
func (b *Book) At(t time.Time) *Windows { return b.calendar.at(t) }

// Find returns the account of the key, or nil.
func (b *Book) Find(k Key) *Account { return b.accounts.find(k) }

// Open returns the account of the key, which is made for h where there is none.
func (b *Book) Open(k Key, h Holder) *Account { return b.accounts.open(k, h) }

// Take uses so much more where it fits into l, the limits of a plan ("": of none); else over is the longest window that it
// does not fit into. used is what is used then.
func (b *Book) Take(a *Account, l *Limits, plan string, more Use, w *Windows) (used Limits, over Span, ok bool) {
	first := false
	a.mu.Lock()
	late := a.roll(w)
	if over, ok = a.fits(l, more); ok {
		first = a.add(more)
	}
	if ok || plan == "" {
		a.most, a.named = l, cmp.Or(plan, a.named)
	}
	used = Limits{a.of[Day].used, a.of[Month].used}
	a.mu.Unlock()
	b.settle(a, late, first)
	return used, over, ok
}

// Charge uses so much more, whether it fits or not; less than nothing is given back.
func (b *Book) Charge(a *Account, more Use) {
	if more == (Use{}) {
		return
	}
	w := b.calendar.at(b.now())
	a.mu.Lock()
	late := a.roll(w)
	first := a.add(more)
	a.mu.Unlock()
	b.settle(a, late, first)
}

// settle has written what is to be.
func (b *Book) settle(a *Account, late []row, first bool) {
	b.accounts.remember(late)
	if first {
		b.accounts.enqueue(a)
	}
}
