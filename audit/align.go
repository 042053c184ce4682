package audit

import (
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// window is how far apart two leaves may be to be seen as moved in one step.
const window = 2 * tileWidth

// An aligner compares the hashes of the leaves that are there with those that were signed, as both go by, and tells edits,
// deletions, insertions and changes of order from each other. It holds a few tiles of both.
type aligner struct {
	got, want []tlog.Hash
	at        int64 // index of want[0]
	size      int64 // of the whole log
	report    *Report
	gone      map[tlog.Hash]int // leaves that were missed, and the finding that says so
}

func newAligner(at, size int64, r *Report) *aligner {
	return &aligner{at: at, size: size, report: r, gone: map[tlog.Hash]int{}}
}

// feed takes the next hashes of both sides.
func (a *aligner) feed(got, want []tlog.Hash) {
	a.got, a.want = append(a.got, got...), append(a.want, want...)
	a.settle(window)
}

// end settles what is left: what was signed up to here is missing, or there is more than that.
func (a *aligner) end() {
	a.settle(0)
	if n := len(a.want); n > 0 {
		kind, detail := Deleted, "leaves that were signed are not there"
		if a.at+int64(n) == a.size {
			kind, detail = Truncated, "leaves that were signed are not there, up to the end"
		}
		a.miss(kind, n, detail)
	}
	if n := len(a.got); n > 0 {
		a.extra(n)
	}
}

// settle decides about as much as it can while more than margin of both sides is known.
func (a *aligner) settle(margin int) {
	for len(a.got) > margin && len(a.want) > margin {
		if a.got[0] == a.want[0] {
			a.drop(1, 1)
			continue
		}
		ahead, behind := a.distance(a.want, a.got[0]), a.distance(a.got, a.want[0])
		switch {
		case ahead > 0 && behind > 0:
			a.moved()
		case ahead > 0:
			a.miss(Deleted, ahead, "leaves that were signed are not there")
		case behind > 0:
			a.extra(behind)
		default:
			a.edited()
		}
	}
}

// distance is how far ahead in a row a hash stands, or 0.
func (a *aligner) distance(row []tlog.Hash, h tlog.Hash) int {
	return 1 + slices.Index(row[1:min(len(row), window)], h)
}

// moved finds the least number of leaves that are the same in another order.
func (a *aligner) moved() {
	balance := map[tlog.Hash]int{}
	count := func(h tlog.Hash, by int) {
		if balance[h] += by; balance[h] == 0 {
			delete(balance, h)
		}
	}
	for n := range min(len(a.got), len(a.want), window) {
		count(a.got[n], 1)
		count(a.want[n], -1)
		if len(balance) == 0 {
			a.report.add(Finding{Kind: Reordered, Index: a.at, Count: int64(n + 1), Detail: "leaves stand in another order than was signed"})
			a.drop(n+1, n+1)
			return
		}
	}
	a.edited()
}

func (a *aligner) miss(kind Kind, n int, detail string) {
	a.remember(a.want[:n])
	a.report.add(Finding{Kind: kind, Index: a.at, Count: int64(n), Detail: detail})
	a.drop(0, n)
}

// extra are leaves that were not signed here; one that was missed before has only been moved.
func (a *aligner) extra(n int) {
	if i, known := a.gone[a.got[0]]; known && n == 1 {
		a.report.Findings[i].Kind, a.report.Findings[i].Detail = Reordered, "the leaf was moved further on"
	} else {
		a.report.add(Finding{Kind: Inserted, Index: a.at, Count: int64(n), Detail: "leaves stand here that were not signed"})
	}
	a.drop(n, 0)
}

// edited is one leaf in the place of another; two that have changed places are told as that.
func (a *aligner) edited() {
	f := Finding{Kind: Edited, Index: a.at, Count: 1, File: bundlePath(a.at/tileWidth, widthOf(0, a.at/tileWidth, a.size)), Detail: "the leaf is not the one that was signed"}
	if i, known := a.gone[a.got[0]]; known {
		f.Kind, f.Detail = Reordered, "this leaf was signed at another place"
		a.report.Findings[i].Kind, a.report.Findings[i].Detail = Reordered, "this leaf was signed at another place"
	}
	a.remember(a.want[:1])
	a.report.add(f)
	a.drop(1, 1)
}

// remember that leaves are missed by the finding that comes next.
func (a *aligner) remember(hashes []tlog.Hash) {
	for _, h := range hashes {
		if next := len(a.report.Findings); next < maxFindings && len(a.gone) < 64*maxFindings {
			a.gone[h] = next
		}
	}
}

func (a *aligner) drop(got, want int) {
	a.got, a.want, a.at = a.got[got:], a.want[want:], a.at+int64(want)
}
