package gateway

import (
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/differential"
)

// Whatever passes is read by every upstream as it was judged; see docs/differential.md. Bodies that are passed on as they
// come, and those that are judged first, take different ways, and both are tried before each upstream.
func eachUpstream(t *testing.T, do func(t *testing.T, j *judged)) {
	for _, kind := range differential.Kinds {
		for _, way := range []string{"streamed", "buffered"} {
			t.Run(kind.Name+"/"+way, func(t *testing.T) {
				abreast(t, 1, func() *judged { return judge(t, kind.Start(t), way == "buffered") }, func(j *judged) { do(t, j) })
			})
		}
	}
}

// abreast lets several do the same at once, and tells what came of it all.
func abreast(t *testing.T, n int, build func() *judged, do func(*judged)) {
	var all []*judged
	for range n {
		all = append(all, build())
	}
	start := time.Now()
	var working sync.WaitGroup
	for _, j := range all {
		working.Go(func() { do(j) })
	}
	working.Wait()
	var sum tally
	for _, j := range all {
		sum.add(j.tally)
	}
	t.Logf("%d messages, %d requests passed, %d did not reach the upstream whole or were refused by it, %d disagreements, %s",
		sum.messages, sum.passed, sum.unread, len(sum.disagreements), time.Since(start).Round(time.Millisecond))
	for _, d := range sum.disagreements[:min(len(sum.disagreements), 20)] {
		t.Error(d)
	}
}

// Messages that two servers could take for different ones, each with what has to become of it.
func TestDifferentialDesync(t *testing.T) {
	corpus, err := differential.Corpus("desync")
	if err != nil {
		t.Fatal(err)
	}
	eachUpstream(t, func(t *testing.T, j *judged) {
		for _, m := range corpus {
			o, records := j.send(t, m.Name, m.Wire, m.Cut)
			if detail := j.became(m.Want, o, records); detail != "" {
				t.Errorf("%s: %s; answers %v, closed %v", m.Name, detail, o.Statuses, o.Closed)
			}
		}
	})
}

// Spellings of a way to /admin, which is closed. Whatever passes is another path for us and for every upstream, also after
// it has done what servers do to paths.
func TestDifferentialTraversal(t *testing.T) {
	targets, err := differential.Lines("traversal")
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) < 200 {
		t.Fatalf("%d targets", len(targets))
	}
	eachUpstream(t, func(t *testing.T, j *judged) {
		for _, target := range targets {
			_, records := j.send(t, target, []byte("GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n"), false)
			for _, r := range records {
				if r.Upstream != nil && meansAdmin(r.Path) {
					t.Errorf("%s reached the upstream as %s", target, r.Path)
				}
			}
		}
	})
}

// meansAdmin reports whether a server that is lenient with paths would serve /admin for one.
func meansAdmin(canonical string) bool {
	clean := path.Clean("/" + strings.NewReplacer("%20", "", "\\", "/").Replace(canonical))
	return strings.EqualFold(strings.TrimRight(clean, ". "), "/admin")
}

// Messages made by a grammar; SALLYPORT_DIFFERENTIAL says how many, and SALLYPORT_SEED which. Every upstream gets its
// share: those within this process most, as they are fast.
func TestDifferentialGenerated(t *testing.T) {
	count := number(t, "SALLYPORT_DIFFERENTIAL", 420)
	seed := uint64(number(t, "SALLYPORT_SEED", 1))
	var next atomic.Uint64
	for _, kind := range differential.Kinds {
		for _, way := range []string{"streamed", "buffered"} {
			t.Run(kind.Name+"/"+way, func(t *testing.T) {
				n := share(kind.Name, count)
				side := min(sideBySide, 1+n/100)
				abreast(t, side, func() *judged { return judge(t, kind.Start(t), way == "buffered") }, func(j *judged) {
					j.client.Quiet, j.client.Idle = 300*time.Millisecond, 30*time.Millisecond
					for range n / side {
						m := differential.Generate(seed, next.Add(1))
						j.send(t, m.Name, m.Wire, m.Cut)
						if len(j.tally.disagreements) > 20 {
							return
						}
					}
				})
			})
		}
	}
}

// sideBySide is how many gateways, each with a server of its own behind it, work at once, since most of the time goes
// by while the two wait for what a message does not say.
const sideBySide = 12

// share is how many of all messages one of the two ways before an upstream gets: 1 of 20 for each of the servers that are
// processes of their own, the rest for the two that are not.
func share(upstream string, count int) int {
	const others = 5
	if upstream == "raw" || upstream == "go" {
		return count * (20 - others) / 20 / 4
	}
	return count / 20 / 2
}

func number(t *testing.T, variable string, otherwise int) int {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sent counts the requests that reached an upstream whole.
func sent(records []*exchange.Record) (n int) {
	for _, r := range records {
		if r.Upstream != nil && r.Upstream.Status != 0 {
			n++
		}
	}
	return n
}
