package limit

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
	"github.com/sallyport/sallyport/store/counters"
)

// node is what one process has of bans, behind a link of its own.
type node struct {
	*Bans
	board *BoardBans
	link  *testkit.Relay
	mu    sync.Mutex
	news  []Ban
}

func newNode(t *testing.T, server *testkit.RedisServer) *node {
	t.Helper()
	n := &node{Bans: newBans(time.Now), link: testkit.NewRelay(t, server.Addr)}
	client, err := counters.New(counters.Options{URL: "redis://" + n.link.Addr, Service: "s", Node: n.link.Addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	board, err := client.Board([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	n.board = NewBoardBans(n.Bans, board, func(b Ban) {
		n.mu.Lock()
		n.news = append(n.news, b)
		n.mu.Unlock()
	})
	n.Tell(func(b Ban) { n.board.Tell(b) })
	return n
}

// meet lets nodes exchange until nothing is new.
func meet(t *testing.T, nodes ...*node) {
	t.Helper()
	for range 2 {
		for _, n := range nodes {
			n.reach(t)
		}
	}
}

// reach exchanges once for sure, however slow the machine is.
func (n *node) reach(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		n.board.Exchange(t.Context())
		if err := n.board.Failing(); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func (n *node) has(a string) bool {
	_, is := n.Until(netip.MustParseAddr(a))
	return is
}

// Processes that share nothing but a server know each other's bans, and their ends; who comes late learns them, and so does a server that
// has lost them.
func TestBansOfOthers(t *testing.T) {
	server := testkit.Redis(t)
	a, b := newNode(t, server), newNode(t, server)
	meet(t, a, b)
	until := time.Now().Add(time.Hour)
	a.Impose(netip.MustParseAddr("192.0.2.1"), until, "tries cards", "cli")
	b.Impose(netip.MustParseAddr("2001:db8::1"), until, "the same", "")
	meet(t, a, b)
	if !b.has("192.0.2.1") || !a.has("2001:db8::2") || len(a.news) != 1 || len(b.news) != 1 || b.news[0].Reason != "tries cards" || b.news[0].By != "cli" {
		t.Fatalf("%+v %+v", a.news, b.news)
	}
	b.Lift(netip.MustParseAddr("192.0.2.1"), "cli")
	meet(t, a, b)
	late := newNode(t, server)
	meet(t, late)
	if a.has("192.0.2.1") || late.has("192.0.2.1") || !late.has("2001:db8::1") {
		t.Errorf("%+v %+v", a.List(), late.List())
	}
	server.Kill()
	server.Start(t)
	meet(t, a, b, late)
	last := newNode(t, server)
	meet(t, last)
	if last.has("192.0.2.1") || !last.has("2001:db8::1") {
		t.Errorf("of a server that began anew: %+v", last.List())
	}
	if len(a.news) != 2 || len(late.news) != 2 {
		t.Errorf("nothing is told twice: %+v %+v", a.news, late.news)
	}
}

// A process whose link is cut, by silence or by refusal, says so, keeps what it decides, and tells it when the link is back; the others go on.
func TestBansWhileTheLinkIsCut(t *testing.T) {
	server := testkit.Redis(t)
	a, b, c := newNode(t, server), newNode(t, server), newNode(t, server)
	meet(t, a, b, c)
	until := time.Now().Add(time.Hour)
	for i, cut := range []func(){a.link.Silence, a.link.Refuse} {
		mine, theirs := netip.AddrFrom4([4]byte{192, 0, 2, byte(2 * i)}), netip.AddrFrom4([4]byte{192, 0, 2, byte(2*i + 1)})
		cut()
		a.Impose(mine, until, "decided alone", "")
		b.Impose(theirs, until, "decided elsewhere", "")
		a.board.Exchange(t.Context())
		if a.board.Failing() == nil {
			t.Errorf("cut %d is not noticed", i)
		}
		meet(t, b, c)
		if !a.has(mine.String()) || a.has(theirs.String()) || c.has(mine.String()) || !c.has(theirs.String()) {
			t.Errorf("cut %d: %+v %+v", i, a.List(), c.List())
		}
		a.link.Restore(t)
		meet(t, a, b, c)
		if !a.has(theirs.String()) || !b.has(mine.String()) || !c.has(mine.String()) {
			t.Errorf("after cut %d: %+v %+v", i, a.List(), c.List())
		}
	}
}

// More bans than fit into one call.
func TestManyBansOfOthers(t *testing.T) {
	server := testkit.Redis(t)
	a, b := newNode(t, server), newNode(t, server)
	for i := range 3*counters.MaxNotes + 1 {
		a.Impose(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), time.Now().Add(time.Hour), "x", "")
	}
	meet(t, a, b)
	if n := b.Active(); n != 3*counters.MaxNotes+1 {
		t.Errorf("%d bans", n)
	}
}
