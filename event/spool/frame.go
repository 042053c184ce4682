package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/exchange"
)

// A frame is an entry of the journal as it lies on disk:
//
//	4 bytes  length of what follows the checksum, big endian like all numbers here
//	4 bytes  CRC-32C of it
//	8 bytes  sequence number
//	1 byte   what it is: record, refused, findings, event
//	4 bytes  length of the sealed part
//	…        what is personal, a form, sealed under the person's key; nothing where nothing is
//	…        the rest, a form
const (
	frameHead = 8
	entryHead = 8 + 1 + 4
	// maxFrame bounds a frame; records and events are bounded where they are made, far below.
	maxFrame = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// kind tells what an entry is, so that nobody needs to read it for that.
type kind byte

const (
	isRecord kind = 1 << iota
	isRefused
	isFinding
	isEvent
)

func kindOf(i encode.Item) kind {
	if i.Event != nil {
		return isEvent
	}
	k := isRecord
	if i.Record.Refused {
		k |= isRefused
	}
	if len(i.Record.Findings) > 0 {
		k |= isFinding
	}
	if _, code := i.Record.Settled(); code != "" && !i.Record.Refused {
		k |= isFinding // what a guard in monitor would have refused
	}
	return k
}

// errTooLarge is an entry that no frame holds.
var errTooLarge = errors.New("the entry is too large")

// sealItem makes a frame of i that has no number and lies nowhere yet.
func sealItem(i encode.Item, seal event.Sealer) (f frame, err error) {
	whose, public, personal, err := part(i, seal)
	if err != nil {
		return f, err
	}
	f = frame{kind: kindOf(i), public: public}
	if len(personal) > 0 {
		if f.sealed, err = seal.Seal(whose, personal); err != nil {
			return f, fmt.Errorf("couldn't seal what is personal: %w", err)
		}
	}
	if f.size = frameHead + entryHead + len(f.sealed) + len(public); f.size > maxFrame+frameHead {
		return f, errTooLarge
	}
	return f, nil
}

// append appends the frame as the entry seq.
func (f frame) append(b []byte, seq uint64) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(f.size-frameHead))
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = append(b, byte(f.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.sealed)))
	b = append(b, f.sealed...)
	b = append(b, f.public...)
	binary.BigEndian.PutUint32(b[start+4:], crc32.Checksum(b[start+frameHead:], castagnoli))
	return b
}

// part writes what is not personal, and what is, beside each other.
func part(i encode.Item, seal event.Sealer) (whose string, public, personal []byte, err error) {
	f := form{b: make([]byte, 0, usualForms)}
	var p exchange.Personal
	if i.Event != nil {
		var e exchange.Event
		whose = i.Event.Whose()
		if e, p, err = event.PartEvent(i.Event, seal); err != nil {
			return "", nil, nil, err
		}
		eventForm(&f, &e)
	} else {
		var r exchange.Record
		whose = i.Record.Whose()
		r, p = i.Record.Part()
		recordForm(&f, &r)
	}
	n := len(f.b)
	personalForm(&f, &p)
	return whose, f.b[:n:n], f.b[n:], nil
}

// usualForms is room for both parts of a usual record.
const usualForms = 1 << 10

// A frame is read back without a copy: its parts are those of what was read.
type frame struct {
	seq            uint64
	kind           kind
	sealed, public []byte
	size           int
}

// errDamaged is what cannot be read as a frame: cut off, or changed.
var errDamaged = errors.New("not a whole frame")

// parseFrame reads the frame that b begins with. It allocates nothing and believes nothing.
func parseFrame(b []byte) (f frame, err error) {
	if len(b) < frameHead {
		return f, errDamaged
	}
	size := binary.BigEndian.Uint32(b)
	if size < entryHead || size > maxFrame || int(size) > len(b)-frameHead {
		return f, errDamaged
	}
	body := b[frameHead : frameHead+int(size)]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return f, errDamaged
	}
	sealed := binary.BigEndian.Uint32(body[9:])
	if int64(sealed) > int64(len(body)-entryHead) {
		return f, errDamaged
	}
	rest := body[entryHead:]
	return frame{binary.BigEndian.Uint64(body), kind(body[8]), rest[:sealed], rest[sealed:], frameHead + int(size)}, nil
}

// item restores what the frame holds. What was erased stays away, which is no error.
func (f frame) item(seal event.Sealer) (i encode.Item, err error) {
	var p exchange.Personal
	if len(f.sealed) > 0 {
		plain, err := seal.Open(f.sealed)
		switch {
		case errors.Is(err, event.ErrErased):
		case err != nil:
			return i, fmt.Errorf("couldn't open what is personal: %w", err)
		default:
			if err := read(plain, func(f *form) { personalForm(f, &p) }); err != nil {
				return i, err
			}
		}
	}
	if f.kind&isEvent != 0 {
		e := &exchange.Event{}
		if err := read(f.public, func(f *form) { eventForm(f, e) }); err != nil {
			return i, err
		}
		if err := event.RestoreEvent(e, p, seal); err != nil && !errors.Is(err, event.ErrErased) {
			return i, fmt.Errorf("couldn't open who did it: %w", err)
		}
		return encode.Item{Event: e}, nil
	}
	r := &exchange.Record{Steps: []exchange.RecordStep{}} // as it was made
	if err := read(f.public, func(f *form) { recordForm(f, r) }); err != nil {
		return i, err
	}
	r.Restore(p)
	return encode.Item{Record: r}, nil
}
