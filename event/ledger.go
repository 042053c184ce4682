package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/exchange"
)

// LedgerOptions say what becomes a leaf of the audit log.
type LedgerOptions struct {
	Findings string  // the least severity of findings that are logged; "off": none
	Share    float64 // of the exchanges that were neither refused nor found at, between 0 and 1
	Sealer   Sealer  // nil: what is personal is left out
	// Told is told of leaves that were lost, as an event, at most once a minute.
	Told func(*exchange.Event)
}

// A Ledger hands what must be provable to the audit log: refusals, findings, a share of the other exchanges, and every
// event. It never blocks an exchange. Close it before the log.
type Ledger struct {
	o         LedgerOptions
	log       *audit.Log
	severe    []exchange.Severity
	queue     chan any // *exchange.Record or *exchange.Event
	committed sync.Map // events that are in the log already, until the bus brings them
	dropped   atomic.Int64
	crowd     crowd
	quit      chan struct{}
	done      chan struct{}
}

// ledgerSize bounds what waits to be written down; the log has a bound of its own behind it.
const ledgerSize = 16384

// NewLedger writes to log, which it does not close.
func NewLedger(log *audit.Log, o LedgerOptions) *Ledger {
	all := []exchange.Severity{exchange.Info, exchange.Low, exchange.Medium, exchange.High, exchange.Critical}
	l := &Ledger{o: o, log: log, queue: make(chan any, ledgerSize), quit: make(chan struct{}), done: make(chan struct{})}
	if i := slices.Index(all, exchange.Severity(o.Findings)); i >= 0 {
		l.severe = all[i:]
	}
	l.crowd.left.Store(crowdMost)
	go l.run()
	return l
}

// Record queues an exchange that is to be logged.
func (l *Ledger) Record(r *exchange.Record) {
	if l.wants(r) && (!atTheDoor(r) || l.crowd.lets()) {
		l.put(r)
	}
}

// Event queues an event, unless [Ledger.Commit] has brought it to the log.
func (l *Ledger) Event(e *exchange.Event) {
	if _, known := l.committed.LoadAndDelete(e.ID); !known {
		l.put(e)
	}
}

func (l *Ledger) put(what any) {
	select {
	case l.queue <- what:
	default:
		l.dropped.Add(1)
	}
}

// wants tells whether an exchange is logged. Which part of the unremarkable ones is, their ids decide: the same in every
// process, and nothing that a client could choose.
func (l *Ledger) wants(r *exchange.Record) bool {
	if r.Refused || slices.ContainsFunc(r.Findings, func(f exchange.Finding) bool { return slices.Contains(l.severe, f.Severity) }) {
		return true
	}
	if l.o.Share <= 0 || l.o.Share >= 1 {
		return l.o.Share >= 1
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.ID)) // never fails
	return float64(h.Sum64()>>11) < l.o.Share*math.Exp2(53)
}

// Commit appends an event and returns once its leaf is durable. After an error it is not in the log. Whoever hands the
// event to the bus afterwards does not log it twice.
func (l *Ledger) Commit(ctx context.Context, e *exchange.Event) error {
	leaf, err := l.leaf(e)
	if err != nil {
		return err
	}
	p, err := l.log.Append(leaf)
	if err == nil {
		_, err = p.Wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("couldn't write to the audit log: %w", err)
	}
	l.committed.Store(e.ID, nil)
	return nil
}

// Dropped counts what was to be logged and is not.
func (l *Ledger) Dropped() int64 { return l.dropped.Load() + l.log.Stats().Dropped }

// Close hands over what is queued.
func (l *Ledger) Close() {
	close(l.quit)
	<-l.done
}

func (l *Ledger) run() {
	defer close(l.done)
	tick, many := time.NewTicker(time.Minute), time.NewTicker(crowdTells)
	defer tick.Stop()
	defer many.Stop()
	told, failed, quit := int64(0), false, l.quit
	for open := true; open || len(l.queue) > 0; {
		select {
		case what := <-l.queue:
			polite(len(l.queue), ledgerSize)
			if l.append(what) || failed {
				continue
			}
			failed = true // the first loss is told at once, further ones by the minute
		case <-tick.C:
			failed = false
		case <-many.C:
			l.condense(crowdTells)
			continue
		case <-quit:
			quit, open = nil, false
			l.condense(0)
			continue
		}
		if lost := l.Dropped(); lost > told && l.o.Told != nil {
			l.o.Told(loss(lost - told))
			told = lost
		}
	}
}

// condense tells of the refusals that have no leaf of their own.
func (l *Ledger) condense(d time.Duration) {
	if e := l.crowd.refill(d); e != nil {
		l.append(e)
	}
}

func loss(n int64) *exchange.Event {
	e := exchange.NewEvent(exchange.Dropped, "the audit log took less than there was to write down")
	e.Object, e.Data = "audit", map[string]string{"lost": strconv.FormatInt(n, 10)}
	return e
}

func (l *Ledger) append(what any) bool {
	leaf, err := l.leaf(what)
	if err != nil {
		l.dropped.Add(1)
		slog.Error("a leaf of the audit log couldn't be made", "error", err)
		return false
	}
	_, err = l.log.Append(leaf)
	return err == nil // the log has counted it
}

// A Leaf is an entry of the audit log, in the canonical form of JSON (RFC 8785). What may tell of a person is sealed.
type Leaf struct {
	V        int              `json:"v"`        // 1
	Appended time.Time        `json:"appended"` // when it was handed to the log: leaves stand in this order
	ID       string           `json:"id"`       // of the exchange or event
	Exchange *exchange.Record `json:"exchange,omitempty"`
	Event    *exchange.Event  `json:"event,omitempty"`
	Cut      bool             `json:"cut,omitempty"`    // steps, findings and fields were left out, because they would not fit
	Sealed   []byte           `json:"sealed,omitempty"` // as JSON, under the key of the person
}

// leaf makes the leaf of a record or an event.
func (l *Ledger) leaf(what any) ([]byte, error) {
	leaf := Leaf{V: 1, Appended: time.Now().UTC()}
	var whose string
	var s exchange.Personal
	sealer := l.o.Sealer
	if sealer == nil {
		sealer = Nobody{}
	}
	switch x := what.(type) {
	case *exchange.Record:
		public, private := x.Part()
		leaf.ID, leaf.Exchange, whose, s = x.ID, &public, x.Whose(), private
	case *exchange.Event:
		public, personal, err := PartEvent(x, sealer)
		if err != nil {
			return nil, err
		}
		leaf.ID, leaf.Event, whose, s = x.ID, &public, x.Whose(), personal
	}
	if whose != "" {
		plain, err := json.Marshal(s)
		if err == nil {
			leaf.Sealed, err = sealer.Seal(whose, plain)
		}
		if err != nil {
			return nil, fmt.Errorf("couldn't seal: %w", err)
		}
	}
	data, err := canonical(leaf)
	if err == nil && len(data) > audit.MaxLeaf && leaf.Exchange != nil {
		leaf.Cut, leaf.Exchange.Steps, leaf.Exchange.Findings, leaf.Exchange.Fields = true, nil, nil, nil
		data, err = canonical(leaf)
	}
	if err == nil && len(data) > audit.MaxLeaf {
		err = audit.ErrTooLarge
	}
	return data, err
}

func canonical(leaf Leaf) ([]byte, error) {
	data, err := json.Marshal(leaf)
	v := jsontext.Value(data)
	return v, errors.Join(err, v.Canonicalize())
}

// Appended reads when a leaf was handed to the log.
func Appended(data []byte) (time.Time, bool) {
	leaf, err := ReadLeaf(data, nil)
	if err != nil {
		return time.Time{}, false
	}
	return leaf.Appended, true
}

// ReadLeaf reads a leaf, and what of it is sealed where open is not nil: without the person's key that stays empty.
func ReadLeaf(data []byte, open Sealer) (*Leaf, error) {
	leaf := &Leaf{}
	if err := json.Unmarshal(data, leaf); err != nil {
		return nil, fmt.Errorf("couldn't read a leaf: %w", err)
	}
	if leaf.Sealed == nil || open == nil {
		return leaf, nil
	}
	var s exchange.Personal
	plain, erased := open.Open(leaf.Sealed)
	if erased != nil && !errors.Is(erased, ErrErased) {
		return leaf, erased
	}
	if erased == nil {
		if err := json.Unmarshal(plain, &s); err != nil {
			return leaf, fmt.Errorf("couldn't read what was sealed: %w", err)
		}
	}
	if leaf.Exchange != nil {
		leaf.Exchange.Restore(s)
	}
	if leaf.Event != nil {
		return leaf, errors.Join(erased, RestoreEvent(leaf.Event, s, open))
	}
	return leaf, erased
}
