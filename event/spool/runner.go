package spool

import (
	"errors"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/event/sink"
)

// A runner brings one sink what one lane has for it.
type runner struct {
	*output
	lane   *lane
	slot   *slot
	own    bool          // the lane is written to
	wake   chan struct{} // something was written
	reader reader
}

// A letter is a message with what it was made of.
type letter struct {
	message sink.Message
	item    encode.Item
}

// A parcel is a stretch of the journal, as the sink is to get it.
type parcel struct {
	letters    []letter
	bytes      int
	from       uint64 // where the cursor was
	next       uint64 // the first entry that is not in it
	skipped    uint64 // entries that the sink does not want
	unreadable uint64
}

func (r *runner) run() {
	defer r.reader.close()
	for {
		p := r.gather()
		if p == nil {
			return
		}
		r.sending.Lock()
		refused, ok := r.deliver(p.letters, func() bool { return r.cursor() != p.from })
		r.sending.Unlock()
		switch {
		case ok:
			r.settle(p, refused)
		case r.ended():
			return
		}
	}
}

// deliver sends messages until they have arrived or are refused for good. It returns how many are refused; ok is false
// where the output ends first, or they are overdue.
func (r *runner) deliver(all []letter, overdue func() bool) (refused uint64, ok bool) {
	for {
		err := r.send(all)
		if err == nil {
			r.recovered()
			r.reached(all)
			return 0, true
		}
		var final *sink.Refused
		if errors.As(err, &final) {
			r.recovered() // it answers
			return r.bury(all, final, overdue)
		}
		if !r.failed(err) || overdue() {
			return 0, false
		}
	}
}

// bury finds out which messages of a batch are refused, and keeps those as dead letters.
func (r *runner) bury(all []letter, why *sink.Refused, overdue func() bool) (refused uint64, ok bool) {
	if why.Messages == nil && len(all) > 1 {
		half := len(all) / 2
		first, ok := r.deliver(all[:half], overdue)
		if !ok {
			return first, false
		}
		second, ok := r.deliver(all[half:], overdue)
		return first + second, ok
	}
	indexes := why.Messages
	if indexes == nil {
		indexes = []int{0}
	}
	for _, i := range indexes {
		r.dead.keep(all[i], clip(why.Err.Error()), r.spool)
	}
	n := uint64(len(indexes))
	r.spool.losses.add(loss{r.lane, r.Name, dead + " (" + clip(why.Err.Error()) + ")"}, n)
	return n, true
}

// ended reports whether nothing is to be tried again.
func (r *runner) ended() bool {
	select {
	case <-r.ctx.Done():
		return true
	case <-r.ending:
		return true
	default:
		return false
	}
}

// gather waits for a batch; nil where the runner is to end.
func (r *runner) gather() *parcel {
	limits := r.sink.Batch()
	begin := r.cursor()
	p := &parcel{from: begin, next: begin}
	var patience <-chan time.Time
	for r.ctx.Err() == nil {
		r.fill(p, limits)
		full := len(p.letters) >= limits.Messages || p.bytes >= limits.Bytes || p.skipped+p.unreadable >= maxTail
		if full || len(p.letters) == 0 && p.skipped+p.unreadable > 0 { // what nobody wants holds nothing up
			return p
		}
		done := r.lane.end() <= p.next && !r.own
		if len(p.letters) > 0 && patience == nil {
			patience = time.After(limits.Wait)
		}
		if done || r.ended() {
			if len(p.letters) == 0 {
				return nil
			}
			return p
		}
		select {
		case <-r.wake:
		case <-patience:
			return p
		case <-r.ending: // once more, for what came meanwhile
		case <-r.ctx.Done():
		}
	}
	return nil
}

// giveWay lets the writer go first where the processors do not suffice for all: what waits for it can be lost, and what is in the
// journal waits for sinks as long as they need.
func (r *runner) giveWay() {
	for len(r.spool.queue) > queueSize/busy && !r.ended() {
		time.Sleep(gather)
	}
}

// busy is the part of the queue beyond which the writer is in need.
const busy = 8

// fill adds to p what the journal has, up to the limits.
func (r *runner) fill(p *parcel, limits sink.Batch) {
	for len(p.letters) < limits.Messages && p.bytes < limits.Bytes && p.next < r.lane.end() {
		r.giveWay()
		b := r.inMemory(p.next)
		if b == nil {
			found, next, err := r.lane.shelf.take(p.next, &r.reader)
			if err != nil {
				slog.Error("couldn't read the spool", "sink", r.Name, "error", err)
				return
			}
			if p.unreadable += next - p.next; found == nil {
				p.next = next // what lies between is damaged or gone
				continue
			}
			b = found
		}
		r.pack(p, b, limits)
	}
}

func (r *runner) inMemory(seq uint64) *block {
	if !r.own {
		return nil
	}
	return r.spool.tail.holding(seq)
}

// pack adds entries of a block, up to the limits.
func (r *runner) pack(p *parcel, b *block, limits sink.Batch) {
	for n := int(p.next - b.first); n < len(b.kinds) && len(p.letters) < limits.Messages && p.bytes < limits.Bytes; n++ {
		p.next++
		if !r.Only.selects(b.kinds[n]) {
			p.skipped++
			continue
		}
		i, line, err := b.line(n, r.Variant, r.Encode, r.spool.sealer)
		if err != nil {
			p.unreadable++
			slog.Error("couldn't read an entry of the spool", "sink", r.Name, "error", err)
			continue
		}
		p.add(i, line)
	}
}

func (p *parcel) add(i encode.Item, text []byte) {
	p.letters = append(p.letters, letter{MessageOf(i, text), i})
	p.bytes += len(text)
}

// MessageOf is what sinks get of an entry whose text is this.
func MessageOf(i encode.Item, text []byte) sink.Message {
	m := sink.Message{Body: text}
	if e := i.Event; e != nil {
		m.ID, m.Time, m.Severity, m.Name = e.ID, e.Time, e.Severity, e.Kind
	} else {
		m.ID, m.Time, m.Severity, m.Name = i.Record.ID, i.Record.Time, encode.Severity(i.Record), i.Record.Operation
	}
	return m
}

func (r *runner) cursor() uint64 {
	r.lane.cursors.Lock()
	defer r.lane.cursors.Unlock()
	return r.slot.load().cursor
}

// settle moves the cursor. Where the journal's bound has moved it while the parcel was sent, what was before it counts as
// dropped though it came, and nothing counts twice.
func (r *runner) settle(p *parcel, refused uint64) {
	r.lane.cursors.Lock()
	c := r.slot.load()
	if c.cursor == p.from {
		c.skipped, c.dropped, c.dead = c.skipped+p.skipped, c.dropped+p.unreadable, c.dead+refused
		r.spool.losses.add(loss{r.lane, r.Name, damaged}, p.unreadable)
	}
	c.cursor = max(c.cursor, p.next)
	r.slot.store(c)
	r.lane.cursors.Unlock()
	r.lane.shelf.release(r.lane.lowest())
	r.spool.release()
}
