package spool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/exchange"
)

// Every sink gets what it selects, in order, once where nothing fails.
func TestDelivery(t *testing.T) {
	all, refusals, events := &fake{}, &fake{}, &fake{}
	s, _ := opened(t, t.TempDir(), 0, all.output("all", Everything), refusals.output("refusals", Refusals), events.output("events", Events))
	for n := range 5000 {
		s.Record(record(n))
	}
	s.Event(exchange.NewEvent(exchange.ConfigApplied, "new"))
	await(t, "all to arrive", func() bool { return all.count() == 5001 && refusals.count() == 500 && events.count() == 1 })
	if !slices.IsSorted(all.got[:5000]) || !slices.IsSorted(refusals.got) {
		t.Error("not in order")
	}
	for _, name := range []string{"all", "refusals", "events"} {
		balanced(t, s, name)
	}
	await(t, "the last to be counted", func() bool { return statsOf(t, s, "refusals").Pending == 0 })
	if one := statsOf(t, s, "refusals"); one.Delivered != 500 || one.Skipped != 4501 || one.Dropped+one.Dead+one.Pending != 0 {
		t.Errorf("%+v", one)
	}
}

// A sink that is down gets everything once it is up again, and both are told; others notice nothing.
func TestSinkDown(t *testing.T) {
	lame, sound := &fake{err: down}, &fake{}
	s, heard := opened(t, t.TempDir(), 0, lame.output("lame", Everything), sound.output("sound", Everything))
	const many = maxTail + 5000 // more than is kept in memory
	for n := range many {
		s.Record(record(n))
		if n%1000 == 0 {
			await(t, "the sound sink", func() bool { return sound.count() > n-2000 })
		}
	}
	await(t, "the sound sink", func() bool { return sound.count() == many })
	await(t, "the failure to be told", func() bool { return len(heard.kinds("sink.failing")) == 1 })
	if one := statsOf(t, s, "lame"); !one.Failing || one.LastError != "it is down" || one.Pending != many {
		t.Errorf("%+v", one)
	}
	s.Record(record(many)) // the writer forgets what only those want that fail
	await(t, "memory to be free", func() bool { return sound.count() == many+1 && s.tail.size() == 0 })
	lame.fail(nil)
	await(t, "the lame sink", func() bool { return lame.count() == many+1 })
	if !slices.IsSorted(lame.got) {
		t.Error("not in order")
	}
	await(t, "the recovery to be told", func() bool { return len(heard.kinds("sink.recovered")) == 1 })
	await(t, "the end of the failure", func() bool { one := statsOf(t, s, "lame"); return !one.Failing && one.Delivered == many+1 })
	await(t, "what was read to be forgotten", func() bool {
		s.own.shelf.mu.Lock()
		defer s.own.shelf.mu.Unlock()
		return len(s.own.shelf.blocks) == 0
	})
	if clientOf(t, lame.bodies[0]) != "192.0.2.7" {
		t.Errorf("what is personal did not come back: %s", lame.bodies[0])
	}
}

// What one process did not deliver, the next one does; cursors of sinks that are gone are forgotten, new ones begin at the end.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	lame, gone := &fake{err: down}, &fake{err: down}
	s, _ := opened(t, dir, 0, lame.output("a", Everything), gone.output("gone", Everything))
	for n := range 100 {
		s.Record(record(n))
	}
	shut(s)

	again, fresh := &fake{}, &fake{}
	s, _ = opened(t, dir, 0, again.output("a", Everything), fresh.output("fresh", Everything))
	await(t, "what was left", func() bool { return again.count() == 100 })
	s.Record(record(100))
	await(t, "the new one", func() bool { return again.count() == 101 && fresh.count() == 1 })
	balanced(t, s, "a")
	if s.own.find("gone") != nil {
		t.Error("the cursor of a sink that is gone is still there")
	}
}

// Close gives sinks that take anything time for what is pending, and does not wait for those that do not.
func TestClose(t *testing.T) {
	slow, lame := &fake{batch: sink.Batch{Messages: 1000, Bytes: 1 << 20, Wait: time.Hour}}, &fake{err: down}
	s, _ := opened(t, t.TempDir(), 0, slow.output("slow", Everything), lame.output("lame", Everything))
	for n := range 50 {
		s.Record(record(n))
	}
	s.Close(context.Background())
	if slow.count() != 50 {
		t.Errorf("%d of 50 were sent", slow.count())
	}
	s.Record(record(51)) // too late, and harmless
}

// Entries that a sink refuses for good are set aside, by themselves, and told.
func TestDeadLetters(t *testing.T) {
	f := &fake{err: func(batch []sink.Message) error {
		for _, m := range batch {
			if m.ID == record(7).ID || m.ID == record(40).ID {
				return &sink.Refused{Err: errors.New("400 Bad Request")}
			}
		}
		return nil
	}}
	picky := &fake{}
	picky.err = func(batch []sink.Message) error {
		for i, m := range batch {
			if m.ID == record(3).ID {
				picky.got = append(picky.got, make([]string, len(batch)-1)...)
				return &sink.Refused{Messages: []int{i}, Err: errors.New("too large")}
			}
		}
		return nil
	}
	dir := t.TempDir()
	s, heard := opened(t, dir, 0, f.output("f", Everything), picky.output("picky", Everything))
	for n := range 64 {
		s.Record(record(n))
	}
	await(t, "the rest", func() bool { return f.count() == 62 && picky.count() == 63 })
	balanced(t, s, "f")
	await(t, "the count", func() bool { return statsOf(t, s, "f").Dead == 2 && statsOf(t, s, "picky").Dead == 1 })
	await(t, "the dead to be told", func() bool { return len(heard.kinds("event.dropped")) >= 2 })
	data, err := os.ReadFile(filepath.Join(dir, "dead", "f"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("192.0.2.7")) {
		t.Error("a dead letter has what is personal in clear")
	}
	got, err := parseFrame(data)
	if err != nil {
		t.Fatal(err)
	}
	i, err := got.item(s.sealer)
	if err != nil || i.Record.ID != record(7).ID {
		t.Errorf("%+v %v", i.Record, err)
	}
}

// Dead letters are bounded.
func TestDeadLettersAreBounded(t *testing.T) {
	d := newDeadLetters(t.TempDir(), "x")
	for range 20 {
		if err := d.append(make([]byte, maxDead/4)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(d.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Size() > maxDead {
			t.Errorf("%s: %v %v", e.Name(), info.Size(), err)
		}
	}
	if len(entries) > 2 {
		t.Errorf("%d files", len(entries))
	}
}

// A journal that has reached its bound loses its oldest entries, for those sinks that have not got them, and tells how many.
func TestBound(t *testing.T) {
	lame, picky, sound := &fake{err: down}, &fake{err: down}, &fake{}
	dir := t.TempDir()
	const bound = 256 << 10
	s, heard := opened(t, dir, bound, lame.output("lame", Everything), picky.output("picky", Refusals), sound.output("sound", Everything))
	const many = 4000
	for n := range many {
		s.Record(record(n))
		if n%200 == 0 {
			await(t, "the sound sink", func() bool { return sound.count() > n-200 })
		}
	}
	await(t, "the sound sink", func() bool { return sound.count() == many })
	for _, name := range []string{"lame", "picky", "sound"} {
		balanced(t, s, name)
	}
	l, p := statsOf(t, s, "lame"), statsOf(t, s, "picky")
	if l.Dropped == 0 || l.Pending == 0 || p.Dropped == 0 || p.Dropped > l.Dropped/9 || statsOf(t, s, "sound").Dropped != 0 {
		t.Errorf("lame %+v, picky %+v", l, p)
	}
	await(t, "the journal to be within its bound", func() bool { return s.Totals().Bytes <= bound+segmentSize(bound) })
	lame.fail(nil)
	await(t, "what is left", func() bool { return statsOf(t, s, "lame").Pending == 0 })
	if l = statsOf(t, s, "lame"); uint64(lame.count()) != l.Delivered || l.Delivered+l.Dropped != many {
		t.Errorf("%d came, %+v", lame.count(), l)
	}
	await(t, "the loss to be told", func() bool {
		var n uint64
		for _, e := range heard.kinds("event.dropped") {
			if c, err := strconv.ParseUint(e.Data["count"], 10, 64); err == nil && e.Object == "lame" {
				n += c
			}
		}
		return n == l.Dropped
	})
}

// A full queue costs nobody time, and what it cannot take is counted and told.
func TestFullQueue(t *testing.T) {
	f := &fake{}
	s, heard := opened(t, t.TempDir(), 0, f.output("f", Everything))
	s.own.mu.Lock() // as a disk that hangs
	for n := range queueSize + 3*groupSize {
		s.Record(record(n))
	}
	s.own.mu.Unlock()
	await(t, "the loss to be told", func() bool { return len(heard.kinds("event.dropped")) > 0 })
	balanced(t, s, "f")
	if all := s.Totals(); all.Lost == 0 || all.Accepted != queueSize+3*groupSize {
		t.Errorf("%+v", all)
	}
	await(t, "the rest", func() bool { return uint64(f.count()) == s.Totals().Accepted-s.Totals().Lost })
}

// Nothing personal lies open on disk, and what was erased does not come back.
func TestPersonalIsSealed(t *testing.T) {
	dir := t.TempDir()
	f := &fake{err: down}
	s, _ := opened(t, dir, 0, f.output("f", Everything))
	s.Record(record(1))
	e := exchange.NewEvent(exchange.AdminAct, "Somebody did something.")
	e.Actor = "admin:grace"
	s.Event(e)
	await(t, "both to be written", func() bool { return s.own.end() == 3 })
	shut(s)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, secret := range []string{"192.0.2.7", "/orders/4711", `"ada"`, `grace"`} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s has %s", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	heard, again := &told{}, &fake{}
	s, err = Open(Options{Dir: dir, Sealer: &xor{erased: map[string]bool{"ada": true}}, Tell: heard.tell})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(s) })
	if err := s.Apply([]Output{again.output("f", Everything)}); err != nil {
		t.Fatal(err)
	}
	await(t, "both", func() bool { return again.count() == 2 })
	if got := clientOf(t, again.bodies[0]); got != "" {
		t.Errorf("%q was erased", got)
	}
	var back exchange.Event
	if err := json.Unmarshal(again.bodies[1], &back); err != nil || back.Actor != "admin:grace" {
		t.Errorf("%+v %v", back, err)
	}
}

// Where nothing can be sealed, what is personal stays away and the rest is kept.
func TestNothingSeals(t *testing.T) {
	dir, f := t.TempDir(), &fake{err: down}
	s, err := Open(Options{Dir: dir, Sealer: &xor{broken: true}, Tell: (&told{}).tell})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply([]Output{f.output("f", Everything)}); err != nil {
		t.Fatal(err)
	}
	s.Record(record(1))
	await(t, "it to be written", func() bool { return s.own.end() == 2 })
	shut(s)
	again := &fake{}
	s, _ = opened(t, dir, 0, again.output("f", Everything))
	await(t, "the rest", func() bool { return again.count() == 1 })
	if got := clientOf(t, again.bodies[0]); got != "" {
		t.Errorf("%q was kept", got)
	}
}

// A changed sink goes on where it was; one that cannot be opened leaves everything as it was.
func TestApply(t *testing.T) {
	lame, sound := &fake{err: down}, &fake{}
	s, _ := opened(t, t.TempDir(), 0, lame.output("a", Everything), sound.output("b", Everything))
	for n := range 10 {
		s.Record(record(n))
	}
	bad := sound.output("c", Everything)
	bad.Open = func() (sink.Sink, error) { return nil, errors.New("no") }
	if err := s.Apply([]Output{sound.output("b", Everything), bad}); err == nil {
		t.Fatal("it was applied")
	}
	mended := &fake{}
	if err := s.Apply([]Output{mended.output("a", Everything), sound.output("b", Everything)}); err != nil {
		t.Fatal(err)
	}
	await(t, "all", func() bool { return mended.count() == 10 && sound.count() == 10 })
}

// A successor writes beside its predecessor, and takes over what that leaves.
func TestSuccessor(t *testing.T) {
	dir := t.TempDir()
	lame := &fake{err: down}
	old, _ := opened(t, dir, 0, lame.output("a", Everything))
	f := &fake{}
	s, _ := opened(t, dir, 0, f.output("a", Everything))
	for n := range 10 {
		old.Record(record(n))
		s.Record(record(n + 10))
	}
	await(t, "its own", func() bool { return f.count() == 10 })
	shut(old)
	await(t, "what was left", func() bool { return f.count() == 20 })
	await(t, "the lane to be removed", func() bool {
		_, err := os.Stat(filepath.Join(dir, "0"))
		return os.IsNotExist(err)
	})
	if all := s.Totals(); all.Accepted != 20 || all.Lost != 0 {
		t.Errorf("%+v", all)
	}
}

// Without a sink nothing is kept.
func TestIdle(t *testing.T) {
	s, _ := opened(t, t.TempDir(), 0)
	s.Record(record(1))
	if all := s.Totals(); all.Accepted != 0 {
		t.Errorf("%+v", all)
	}
}

func BenchmarkRecord(b *testing.B) {
	f := &fake{}
	s, err := Open(Options{Dir: b.TempDir(), Sealer: &xor{}, Tell: func(*exchange.Event) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer shut(s)
	if err := s.Apply([]Output{f.output("f", Everything)}); err != nil {
		b.Fatal(err)
	}
	r := record(1)
	b.ReportAllocs()
	for b.Loop() {
		s.Record(r)
	}
}

// How far a sink is behind is told by what it has got last, while something waits.
func TestLag(t *testing.T) {
	f := &fake{}
	s, _ := opened(t, t.TempDir(), 0, f.output("f", Everything))
	if one := statsOf(t, s, "f"); one.State() != "works" || !one.Newest.IsZero() {
		t.Errorf("%+v", one)
	}
	first := record(1)
	s.Record(first)
	await(t, "the first", func() bool { return statsOf(t, s, "f").Newest.Equal(first.Time) })
	if one := statsOf(t, s, "f"); one.Pending == 0 && one.Lag(time.Now()) != 0 {
		t.Errorf("nothing waits: %+v", one)
	}
	one := SinkStats{Pending: 2, Newest: first.Time}
	if lag := one.Lag(first.Time.Add(time.Minute)); lag != time.Minute {
		t.Error(lag)
	}
	for want, one := range map[string]SinkStats{"fails": {Failing: true, LastError: "down"}, "warns": {LastError: "once"}, "works": {Pending: 1}} {
		if got := one.State(); got != want {
			t.Errorf("%+v: %s", one, got)
		}
	}
	for _, one := range []SinkStats{{Dropped: 1}, {Dead: 1}} {
		if one.State() != "warns" {
			t.Errorf("%+v: %s", one, one.State())
		}
	}
}
