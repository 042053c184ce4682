package spool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/event/sink"
	"github.com/sallyport/sallyport/exchange"
)

// xor is a sealer whose keys can be destroyed; that it hides anything is not the point.
type xor struct {
	mu     sync.Mutex
	erased map[string]bool
	broken bool
}

func (x *xor) Seal(subject string, plain []byte) ([]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken {
		return nil, errors.New("no keys today")
	}
	return append([]byte(fmt.Sprintf("%-32s", subject)), flip(plain)...), nil
}

func (x *xor) Open(sealed []byte) ([]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.erased[string(bytes.TrimSpace(sealed[:32]))] {
		return nil, event.ErrErased
	}
	return flip(sealed[32:]), nil
}

func flip(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ 0xff
	}
	return out
}

// fake is a sink that does as it is told.
type fake struct {
	mu     sync.Mutex
	got    []string // ids
	bodies [][]byte
	err    func(batch []sink.Message) error
	batch  sink.Batch
}

func (f *fake) Send(_ context.Context, batch []sink.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		if err := f.err(batch); err != nil {
			return err
		}
	}
	for _, m := range batch {
		f.got = append(f.got, m.ID)
		f.bodies = append(f.bodies, m.Body)
	}
	return nil
}

func (f *fake) Batch() sink.Batch {
	if f.batch.Messages == 0 {
		return sink.Batch{Messages: 64, Bytes: 1 << 20}
	}
	return f.batch
}

func (f *fake) Close() error { return nil }

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.got)
}

func (f *fake) fail(err func(batch []sink.Message) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func down([]sink.Message) error { return errors.New("it is down") }

func (f *fake) output(name string, only Only) Output {
	encoding, err := encode.New("json")
	if err != nil {
		panic(err)
	}
	return Output{Name: name, Key: fmt.Sprintf("%p", f), Open: func() (sink.Sink, error) { return f, nil }, Encode: encoding, Variant: "json", Only: only}
}

// told gathers events.
type told struct {
	mu     sync.Mutex
	events []*exchange.Event
}

func (t *told) tell(e *exchange.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

func (t *told) kinds(name string) (list []*exchange.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.Kind == name {
			list = append(list, e)
		}
	}
	return list
}

func opened(t *testing.T, dir string, bytes int64, outputs ...Output) (*Spool, *told) {
	t.Helper()
	heard := &told{}
	s, err := Open(Options{Dir: dir, Bytes: bytes, Sealer: &xor{}, Tell: heard.tell})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(s) })
	if err := s.Apply(outputs); err != nil {
		t.Fatal(err)
	}
	return s, heard
}

// talking is a spool that is told of its own losses, as in a gateway.
func talking(dir string, outputs ...Output) (s *Spool, err error) {
	var early sync.Mutex // nothing is told before there is somebody
	early.Lock()
	defer early.Unlock()
	s, err = Open(Options{Dir: dir, Sealer: &xor{}, Tell: func(e *exchange.Event) {
		early.Lock()
		defer early.Unlock()
		s.Event(e)
	}})
	if err == nil {
		err = s.Apply(outputs)
	}
	return s, err
}

// shut closes without giving sinks any time.
func shut(s *Spool) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Close(ctx)
}

func record(n int) *exchange.Record {
	r := &exchange.Record{ID: fmt.Sprintf("R%08d", n), Time: time.Unix(1_800_000_000, 0).UTC(), API: "shop", Operation: "GET /orders/{id}", Method: "GET", Path: "/orders/4711", Client: "192.0.2.7", Status: 200,
		Principal: &exchange.RecordPrincipal{Subject: "ada", Issuer: "corp", Kind: "jwt"}}
	if n%10 == 0 {
		r.Refused, r.Code, r.Status = true, "policy.role", 403
	}
	return r
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func statsOf(t *testing.T, s *Spool, name string) SinkStats {
	t.Helper()
	for _, one := range s.Stats() {
		if one.Name == name {
			return one
		}
	}
	t.Fatalf("no stats of %s", name)
	return SinkStats{}
}

// balanced demands that everything accepted since the sink was there from the beginning is accounted for.
func balanced(t *testing.T, s *Spool, name string) {
	t.Helper()
	await(t, "everything to be accounted for", func() bool {
		all, one := s.Totals(), statsOf(t, s, name)
		return all.Accepted == all.Lost+one.Delivered+one.Skipped+one.Dropped+one.Dead+one.Pending
	})
}

func clientOf(t *testing.T, line []byte) string {
	t.Helper()
	var r exchange.Record
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	return r.Client
}

// size is how many entries are in memory.
func (t *tail) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries
}
