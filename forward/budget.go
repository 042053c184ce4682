package forward

import "sync/atomic"

// A budget bounds retries to a share of the requests, so that they cannot multiply the load on an upstream that is
// already failing. Each request earns a fifth of a retry; at most ten are saved up. Safe for concurrent use.
type budget struct{ spent atomic.Int64 } // in fifths, from 0 (all ten there) to budgetMost (none)

const (
	budgetCost = 5
	budgetMost = 10 * budgetCost
)

// earn credits one request.
func (b *budget) earn() {
	if n := b.spent.Load(); n > 0 {
		b.spent.CompareAndSwap(n, n-1) // losing the race costs a fifth of a retry, not a loop on the request path
	}
}

// spend takes one retry, if there is one.
func (b *budget) spend() bool {
	for {
		n := b.spent.Load()
		if n+budgetCost > budgetMost {
			return false
		}
		if b.spent.CompareAndSwap(n, n+budgetCost) {
			return true
		}
	}
}
