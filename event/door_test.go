package event

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

// A flood at the door has its first leaves and is told of as a whole; other refusals have theirs whatever comes at the door.
func TestFloodAtTheDoorIsCondensed(t *testing.T) {
	b := newBook(t)
	l := NewLedger(b.log, LedgerOptions{})
	for range crowdMost + 500 {
		l.Record(&exchange.Record{ID: exchange.NewID(time.Now()), Refused: true, Code: exchange.AdmissionRefused.Code})
	}
	l.Record(&exchange.Record{ID: exchange.NewID(time.Now()), Refused: true, Code: exchange.NotOwner.Code})
	l.Close()
	kinds, condensed := map[string]int{}, ""
	for _, data := range b.leaves(t) {
		leaf, err := ReadLeaf(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if leaf.Event != nil {
			condensed = leaf.Event.Data["refusals"]
			continue
		}
		kinds[leaf.Exchange.Code]++
	}
	if kinds["limit.admit"] != crowdMost || kinds["policy.not_owner"] != 1 || condensed != "500" {
		t.Errorf("%v, and %s condensed", kinds, condensed)
	}
	var c crowd
	c.refill(crowdTells)
	if n := c.left.Load(); n != 200 {
		t.Errorf("after ten seconds there is room for %d", n)
	}
}

func TestWhatIsAtTheDoor(t *testing.T) {
	for _, c := range []struct {
		r    exchange.Record
		want bool
	}{
		{exchange.Record{Refused: true, Code: "limit.banned"}, true}, {exchange.Record{Refused: true, Code: "limit.overload"}, true},
		{exchange.Record{Refused: true, Code: "limit.rate"}, false}, {exchange.Record{Refused: true, Code: "identity.missing"}, false}, {exchange.Record{}, false},
	} {
		if got := atTheDoor(&c.r); got != c.want {
			t.Errorf("%+v", c.r)
		}
	}
}
