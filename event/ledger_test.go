package event

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store/keyring"
)

// book is an audit log in a folder, and its ring of keys.
type book struct {
	dir  string
	key  audit.Key
	log  *audit.Log
	ring *keyring.Ring
}

func newBook(t testing.TB) *book {
	t.Helper()
	b := &book{dir: t.TempDir()}
	secret, err := audit.NewKey("log.example/ledger")
	if err == nil {
		b.key, err = audit.ParseKey(secret)
	}
	if err == nil {
		b.log, err = audit.Open(audit.Options{Dir: b.dir, Key: b.key})
	}
	if err == nil {
		b.ring, err = keyring.Open(t.TempDir(), keyring.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.log.Close(); b.ring.Close() })
	return b
}

// leaves closes the log and reads all of it, after it was verified.
func (b *book) leaves(t testing.TB) (list [][]byte) {
	t.Helper()
	if err := b.log.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(context.Background(), os.DirFS(b.dir), audit.Verification{Key: b.key.Verifier})
	if err != nil || len(r.Findings) > 0 {
		t.Fatal(r, err)
	}
	c, _, err := audit.Head(os.DirFS(b.dir), b.key.Verifier)
	for i := int64(0); i < c.Size && err == nil; i++ {
		var leaf []byte
		leaf, err = audit.Leaf(os.DirFS(b.dir), c, i)
		list = append(list, leaf)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// person is a record with everything in it that may tell of somebody.
func person(i int) *exchange.Record {
	now := time.Now().UTC()
	return &exchange.Record{ID: exchange.NewID(now), Time: now, API: "shop", Operation: "GET /orders/{id}", Method: "GET", Host: "shop.example", Path: "/orders/alice-7",
		Query: "q=alice-q", Client: "203.0.113.77", Peer: "203.0.113.78", UserAgent: "alices-browser", JA4: "t13d1516h2_8daaf6152771_alice", Status: 403, Refused: true, Code: "policy.role", Detail: "GET /orders/alice-7", Steps: []exchange.RecordStep{{Guard: "identity", Mode: "enforce"}, {Guard: "policy.operation", Mode: "enforce", Detail: "alice may not"}},
		Principal: &exchange.RecordPrincipal{Subject: fmt.Sprintf("alice-%d@example.com", i), Issuer: "https://idp.example/", Kind: "jwt", Roles: []string{"customer"}}}
}

// What is logged: refusals, severe findings, a share of the rest, every event.
func TestLedgerSelects(t *testing.T) {
	found := func(s exchange.Severity) *exchange.Record {
		return &exchange.Record{Findings: []exchange.Finding{{Severity: s}}}
	}
	for _, c := range []struct {
		o    LedgerOptions
		r    *exchange.Record
		want bool
	}{
		{LedgerOptions{Findings: "off"}, &exchange.Record{Refused: true}, true},
		{LedgerOptions{Findings: "off"}, found(exchange.Critical), false},
		{LedgerOptions{Findings: "high"}, found(exchange.Medium), false},
		{LedgerOptions{Findings: "high"}, found(exchange.High), true},
		{LedgerOptions{Findings: "high"}, found(exchange.Critical), true},
		{LedgerOptions{Findings: "info"}, found(exchange.Info), true},
		{LedgerOptions{}, &exchange.Record{}, false},
		{LedgerOptions{Share: 1}, &exchange.Record{}, true},
	} {
		b := newBook(t)
		l := NewLedger(b.log, c.o)
		l.Record(c.r)
		l.Close()
		if got := len(b.leaves(t)) == 1; got != c.want {
			t.Errorf("%+v of %+v: logged %v", c.o, c.r, got)
		}
	}
	l, n := &Ledger{o: LedgerOptions{Share: 0.1}}, 0
	for range 10_000 {
		if l.wants(&exchange.Record{ID: exchange.NewID(time.Now())}) {
			n++
		}
	}
	if n < 800 || n > 1200 {
		t.Errorf("a tenth of 10,000 is %d", n)
	}
}

// Nothing in the files of the log names a person; who has the ring reads it; and once the person's key is destroyed nobody
// does, while the log and every proof are as valid as before.
func TestLedgerSealsPersons(t *testing.T) {
	b := newBook(t)
	l := NewLedger(b.log, LedgerOptions{Sealer: b.ring})
	first, second := person(1), person(2)
	l.Record(first)
	l.Record(second)
	e := exchange.NewEvent(exchange.KeyRevoked, "a key was revoked")
	e.Actor, e.Subject, e.Object = "admin:carol", "dave@example.com", "key-1"
	l.Event(e)
	l.Close()
	leaves := b.leaves(t)
	if len(leaves) != 3 {
		t.Fatalf("%d leaves", len(leaves))
	}
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, s := range []string{"alice", "203.0.113", "carol", "dave"} {
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("%s has %q in clear", path, s)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err := ReadLeaf(leaves[0], b.ring); err != nil || leaf.Exchange.Client != first.Client || leaf.Exchange.Principal.Subject != first.Principal.Subject || leaf.Exchange.Path != first.Path || leaf.Exchange.Detail != first.Detail || leaf.Exchange.Steps[1].Detail != first.Steps[1].Detail || leaf.ID != first.ID {
		t.Errorf("%+v, %v", leaf, err)
	}
	if leaf, err := ReadLeaf(leaves[2], b.ring); err != nil || leaf.Event.Actor != e.Actor || leaf.Event.Subject != e.Subject {
		t.Errorf("%+v, %v", leaf, err)
	}
	if err := b.ring.Erase(context.Background(), e.Actor); err != nil {
		t.Fatal(err)
	}
	if leaf, err := ReadLeaf(leaves[2], b.ring); !errors.Is(err, keyring.ErrErased) || leaf.Event.Actor != "" || leaf.Event.Subject != e.Subject {
		t.Errorf("after the erasure of who did it: %+v, %v", leaf.Event, err)
	}
	proof, err := audit.Prove(os.DirFS(b.dir), b.key.Verifier, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ring.Erase(context.Background(), first.Whose()); err != nil {
		t.Fatal(err)
	}
	if leaf, err := ReadLeaf(leaves[0], b.ring); !errors.Is(err, keyring.ErrErased) || leaf.Exchange.Client != "" || leaf.Exchange.Code != "policy.role" {
		t.Errorf("after the erasure: %+v, %v", leaf, err)
	}
	if _, err := ReadLeaf(leaves[1], b.ring); err != nil {
		t.Errorf("another person's: %v", err)
	}
	if _, err := proof.Verify(leaves[0], b.key.Verifier); err != nil {
		t.Error(err)
	}
	b.leaves(t) // verifies again
}

// Without a ring what is personal is not there at all.
func TestLedgerWithoutRing(t *testing.T) {
	b := newBook(t)
	l := NewLedger(b.log, LedgerOptions{})
	l.Record(person(1))
	l.Close()
	if leaf := b.leaves(t)[0]; bytes.Contains(leaf, []byte("alice")) || bytes.Contains(leaf, []byte("sealed")) {
		t.Errorf("%s", leaf)
	}
}

// A leaf is canonical: the same content is the same bytes, keys in order. One that would be too large is cut, and says so.
func TestLeavesAreCanonical(t *testing.T) {
	b := newBook(t)
	l := NewLedger(b.log, LedgerOptions{})
	long := person(1)
	for range 1000 {
		long.Findings = append(long.Findings, exchange.Finding{Rule: "942100", Message: strings.Repeat("x", 100)})
	}
	l.Record(long)
	l.Close()
	leaf := b.leaves(t)[0]
	if !bytes.HasPrefix(leaf, []byte(`{"appended":"20`)) || bytes.Contains(leaf, []byte(`": `)) || !bytes.HasSuffix(leaf, []byte(`,"v":1}`)) || !bytes.Contains(leaf, []byte(`"cut":true`)) {
		t.Errorf("%.200s", leaf)
	}
	if n := l.Dropped(); n != 0 {
		t.Errorf("%d dropped", n)
	}
}

// Commit returns when the leaf is durable; the bus does not bring it twice; and a log that cannot be written is an error.
func TestLedgerCommits(t *testing.T) {
	b := newBook(t)
	told := make(chan *exchange.Event, 10)
	l := NewLedger(b.log, LedgerOptions{Told: func(e *exchange.Event) { told <- e }})
	e := exchange.NewEvent(exchange.ConfigApplied, "")
	if err := l.Commit(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	if n := b.log.Stats().Size; n != 1 {
		t.Errorf("%d leaves", n)
	}
	Bus{l}.Event(e)
	l.Close()
	if n := len(b.leaves(t)); n != 1 {
		t.Errorf("%d leaves", n)
	}
	after := NewLedger(b.log, LedgerOptions{Told: func(e *exchange.Event) { told <- e }})
	if err := after.Commit(context.Background(), exchange.NewEvent(exchange.ConfigApplied, "")); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("a closed log: %v", err)
	}
	after.Record(person(1))
	if e := <-told; e.Kind != exchange.Dropped.Name || e.Object != "audit" || e.Data["lost"] != "2" {
		t.Errorf("%+v", e)
	}
	after.Close()
}

// What one core can seal, write down and hash; audit's BenchmarkAppend is without that.
func BenchmarkLedger(b *testing.B) {
	book := newBook(b)
	l := NewLedger(book.log, LedgerOptions{Sealer: book.ring})
	people := make([]*exchange.Record, 100)
	for i := range people {
		people[i] = person(i)
		for range 14 {
			people[i].Steps = append(people[i].Steps, exchange.RecordStep{Guard: "validate.params", Mode: "enforce", Took: 12345})
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for len(l.queue) > ledgerSize/2 {
			time.Sleep(100 * time.Microsecond)
		}
		l.Record(people[i%100])
	}
	l.Close()
	if n := l.Dropped(); n > 0 {
		b.Fatal(n)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
}
